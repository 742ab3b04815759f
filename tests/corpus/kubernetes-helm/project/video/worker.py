import os
import subprocess

from celery import Celery

app = Celery(
    "video",
    broker=f"amqp://video:{os.environ['RABBIT_PASSWORD']}@rabbitmq:5672/video",
    backend=f"redis://:{os.environ['REDIS_PASSWORD']}@redis:6379/0",
)
app.conf.task_time_limit = 3600


@app.task(bind=True, acks_late=True)
def encode(self, path):
    done = subprocess.run(["ffmpeg", "-i", path, f"{path}.webm"], check=True)
    return done.returncode


@app.task
def probe(path):
    return {"path": path, "streams": 2}
