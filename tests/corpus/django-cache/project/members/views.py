from django.core.cache import cache
from django.http import JsonResponse

from members.tasks import bill


def charge(request, pk):
    if cache.get(f"billed-{pk}"):
        return JsonResponse({}, status=409)
    return JsonResponse({"job": bill.delay(pk, int(request.POST.get("cents", 0))).id})


def outcome(request, job):
    result = bill.AsyncResult(job)
    return JsonResponse({"ready": result.ready(), "failed": result.failed()})
