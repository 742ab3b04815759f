from django.http import JsonResponse
from django_celery_results.models import TaskResult

from .models import Visit
from .tasks import напомнить


def remind(request, visit_id):
    visit = Visit.objects.get(pk=visit_id)
    sent = напомнить.delay(visit.pk)
    return JsonResponse({"task": sent.id, "status": visit.status})


def reminded(request, task_id):
    row = TaskResult.objects.get(task_id=task_id)
    return JsonResponse({"status": row.status, "result": row.result})
