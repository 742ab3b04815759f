"""Ten thousand coroutines that wait in one process for what another stores: how soon they have it, and their memory.

There is no other side: an ``AsyncResult.get`` of Celery's blocks, so ten thousand of them are ten thousand threads.
"""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median, quantiles
from typing import NamedTuple
from uuid import uuid4

import psutil
from celery import states
from celery.result import AsyncResult

from benchmarks import measures, targets
from benchmarks.actor import Actor
from benchmarks.comparison import Comparison
from benchmarks.driver_share import ENGINES
from benchmarks.effort import Effort
from benchmarks.services import Services
from rootcellar import aio

SECTION = "asynchronous waiters"
#: how many results arrive in a second
RATE = 500
_PATIENCE_S = 300.0


class Waiters:
    """A process with one event loop, in a thread of its own so that it can be asked things meanwhile."""

    def __init__(self, url: str) -> None:
        self._subject = measures.subject(url)
        self._thread: threading.Thread | None = None
        self._ages: list[float] = []

    def connect(self) -> None:
        """Have the connections made, and everything imported and set up that the first waiter pays for."""
        measures.connect(self._subject, forked=False)
        warm = str(uuid4())
        measures.fill(self._subject, [warm])
        asyncio.run(aio.get(AsyncResult(warm, app=self._subject.app), timeout=_PATIENCE_S))

    def begin(self, ids: Sequence[str]) -> float:
        """Begin to wait for each id in a coroutine of its own; return the bytes each takes when all are registered."""
        gc.collect()
        before = psutil.Process().memory_info().rss
        self._thread = threading.Thread(target=lambda: asyncio.run(self._wait_for(ids)))
        self._thread.start()
        hub = self._subject.backend.hub
        deadline = time.monotonic() + _PATIENCE_S
        while len(hub._waits) < len(ids) or hub._fresh or hub._round:
            if time.monotonic() > deadline:
                raise RuntimeError("The hub did not take all waits.")
            time.sleep(0.01)
        return (psutil.Process().memory_info().rss - before) / len(ids)

    async def _wait_for(self, ids: Sequence[str]) -> None:
        app = self._subject.app

        async def one(task_id: str) -> float:
            stored_at = await aio.get(AsyncResult(task_id, app=app), timeout=_PATIENCE_S)
            return time.monotonic() - float(stored_at)

        self._ages = await asyncio.gather(*map(one, ids))

    def end(self) -> list[float]:
        """Wait until all have their result; return how old it was when they had it, in seconds."""
        if self._thread is not None:
            self._thread.join()
        return self._ages


def connect(waiters: Waiters) -> None:
    waiters.connect()


def begin(waiters: Waiters, ids: Sequence[str]) -> float:
    return waiters.begin(ids)


def end(waiters: Waiters) -> list[float]:
    return waiters.end()


def feed(subject: measures.Subject, ids: Sequence[str], rate: float) -> float:
    """Store the time of storing under each id, so many a second; return how many a second there really were."""
    begin_at = time.monotonic()
    for number, task_id in enumerate(ids):
        time.sleep(max(0.0, begin_at + number / rate - time.monotonic()))
        subject.backend.store_result(task_id, time.monotonic(), states.SUCCESS)
    return len(ids) / (time.monotonic() - begin_at)


class Outcome(NamedTuple):
    """What one engine did. Times in seconds."""

    bytes_each: float
    fed_per_s: float
    median_s: float
    p95_s: float


def measure(url: str, waiters: int, feeders: int = 1) -> Outcome:
    """Have ``waiters`` coroutines wait, and feed them."""
    ids = [str(uuid4()) for _ in range(waiters)]
    with ExitStack() as stack:
        reader = stack.enter_context(Actor(Waiters, url))
        workers = [stack.enter_context(Actor(measures.subject, url)) for _ in range(feeders)]
        reader.call(connect)
        for worker in workers:
            worker.call(measures.connect, forked=False)
        bytes_each = reader.call(begin, ids)
        for number, worker in enumerate(workers):
            worker.ask(feed, ids[number::feeders], RATE / feeders)
        fed_per_s = sum(worker.answer() for worker in workers)
        ages = reader.call(end)
    if len(ages) != waiters:
        raise RuntimeError("Not all waiters got their result.")
    return Outcome(bytes_each, fed_per_s, median(ages), quantiles(ages, n=20)[-1])


def compare(services: Services, effort: Effort) -> Iterator[Comparison]:
    """Measure every engine; each outcome is of all waiters."""
    for engine, title in ENGINES.items():
        outcome = measure(services.sides(engine).ours, effort.async_waiters)
        yield Comparison(SECTION, title, "wake-up, median", "s", None, outcome.median_s)
        yield Comparison(SECTION, title, "wake-up, p95", "s", None, outcome.p95_s, targets.ASYNC_WAKE_UP)
        yield Comparison(SECTION, title, "memory of a waiter", "B", None, outcome.bytes_each, targets.ASYNC_MEMORY)
