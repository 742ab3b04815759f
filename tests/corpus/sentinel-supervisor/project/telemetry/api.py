from celery.result import AsyncResult

from telemetry.celery import app


def outcome(task_id):
    result = AsyncResult(task_id, app=app)
    if result.failed():
        return {"error": str(result.result)}
    return {"done": result.successful()}
