from celery import shared_task
from django.utils import timezone

from .models import Visit


@shared_task
def напомнить(visit_id):
    """Отправить напоминание о приёме."""
    visit = Visit.objects.get(pk=visit_id)
    visit.status = "reminded"
    visit.save(update_fields=["status"])
    return visit.pk


@shared_task(name="reception.close_day", ignore_result=True)
def close_day():
    Visit.objects.filter(at__lt=timezone.now(), status="new").update(status="missed")
