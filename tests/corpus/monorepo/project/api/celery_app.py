from celery import Celery

app = Celery("api", broker="amqp://guest:guest@localhost:5672/api", backend="redis://localhost:6379/2")
app.conf.result_backend_always_retry = True
app.autodiscover_tasks(["api"])
