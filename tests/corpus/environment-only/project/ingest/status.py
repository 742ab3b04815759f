from celery.result import AsyncResult

from ingest.app import app


def status(ids):
    return {one: AsyncResult(one, app=app).status for one in ids}
