from celery import Celery

from common import settings

app = Celery("milk", broker=settings.BROKER, backend=settings.RESULTS)


@app.task
def yield_of(cow: int) -> float:
    return 28.5


@app.task
def herd(cows: list) -> dict:
    return {cow: yield_of.delay(cow).id for cow in cows}
