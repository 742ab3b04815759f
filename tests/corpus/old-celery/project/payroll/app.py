from celery import Celery

app = Celery("payroll", include=["payroll.jobs"])
app.conf.update(
    broker_url="amqp://guest:guest@localhost:5672//",
    result_backend="redis+socket:///run/redis/redis.sock?virtual_host=2",
    result_expires=7200,
    task_track_started=True,
)
