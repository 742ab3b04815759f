from celery.result import AsyncResult
from flask import Blueprint

from web.celery import app
from web.tasks import thumbnail

pictures = Blueprint("pictures", __name__)


@pictures.post("/thumbnails/<path:path>")
def make(path):
    return {"job": thumbnail.delay(path).id}


@pictures.get("/jobs/<job>")
def show(job):
    return {"state": AsyncResult(job, app=app).state}
