import os

from celery import Celery

app = Celery("batch", include=["batch.tasks"])
app.conf.update(
    broker_url=f"amqp://batch:{os.environ['RABBIT_PASSWORD']}@rabbitmq:5672//",
    result_backend=f"db+postgresql://main:{os.environ['DB_PASSWORD']}@db/main",
    result_backend_always_retry=True,
)
