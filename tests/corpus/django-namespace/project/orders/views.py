from celery.result import AsyncResult
from django.http import JsonResponse

from orders.models import Order
from orders.tasks import pack, remind


def start(request):
    order = Order.objects.get(number=request.GET.get("number"))
    remind.apply_async((order.pk,), countdown=60, expires=600)
    return JsonResponse({"id": pack.delay(order.pk).id, "state": order.state, "result": order.result})


def progress(request, task_id):
    result = AsyncResult(task_id)
    return JsonResponse({"state": result.state, "number": result.result if result.successful() else None})
