import os

from celery import Celery

app = Celery("ingest", include=["ingest.tasks"])
app.conf.broker_url = os.environ["BROKER_URL"]
app.conf.result_backend = os.environ["RESULT_BACKEND"]
app.conf.result_expires = 14 * 24 * 3600
