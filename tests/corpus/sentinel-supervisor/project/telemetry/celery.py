from celery import Celery

app = Celery("telemetry")
app.config_from_object("telemetry.celeryconfig")
