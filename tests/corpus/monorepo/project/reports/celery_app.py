from datetime import timedelta

from celery import Celery

app = Celery("reports", broker="amqp://guest:guest@localhost:5672/reports", backend="redis://localhost:6379/2")
app.conf.update(
    result_backend_transport_options={"global_keyprefix": "reports:"},
    result_backend_always_retry=True,
    result_expires=timedelta(hours=6),
    imports=["reports.tasks"],
)
