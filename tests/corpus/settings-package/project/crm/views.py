from celery.result import AsyncResult
from django.core.cache import cache
from django.http import JsonResponse

from crm.tasks import score


def start(request, pk):
    known = cache.get(f"score-{pk}")
    if known is None:
        known = score.delay(pk).id
        cache.set(f"score-{pk}", known, 60)
    return JsonResponse({"job": known})


def show(request, job):
    result = AsyncResult(job)
    return JsonResponse({"state": result.state, "arguments": list(result.args or ())})
