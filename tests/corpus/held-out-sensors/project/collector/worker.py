from celery import Celery

app = Celery("collector")
app.conf.update(
    broker_url="amqp://guest:guest@localhost:5672/sensors",
    result_backend="redis://localhost:6379/4",
    result_backend_always_retry=True,
    result_expires=3600,
)


@app.task
def read(port):
    from datetime import datetime

    return {"port": port, "value": 21.5, "at": datetime.utcnow().isoformat()}


def readings(ports):
    return [sent.get(timeout=3) for sent in [read.delay(port) for port in ports]]
