import os
from typing import Any

from celery import Celery

CONFIG: dict[str, Any] = dict(
    broker_url=os.environ["BROKER"],
    result_backend=os.environ["RESULTS"],
    result_expires=3600,
    result_backend_always_retry=True,
    redis_socket_keepalive=True,
    redis_max_connections=50,
)

app = Celery("brewery")
app.conf.update(**CONFIG)


@app.task
def mash(recipe: dict[str, float], *, litres: float) -> dict[str, float]:
    return {grain: share * litres for grain, share in recipe.items()}


@app.task(soft_time_limit=30)
def gravity(sugar: float, litres: float) -> float:
    return 1 + sugar / litres / 1000
