from celery import Celery

app = Celery("analyser")
app.conf.update(
    broker_url="amqp://guest:guest@localhost:5672/sensors",
    result_backend="redis://localhost:6379/4",
    result_backend_always_retry=True,
    result_expires=3600,
)


@app.task
def mean(values):
    import numpy as np

    average = np.mean(values)
    return float(average)


def day(values):
    return mean.delay(values).get(timeout=60)
