import os

import celery

app = celery.Celery("newsletter")


class Config:
    broker_url = os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//")
    task_ignore_result = True
    task_store_errors_even_if_ignored = False
    broker_connection_retry_on_startup = True


app.config_from_object(Config)
app.autodiscover_tasks(["newsletter"])
