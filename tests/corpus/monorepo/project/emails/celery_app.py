from celery import Celery

app = Celery("emails", broker="amqp://guest:guest@localhost:5672/emails", backend="redis://localhost:6379/2")
app.conf.result_backend_always_retry = True
app.autodiscover_tasks(["emails"])
