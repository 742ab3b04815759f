from celery import Celery

from picking import constants
from picking.urls import redis_url

app = Celery("picking", include=["picking.jobs"])
app.conf.update(
    broker_url=redis_url(constants.BROKER_DB),
    result_backend=redis_url(constants.RESULT_DB),
    result_backend_always_retry=True,
    result_expires=constants.KEEP_RESULTS,
    worker_soft_shutdown_timeout=30,
    task_default_queue=constants.QUEUES[0],
)
