"""Waiting everywhere: for and inside of workers with each kind of pool, in every way there is, on every store."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from celery import Celery, chord, group
from noted_tasks import waited
from workers import Worker

from servers import wait_until

POOLS = {"prefork": 2, "threads": 10, "gevent": 10, "eventlet": 10, "solo": 1}
WAYS = ("get", "join", "aio", "then")
#: a process, or a thread, runs one asyncio loop at a time, and all greenlets of a worker live in one thread
ONE_AT_A_TIME = {("gevent", "aio"), ("eventlet", "aio")}


class Pooled(NamedTuple):
    """A client, the kind of its worker's pool, and the worker."""

    app: Celery
    pool: str
    worker: Worker


@pytest.fixture(scope="module")
def pooled_workers(
    new_store_url: Callable[[], str],
    open_app: Callable[..., Celery],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Pooled]]:
    """A worker of each kind on one engine, by the name of its pool."""
    url, directory = new_store_url(), tmp_path_factory.mktemp("pools")
    found = {}
    for pool, concurrency in POOLS.items():
        app = open_app(f"cellar+{url}", task_track_started=True)
        found[pool] = Pooled(app, pool, Worker(app.given, directory, pool=pool, concurrency=concurrency))
    try:
        with ThreadPoolExecutor(len(found)) as threads:
            list(threads.map(lambda one: one.worker.start(), found.values()))
        yield found
    finally:
        for one in found.values():
            one.worker.stop()


@pytest.fixture(params=POOLS)
def pooled(request: pytest.FixtureRequest, pooled_workers: dict[str, Pooled]) -> Pooled:
    """Each pool in turn."""
    return pooled_workers[request.param]


@pytest.fixture
def worker(pooled: Pooled) -> Iterator[Worker]:
    """Its worker, which must have nothing to complain of."""
    yield pooled.worker
    assert pooled.worker.complaints() == []


@pytest.mark.parametrize("how", WAYS)
def test_a_client_waits_for_a_worker(pooled: Pooled, worker: Worker, how: str) -> None:
    """For the members of a group, in the client's process."""
    sent = group(pooled.app.tasks["add"].s(i, i) for i in range(10)).apply_async()
    assert waited(pooled.app, how, [member.id for member in sent.results]) == [2 * i for i in range(10)]


@pytest.mark.parametrize("how", WAYS)
def test_a_task_waits_inside_a_worker(pooled: Pooled, worker: Worker, how: str) -> None:
    """For results that come from elsewhere; in a pool of greenlets or threads, ten tasks wait at the same time."""
    waiters = 1 if (pooled.pool, how) in ONE_AT_A_TIME else POOLS[pooled.pool]
    ids = [[str(uuid.uuid4()) for _ in range(3)] for _ in range(waiters)]
    sent = [pooled.app.tasks["wait_for"].delay(how, few) for few in ids]
    wait_until(lambda: all(result.state == "STARTED" for result in sent), "the tasks wait, or are about to")
    for number, few in enumerate(ids):
        for place, task_id in enumerate(few):
            pooled.app.backend.store_result(task_id, [number, place], "SUCCESS")
    values = [result.get(timeout=60) for result in sent]
    assert values == [[[number, place] for place in range(3)] for number in range(waiters)]


def test_a_chord_runs_in_each_pool(pooled: Pooled, worker: Worker) -> None:
    """Its members report, and the last one sends the body."""
    add, total = pooled.app.tasks["add"], pooled.app.tasks["total"]
    assert chord([add.s(i, i) for i in range(20)])(total.s()).get(timeout=60) == 380
