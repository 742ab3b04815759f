from celery import Celery

app = Celery("pins", broker="amqp://guest:guest@localhost//", backend="redis://localhost:6379/0")
app.conf.result_backend_always_retry = True


@app.task
def work(number):
    return number + 1
