"""The tasks of the worker that ``test_correctness_waiting.py`` starts: ``celery -A claims_worker worker``.

Broker and result backend are what :data:`URL_VARIABLE` names.
"""

import os

from celery import Celery
from celery.result import allow_join_result

URL_VARIABLE = "CLAIMS_URL"

app = Celery("claims_worker", broker=os.environ.get(URL_VARIABLE), backend=os.environ.get(URL_VARIABLE))
# One that waits may never be told to stop.
app.conf.worker_prefetch_multiplier = 1


@app.task
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


@app.task
def wait_for_add() -> int:
    """Wait for another task, as one must not."""
    return int(add.delay(2, 2).get(timeout=10))


@app.task
def wait_for_add_all_the_same(how: str) -> str:
    """Wait for another task with the check switched off; return what came of it."""
    result = add.delay(2, 2)
    try:
        if how == "allow_join_result":
            with allow_join_result():
                result.get(timeout=0.5)
        else:
            result.get(timeout=0.5, disable_sync_subtasks=False)
    except Exception as exc:
        return type(exc).__name__
    return "a result"
