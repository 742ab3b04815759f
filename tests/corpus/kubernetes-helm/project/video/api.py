from celery.result import AsyncResult

from video.worker import app, encode


def submit(path):
    return encode.apply_async((path,), expires=1800).id


def look(task_id):
    result = AsyncResult(task_id, app=app)
    return result.status, result.traceback
