from celery.result import AsyncResult

from media.worker import app


def line(task_id):
    result = AsyncResult(task_id, app=app)
    return f"{task_id} {result.state} {result.kwargs}"
