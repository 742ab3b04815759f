"""``result_extended`` and stamped headers."""

from typing import Any

from celery import Celery
from cellar_tasks import Customer
from workers import Worker

_EXTRA = {"name", "args", "kwargs", "worker", "retries", "queue"}


def _meta(app: Celery, task_id: str) -> dict[str, Any]:
    return app.backend.codec.decode(app.backend.store.get(task_id).payload)


def test_an_extended_result_says_what_was_called_and_where(extended_app: Celery, extended_worker: Worker) -> None:
    """Name, arguments, worker, retries and queue, through ``AsyncResult``'s own attributes."""
    result = extended_app.tasks["add"].apply_async((2,), {"y": 3})
    result.get(timeout=30)
    assert (result.name, result.args, result.kwargs, result.worker, result.retries, result.queue) == (
        "add",
        [2],
        {"y": 3},
        extended_worker.name,
        0,
        extended_app.conf.task_default_queue,
    )


def test_without_the_setting_a_result_keeps_none_of_it(app: Celery, worker: Worker) -> None:
    """The document then holds only what Celery always writes."""
    result = app.tasks["add"].delay(2, 3)
    result.get(timeout=30)
    assert _EXTRA & set(_meta(app, result.id)) == set()


def test_a_stamp_is_kept_with_an_extended_result(extended_app: Celery, extended_worker: Worker) -> None:
    """A ``StampingVisitor``'s header arrives in the meta, beside the list of stamped headers."""
    signature = extended_app.tasks["add"].s(1, 1)
    signature.stamp(visitor=Customer())
    result = signature.apply_async()
    result.get(timeout=30)
    meta = _meta(extended_app, result.id)
    assert (meta["customer"], meta["stamped_headers"]) == ("Ada", ["customer"])
