from celery import shared_task
from django.db.models import F

from members.models import Member


@shared_task
def bill(pk, cents):
    Member.objects.filter(pk=pk).update(cents=F("cents") + cents)
    return Member.objects.values_list("cents", flat=True).get(pk=pk)
