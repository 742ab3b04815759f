from celery import chord, group

from quotes.celery import app
from quotes.tasks import fetch, merge


def quote(symbol):
    result = fetch.delay(symbol)
    first = result.get(timeout=5)
    if first is None:
        first = result.get(timeout=10)
    return first


def best(symbols):
    return chord([fetch.s(symbol) for symbol in symbols])(merge.s())


def best_of_two(one, two):
    pipeline = (group(fetch.s(one), fetch.s(two)) | merge.s())
    return pipeline.delay()


def state_of(task_id):
    return app.AsyncResult(task_id).state
