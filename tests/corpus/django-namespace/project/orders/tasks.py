from celery import shared_task

from orders.models import Order


@shared_task
def pack(pk):
    order = Order.objects.get(pk=pk)
    order.state = "packed"
    order.result = "ok"
    order.save(update_fields=["state", "result"])
    return order.number


@shared_task(ignore_result=True)
def remind(pk):
    order = Order.objects.filter(pk=pk).first()
    if order is not None and order.result:
        return
    Order.objects.get_or_create(number=f"reminder-{pk}")
