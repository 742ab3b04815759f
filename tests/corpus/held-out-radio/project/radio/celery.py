from __future__ import annotations

import os

from celery import Celery

BROKER = os.getenv("RADIO_BROKER", "amqp://guest:guest@localhost:5672/radio")

app = Celery("radio", broker=BROKER, backend="amqp://guest:guest@localhost:5672/radio")
app.conf.task_routes = ([("radio.recording.*", {"queue": "recording"})],)
app.conf.task_annotations = {"*": {"rate_limit": "10/s"}}
app.conf.CELERY_TASK_RESULT_EXPIRES = 3600
app.autodiscover_tasks(["radio"], "recording")
