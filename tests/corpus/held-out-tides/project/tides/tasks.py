import os

from celery import Celery
from celery import current_app
from celery.schedules import crontab

celery = Celery(__name__)
celery.conf.update(
    {
        "broker_url": "sqs://",
        "broker_transport_options": {"region": "eu-west-2", "visibility_timeout": 3600},
        "result_backend": os.environ.get("TIDES_RESULTS", "redis://127.0.0.1:6380/0?decode_responses=true"),
        # "result_backend": "redis://:oldpassw0rd@10.0.0.7:6379/0",
        "result_expires": 172800,
        "result_backend_max_retries": 10,
        "redis_max_connections": 4,
        "task_default_queue": "tides",
        "worker_enable_remote_control": False,
    }
)


@celery.task
def model(harbour, year):
    heights = {month: 0.0 for month in range(1, 13)}
    return {"harbour": harbour, "heights": heights}


@celery.task
def models(harbours, year):
    for harbour in harbours:
        model.apply_async((harbour, year), link=summary.s(), expires=7200)


@celery.task(expires=6 * 3600)
def summary(modelled):
    return max(modelled["heights"].values())


@celery.on_after_configure.connect
def periodic(sender, **kwargs):
    sender.add_periodic_task(crontab(hour=3, minute=0), models.s(["Dover"], 2025))


def names():
    return [task.name for task in current_app.tasks.values()]
