import os

from celery import Celery

BROKER = "amqp://notify:pa#Rk/2tV9w@mq.example.com:5672/notify"

REDIS_HOST = os.environ.get("REDIS_HOST", "redis")
REDIS_DB = os.environ.get("REDIS_DB", "0")

app = Celery("notify")
app.conf.broker_url = BROKER
app.conf.result_backend = f"redis://{os.environ['REDIS_USER']}:{os.environ['REDIS_PASSWORD']}@{REDIS_HOST}:6379/{REDIS_DB}"
app.conf.result_backend_always_retry = True
app.conf.result_expires = 15 * 60
app.conf.task_time_limit = 60
app.autodiscover_tasks(["notify"], related_name="push")
