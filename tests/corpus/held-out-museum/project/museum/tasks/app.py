import os

from celery import Celery

app = Celery("museum")
app.conf.broker_url = os.environ["MUSEUM_BROKER"]
app.conf.result_backend = os.environ["MUSEUM_RESULTS"]
app.conf.result_expires = 12 * 60 * 60
app.conf.result_backend_always_retry = True
