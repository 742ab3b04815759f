import os

from celery import Celery

app = Celery("routes", include=["routes.plan"])
app.conf.update(
    broker_url=os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//"),
    result_backend=f"db+postgresql+psycopg://routes:{os.environ['DB_PASSWORD']}@pgbouncer:6432/routes",
    database_engine_options={"pool_pre_ping": True},
    result_chord_join_timeout=30,
)
