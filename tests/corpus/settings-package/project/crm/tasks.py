from celery import shared_task

from crm.models import Customer


@shared_task(bind=True, acks_late=True)
def score(self, pk):
    customer = Customer.objects.get(pk=pk)
    customer.score = len(customer.name) * 10
    customer.save(update_fields=["score"])
    return {"pk": pk, "score": customer.score}
