from celery import Celery
from dotenv import load_dotenv

load_dotenv()

app = Celery(
    "importer",
    broker="redis://localhost:6379/0",
    backend="redis://localhost:6379/1",
    include=["importer.tasks"],
)
app.conf.update(
    result_expires=None,
    result_backend_always_retry=True,
    worker_max_tasks_per_child=100,
)
