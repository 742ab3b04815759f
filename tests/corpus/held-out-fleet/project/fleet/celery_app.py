from celery import Celery
from celery.schedules import crontab

app = Celery(
    "fleet",
    broker="amqp://guest:guest@localhost:5672//",
    backend="redis://localhost:6379/3",
    include=["fleet.tracking"],
)
app.conf.redis_max_connections = 20
app.conf.redis_retry_on_timeout = True
app.conf.redis_socket_timeout = 30
app.conf.beat_schedule = {
    "positions": {"task": "fleet.positions", "schedule": crontab(), "options": {"expires": 50}},
}
