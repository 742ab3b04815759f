from celery.result import AsyncResult


def status(task_id):
    return AsyncResult(task_id).status
