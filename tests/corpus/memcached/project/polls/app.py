from collections import Counter
from datetime import timedelta

from celery import Celery

app = Celery("polls")
app.conf.update(dict(
    broker_url="amqp://guest:guest@localhost:5672//",
    result_backend="cache+memcached://127.0.0.1:11211/",
    result_expires=timedelta(days=30),
    result_compression="zlib",
    cache_backend_options={"binary": True},
))


@app.task
def tally(votes):
    return dict(Counter(votes).most_common(3))
