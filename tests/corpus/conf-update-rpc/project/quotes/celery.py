import os

from celery import Celery

app = Celery("quotes", include=["quotes.tasks"])
app.conf.update(
    {
        "broker_url": os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//"),
        "result_backend": "rpc://",
        "result_exchange": "quotes.results",
        "result_expires": 600,
        "task_default_queue": "quotes",
    }
)
