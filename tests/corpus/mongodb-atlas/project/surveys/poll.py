from celery.result import AsyncResult

from surveys.tasks import app


def finished(task_id):
    return AsyncResult(task_id, app=app).ready()
