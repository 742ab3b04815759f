"""The hub at its most awkward moments."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rootcellar.record import Record
from rootcellar.stores.base import Store
from rootcellar.waiting import Hub
from servers import wait_until

_DONE = Record("late", "SUCCESS", b'{"status": "SUCCESS"}')


def test_a_wait_that_begins_while_the_thread_ends_is_served(tmp_path: Path, open_it: Callable[..., Store]) -> None:
    """The thread has just found nothing to do, and has not yet said that it is over."""
    store = open_it(f"sqlite:///{tmp_path / 'results.db'}")
    store.put(_DONE)
    hub = Hub(store, linger_s=0)
    arrived: list[Record] = []
    late = threading.Thread(target=lambda: hub.wait(("late",), arrived.append))

    class Arrivals(deque[Any]):
        """Lets a caller in right after it was found empty."""

        def __bool__(self) -> bool:
            is_filled = len(self) > 0
            if not is_filled and hub._starting.locked() and not late.ident:
                late.start()
                late.join(0.5)
            return is_filled

    hub._arrivals = Arrivals()
    hub.cancel(hub.wait(("nobody",), lambda record: None))
    wait_until(lambda: late.ident, "the thread is about to end")
    try:
        wait_until(lambda: arrived, "the late wait is served", timeout_s=5)
    finally:
        hub.close()


def test_the_hub_ends_when_nobody_waits_and_begins_again(tmp_path: Path, open_it: Callable[..., Store]) -> None:
    """Its thread and its connection come and go."""
    store = open_it(f"sqlite:///{tmp_path / 'results.db'}")
    hub = Hub(store, linger_s=0.01)
    for number in range(20):
        arrived: list[Record] = []
        hub.wait((f"id-{number}",), arrived.append)
        store.put(_DONE._replace(id=f"id-{number}"))
        wait_until(lambda arrived=arrived: arrived, "it is served")
        wait_until(lambda: not hub.is_running, "the hub has ended")
    hub.close()


def test_many_threads_begin_to_wait_while_the_hub_comes_and_goes(tmp_path: Path, open_it: Callable[..., Store]) -> None:
    """With no lingering at all, each wait is served, whatever the thread was about to do."""
    store = open_it(f"sqlite:///{tmp_path / 'results.db'}")
    store.put(_DONE)
    hub = Hub(store, look_interval_s=0.1, linger_s=0)
    served = []

    def wait_often() -> None:
        for _ in range(200):
            arrived = threading.Event()
            hub.wait(("late",), lambda record, arrived=arrived: arrived.set())
            served.append(arrived.wait(10))

    threads = [threading.Thread(target=wait_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hub.close()
    assert (len(served), all(served)) == (800, True)
