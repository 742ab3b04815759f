"""The office only asks; its questions go to both farms."""

from celery import Celery

from common.settings import BROKER, RESULTS

client = Celery("office", broker=BROKER, backend=RESULTS)


def harvested(field):
    job = client.send_task("crops.app.harvest", args=[field], queue="crops")
    return job.get(timeout=60, propagate=False)
