import hashlib
from datetime import timedelta
from pathlib import Path

from celery import Celery, Task

app = Celery("media")
app.conf.broker_url = "redis://10.0.3.7:6379/1"
app.conf.result_backend = "redis://10.0.3.7:6379/0"
app.conf.result_backend_always_retry = True
app.conf.result_expires = timedelta(days=10)


class Resize(Task):
    name = "media.resize"
    max_retries = 3

    def run(self, path, width):
        return {"path": path, "width": width}


resize = app.register_task(Resize())


@app.task(bind=True, default_retry_delay=10)
def checksum(self, path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
