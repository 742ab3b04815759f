from celery import chord, shared_task
from django.utils import timezone

from invoices.models import Invoice


@shared_task
def find(pk):
    return Invoice.objects.get(pk=pk)


@shared_task
def overdue():
    return Invoice.objects.filter(paid=False)


@shared_task
def remind_all(numbers):
    changed = Invoice.objects.filter(number__in=numbers).update(reminded=timezone.now())
    return {"reminded": changed}


@shared_task
def count(answers):
    return sum(answer["reminded"] for answer in answers)


def remind(batches):
    return chord(remind_all.s(batch) for batch in batches)(count.s())
