from celery import Celery

app = Celery("tutorial", broker="amqp://guest:guest@localhost//", backend="cache+memory://")
app.conf.result_chord_join_timeout = 10.0


@app.task
def double(number):
    return 2 * number


@app.task
def total(numbers):
    return sum(numbers)
