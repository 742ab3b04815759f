import os

from celery import Celery

app = Celery("books", include=["books.tasks"])
app.conf.update(
    broker_url=f"amqp://books:{os.environ['RABBIT_PASSWORD']}@rabbitmq:5672//",
    result_backend=f"redis://:{os.environ['REDIS_PASSWORD']}@results:6379/0",
    result_backend_always_retry=True,
    result_expires=24 * 3600,
    task_time_limit=1800,
    worker_prefetch_multiplier=1,
)
