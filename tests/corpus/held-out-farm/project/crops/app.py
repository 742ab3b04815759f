from celery import Celery

from common import settings

app = Celery("crops", broker=settings.BROKER, backend=settings.RESULTS)
app.conf.result_expires = 3600 * 24 * 30
app.conf.task_default_queue = "crops"


@app.task
def harvest(field):
    return {"field": field, "tonnes": 0}
