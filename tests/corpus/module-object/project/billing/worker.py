from celery import Celery

from billing import config

app = Celery("billing", include=["billing.jobs"])
app.config_from_object(config)
