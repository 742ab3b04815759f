"""Many results through one process: afterwards nothing is left of them."""

import gc
import threading
import uuid
from collections.abc import Callable
from typing import NamedTuple

import psutil
import pytest
from celery import Celery
from celery.result import ResultSet

from faults.conftest import Target
from rootcellar.waiting import Hub
from servers import wait_until

_BATCH = 500
_MEGABYTE = 1 << 20


class Footprint(NamedTuple):
    """What a process holds, apart from its memory."""

    threads: int
    connections: int
    subscriptions: int


def _settle(app: Celery, elsewhere: Celery, target: Target) -> tuple[Footprint, int]:
    gc.collect()
    wait_until(lambda: "rootcellar-hub" not in {thread.name for thread in threading.enumerate()}, "the hub has ended")
    # Both: while one connection to a SQLite file is open, closing another may leave its descriptor for later.
    app.backend.store.close()
    elsewhere.backend.store.close()
    # A server notices only after a moment that a connection was closed.
    own = wait_until(lambda: target.connections() + 1, "the server answers") - 1
    footprint = Footprint(threading.active_count(), own, target.subscriptions())
    return footprint, psutil.Process().memory_info().rss


def _work(app: Celery, elsewhere: Celery, count: int) -> None:
    """Store, wait for and forget ``count`` results, a batch at a time, half of them with a listener."""
    for _ in range(count // _BATCH):
        results = [app.AsyncResult(str(uuid.uuid4())) for _ in range(_BATCH)]
        heard = []
        for result in results[::10]:
            result.then(heard.append)

        def store(ids: tuple[str, ...] = tuple(result.id for result in results)) -> None:
            for task_id in ids:
                elsewhere.backend.store_result(task_id, {"of": task_id}, "SUCCESS")

        thread = threading.Thread(target=store)
        thread.start()
        found = ResultSet(results, app=app).join_native(timeout=60)
        thread.join()
        assert [value["of"] for value in found] == [result.id for result in results]
        for result in results:
            result.forget()


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(7200)])])
def test_nothing_is_left_of_results_that_were_read_and_forgotten(
    any_target: Target, open_app: Callable[..., Celery], count: int
) -> None:
    """Memory, threads, connections, subscriptions and rows end where they began."""
    app, elsewhere = open_app(any_target.url), open_app(any_target.url)
    app.backend.hub = Hub(app.backend.store.store, linger_s=0.2)
    app.backend.store.get("nobody")  # the tables are there
    _work(app, elsewhere, 2 * _BATCH)  # what is made once is made
    before, memory_before = _settle(app, elsewhere, any_target)
    _work(app, elsewhere, count)
    after, memory_after = _settle(app, elsewhere, any_target)
    assert after == before
    assert memory_after - memory_before < 20 * _MEGABYTE
    assert app.backend.store.stats().records == 0
