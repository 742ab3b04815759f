import os

from celery import Celery

application = Celery("solar", broker="amqp://guest@queue//")
application.conf.update(
    result_backend=os.environ["SOLAR_STORE"],
    result_backend_always_retry=True,
    result_expires=60 * 60 * 24 * 10,
    task_ignore_result=True,
    worker_concurrency=2,
    imports=["solar.panels"],
)

# the new inverter answers slowly
application.conf.worker_concurrency = 6
