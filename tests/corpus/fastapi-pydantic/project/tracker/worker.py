from celery import Celery

from tracker.settings import settings

celery_app = Celery(
    "tracker",
    broker=settings.broker_url,
    backend=settings.result_backend,
    include=["tracker.tasks"],
)
celery_app.conf.update(result_expires=settings.result_expires, task_track_started=True)
