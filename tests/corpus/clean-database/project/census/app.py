import os

from celery import Celery
from celery.schedules import crontab

HOST = os.environ.get("DB_HOST", "db.census.example.org")

app = Celery("census", include=["census.tasks"])
app.conf.broker_url = f"amqps://census:{os.environ['RABBIT_PASSWORD']}@mq.census.example.org:5671/census"
app.conf.result_backend = f"db+postgresql://census:{os.environ['DB_PASSWORD']}@{HOST}/census?sslmode=verify-full"
app.conf.result_expires = 30 * 24 * 3600
app.conf.result_chord_join_timeout = 60.0
app.conf.database_table_names = {"task": "census_task", "group": "census_group"}
app.conf.beat_schedule = {
    "refresh": {"task": "census.tasks.refresh", "schedule": crontab(hour=4, minute=0)},
}
