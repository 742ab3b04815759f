import os

from celery import Celery

PASSWORD = os.environ["REDIS_PASSWORD"]

app = Celery("ads")
app.conf.broker_url = os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//")
app.conf.result_backend = f"redis://:{PASSWORD}@redis-0:6379,:{PASSWORD}@redis-1:6379,:{PASSWORD}@redis-2:6379/0"
app.conf.result_backend_always_retry = True


@app.task
def bid(slot):
    return {"slot": slot, "cents": 12}
