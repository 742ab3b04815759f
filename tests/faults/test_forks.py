"""A process with a live hub and a warm pool forks."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery

from faults.conftest import Target
from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import in_child, race, wait_until


def _put_and_get(store: Store, who: str, count: int) -> int:
    """Return how many of one's own records came back right."""
    right = 0
    for number in range(count):
        payload = b'{"status": "SUCCESS", "result": "%b %d"}' % (who.encode() * (number % 7), number)
        store.put(Record(f"{who}-{number}", "SUCCESS", payload))
        right += store.get(f"{who}-{number}").payload == payload
    return right


def test_parent_and_children_keep_out_of_each_others_connections(
    any_target: Target, open_app: Callable[..., Celery]
) -> None:
    """All put, get and wait at the same time, and each gets its own answers."""
    app, elsewhere = open_app(any_target.url), open_app(any_target.url)
    store = app.backend.store
    _put_and_get(store, "warm", 5)
    waited = app.AsyncResult(str(uuid.uuid4()))

    def child(number: int) -> tuple[int, str]:
        own = app.AsyncResult(f"child-{number}-waits")
        timer = threading.Timer(0.05, elsewhere.backend.store_result, (own.id, f"for {number}", "SUCCESS"))
        timer.start()
        return _put_and_get(store, f"child-{number}", 50), own.get(timeout=60)

    with ThreadPoolExecutor(2) as threads:
        wait = threads.submit(waited.get, timeout=120)
        wait_until(lambda: waited.id in app.backend.hub._waits, "the parent waits")
        parents = threads.submit(_put_and_get, store, "parent", 200)
        assert race(4, child) == [(50, f"for {number}") for number in range(4)]
        assert parents.result(60) == 200
        elsewhere.backend.store_result(waited.id, "for the parent", "SUCCESS")
        assert wait.result(120) == "for the parent"
    assert _put_and_get(store, "afterwards", 20) == 20


def test_a_child_that_ends_leaves_the_parents_connections_alone(
    any_target: Target, open_app: Callable[..., Celery]
) -> None:
    """Closing everything in the child must not say goodbye on the parent's behalf."""
    app, elsewhere = open_app(any_target.url), open_app(any_target.url)
    _put_and_get(app.backend.store, "warm", 5)
    waited = app.AsyncResult(str(uuid.uuid4()))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(waited.get, timeout=120)
        wait_until(lambda: waited.id in app.backend.hub._waits, "the parent waits")

        def child() -> int:
            right = _put_and_get(app.backend.store, "child", 5)
            app.backend.hub.close()
            app.backend.store.close()
            return right

        assert in_child(child) == 5
        assert _put_and_get(app.backend.store, "parent", 5) == 5
        elsewhere.backend.store_result(waited.id, 1, "SUCCESS")
        assert wait.result(120) == 1


@pytest.mark.parametrize("attempt", range(10))
def test_a_fork_while_other_threads_connect_does_not_lock_the_child_out(
    any_target: Target, open_it: Callable[..., Store], attempt: int
) -> None:
    """A lock may be held at that very moment, by a thread the child does not have."""
    store = open_it(any_target.url)

    def child() -> list[int]:
        done: list[int] = []
        worker = threading.Thread(target=lambda: done.append(_put_and_get(store, "child", 3)), daemon=True)
        worker.start()
        worker.join(20)
        return done

    with ThreadPoolExecutor(4) as threads:
        firsts = [threads.submit(_put_and_get, store, f"thread-{number}", 3) for number in range(4)]
        assert in_child(child) == [3]
        assert [first.result(60) for first in firsts] == [3] * 4
