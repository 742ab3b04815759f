from celery.result import AsyncResult

from observatory.app import app


def finished(ids: list[str]) -> list[str]:
    return [one for one in ids if AsyncResult(one, app=app).successful()]
