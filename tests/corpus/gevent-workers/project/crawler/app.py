import os

from celery import Celery

app = Celery("crawler", include=["crawler.tasks"])
app.conf.update(
    broker_url=f"amqp://crawler:{os.environ['RABBIT_PASSWORD']}@rabbitmq:5672//",
    result_backend=f"redis://:{os.environ['REDIS_PASSWORD']}@redis:6379/0",
    redis_max_connections=10,
    result_expires=3600,
)
