"""Waiting in an event loop: what it costs, and that nothing of it is left behind."""

import asyncio
import gc
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult
from test_cost import CountedStore
from waited import is_waited_for, until

from rootcellar import aio
from rootcellar.errors import StoreUnavailable
from rootcellar.waiting.errands import Errands
from rootcellar.waiting.wait import Wait
from servers import in_child, wait_until

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


@pytest.fixture
def waited(app: Celery) -> Callable[[], int]:
    """How many ids the hub waits for: ``waited()``."""
    wait_until(lambda: not app.backend.hub._waits, "nothing is left of the tests before")
    return lambda: len(app.backend.hub._waits)


def waiter_rows(app: Celery) -> int:
    """Return how many ids are registered with PostgreSQL; 0 elsewhere."""
    if "postgresql" not in app.conf.result_backend:
        return 0
    import psycopg

    with psycopg.connect(app.conf.result_backend.removeprefix("cellar+")) as connection:
        return connection.execute("SELECT count(*) FROM cellar_waiter").fetchone()[0]


def assert_nothing_is_left(app: Celery) -> None:
    """No wait, no subscription, no row."""
    hub = app.backend.hub
    wait_until(lambda: not hub._waits, "the hub waits for nothing")
    wait_until(lambda: not hub._dropped, "it has unsubscribed")
    assert not hub._followed
    wait_until(lambda: waiter_rows(app) == 0, "there is no row")


@pytest.mark.parametrize("half", [500, pytest.param(5_000, marks=pytest.mark.long)])
def test_thousands_of_coroutines_wait_and_all_are_served(
    app: Celery, new_result: NewResult, finish: Finish, waited: Callable[[], int], half: int
) -> None:
    """With one thread of the hub's; half of them are ready before."""
    results = [new_result() for _ in range(2 * half)]
    for number, result in enumerate(results[:half]):
        finish(result, number)

    async def main() -> list[int]:
        tasks = [asyncio.create_task(aio.get(result, timeout=100)) for result in results]
        await until(lambda: waited() == half, "the rest is waited for")
        for number, result in enumerate(results[half:], start=half):
            await asyncio.to_thread(finish, result, number)
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == list(range(2 * half))
    assert_nothing_is_left(app)


def test_beginning_many_waits_is_one_look(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """They are read together, not one by one."""
    results = [new_result() for _ in range(200)]
    for result in results:
        finish(result, 1)
    hub = app.backend.hub
    hub.close()
    store = hub._store
    hub._store = counted = CountedStore(store)

    async def main() -> list[int]:
        return await asyncio.gather(*(aio.get(result, timeout=60) for result in results))

    try:
        assert asyncio.run(main()) == [1] * 200
        assert counted.calls["get_many"] == 1
    finally:
        hub.close()
        hub._store = store


def test_reads_of_one_turn_are_one(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """However many ids."""
    results = [new_result() for _ in range(300)]
    finish(results[0], 1)
    backend = app.backend
    store = backend.store
    backend.store = counted = CountedStore(store)

    async def main() -> None:
        states = await asyncio.gather(*(aio.state(result) for result in results))
        assert states == ["SUCCESS"] + ["PENDING"] * 299
        assert counted.calls == {"states": 1}
        metas = await asyncio.gather(*(aio.meta([result.id], app=app) for result in results))
        assert metas[0][results[0].id]["result"] == 1
        assert counted.calls == {"states": 1, "get_many": 1}
        many = [[str(uuid.uuid4()) for _ in range(700)] for _ in range(2)]
        await asyncio.gather(*(aio.meta(ids, app=app) for ids in many))
        assert counted.calls == {"states": 1, "get_many": 2}

    try:
        asyncio.run(main())
    finally:
        backend.store = store


@pytest.mark.parametrize("how", ["get", "gather", "as_completed", "watch"])
def test_cancelling_leaves_nothing(app: Celery, new_result: NewResult, waited: Callable[[], int], how: str) -> None:
    """Not in the hub, and not in the store."""
    results = [new_result() for _ in range(5)]

    async def consume(found: Any) -> None:
        async with aclosing(found) as each:
            async for _ in each:
                pass

    async def main() -> None:
        calls = {
            "get": lambda: aio.get(results[0]),
            "gather": lambda: aio.gather(results),
            "as_completed": lambda: consume(aio.as_completed(results)),
            "watch": lambda: consume(aio.watch(results[0])),
        }
        task = asyncio.create_task(calls[how]())
        await until(waited, "it is waited for")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert_nothing_is_left(app)


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_cancelling_before_anything_has_begun_leaves_nothing(
    app: Celery, new_result: NewResult, finish: Finish, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    """The read is never made, and the hub never waits; without the cancelling, both are."""
    hub, store, result = app.backend.hub, app.backend.store, new_result()
    finish(result, 1)
    begun: list[Wait] = []
    monkeypatch.setattr(hub, "begin", lambda waits: (begun.extend(waits), type(hub).begin(hub, waits)))
    app.backend.store = counted = CountedStore(store)

    async def main() -> None:
        tasks = [asyncio.create_task(aio.get(app.AsyncResult(result.id))), asyncio.create_task(aio.state(result))]
        await asyncio.sleep(0)  # each has begun, and waits
        for task in tasks if is_cancelled else ():
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        if not is_cancelled:
            assert outcomes == [1, "SUCCESS"]

    try:
        asyncio.run(main())
    finally:
        app.backend.store = store
    if is_cancelled:
        assert counted.calls == {}
        assert all(wait.is_cancelled and not wait.is_looked_for for wait in begun)
    else:
        assert (counted.calls, len(begun)) == ({"states": 1}, 1)
    assert_nothing_is_left(app)


def test_timing_out_leaves_nothing(app: Celery, new_result: NewResult) -> None:
    """However many do."""

    async def main() -> list[Any]:
        waits = (aio.get(new_result(), timeout=0.05 + number / 1000) for number in range(200))
        return await asyncio.gather(*waits, return_exceptions=True)

    assert {type(outcome) for outcome in asyncio.run(main())} == {CeleryTimeoutError}
    assert_nothing_is_left(app)


def test_leaving_a_watch_leaves_nothing(app: Celery, new_result: NewResult) -> None:
    """``break``."""

    async def main() -> None:
        async for _ in aio.watch(new_result()):
            break

    asyncio.run(main())
    gc.collect()
    assert_nothing_is_left(app)


def test_a_loop_that_is_closed_while_somebody_waits_harms_nobody(
    app: Celery, new_result: NewResult, finish: Finish, waited: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    """What it waited for is given up, and others are served."""
    abandoned, delivered = new_result(), new_result()
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(aio.get(result)) for result in (abandoned, delivered)]
    while waited() < 2:
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()

    finish(delivered, 1)
    other = new_result()
    finish(other, 2)
    assert asyncio.run(aio.get(other, timeout=60)) == 2
    assert_nothing_is_left(app)
    for task in tasks:
        task._log_destroy_pending = False
    assert "A waiter for task" not in caplog.text


def test_loops_in_several_threads_wait_at_once(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """For the same results too."""
    shared, own = new_result(), [[new_result() for _ in range(20)] for _ in range(4)]

    def run(results: list[AsyncResult]) -> list[Any]:
        async def main() -> list[Any]:
            return await aio.gather([app.AsyncResult(shared.id), *results], timeout=100)

        return asyncio.run(main())

    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(run, results) for results in own]
        wait_until(lambda: len(app.backend.hub._waits) >= 81, "all wait")
        finish(shared, "shared")
        for number, results in enumerate(own):
            for result in results:
                finish(result, number)
        assert [one.result(100) for one in runs] == [["shared"] + [number] * 20 for number in range(4)]
    assert_nothing_is_left(app)


def test_a_loop_may_be_followed_by_another(new_result: NewResult, finish: Finish) -> None:
    """``asyncio.run`` again and again, in one thread."""
    result = new_result()
    finish(result, 1)
    for _ in range(20):
        assert asyncio.run(aio.get(result.id, timeout=60, app=result.app)) == 1


def test_the_threads_end_when_nobody_waits(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """The hub's and the reader's."""
    result = new_result()
    finish(result, 1)
    hub, lingers = app.backend.hub, app.backend.hub._linger_s
    hub.close()
    hub._linger_s = 0.01
    errands = aio.reads._errands[app.backend] = Errands(linger_s=0.01)
    try:
        asyncio.run(aio.get(result, timeout=60))
        asyncio.run(aio.state(result.id, app=app))
        wait_until(lambda: not hub.is_running and not errands.is_running, "both have ended")
        assert asyncio.run(aio.state(result.id, app=app)) == "SUCCESS"
    finally:
        hub._linger_s = lingers


def test_a_store_that_is_away_is_said_to_be(tmp_path: Path, open_app: Callable[..., Celery]) -> None:
    """A time-out names it as its cause, as ``get()``'s does; reads raise it."""
    app = open_app("cellar+redis://127.0.0.1:1/0", cellar_retry_timeout=0.1)

    async def main() -> None:
        for timeout in (0, 0.2):
            with pytest.raises(CeleryTimeoutError, match="cannot be reached") as caught:
                await aio.get("any", timeout=timeout, app=app)
            assert isinstance(caught.value.__cause__, StoreUnavailable)
        with pytest.raises(StoreUnavailable):
            await aio.state("any", app=app)

    asyncio.run(main())


def test_a_forked_child_waits_with_a_loop_of_its_own(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Whatever the parent has running."""
    result = new_result()
    finish(result, 3)
    assert asyncio.run(aio.state(result.id, app=app)) == "SUCCESS"

    def child() -> tuple[str, int, int]:
        threads = threading.active_count()
        return asyncio.run(aio.state(result.id, app=app)), asyncio.run(aio.get(result, timeout=60)), threads

    assert in_child(child) == ("SUCCESS", 3, 1)
    with aio.reads._errands_lock:  # as another thread may have it at that moment
        assert in_child(child) == ("SUCCESS", 3, 1)


def test_gathering_looks_at_each_result_a_few_times(
    app: Celery, new_result: NewResult, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not at all of them whenever one arrives."""
    results = [new_result() for _ in range(100)]
    looks: list[AsyncResult] = []
    is_ready = aio.is_ready
    for module in (aio, aio.pending):
        monkeypatch.setattr(module, "is_ready", lambda result: looks.append(result) or is_ready(result))

    async def main() -> list[int]:
        gathering = asyncio.create_task(aio.gather(results, timeout=100))
        for number, result in enumerate(results):
            await until(is_waited_for(app, result), "it is waited for")
            finish(result, number)
            await until(lambda: result._cache, "it has arrived")  # noqa: B023
        return await gathering

    assert asyncio.run(main()) == list(range(100))
    assert len(looks) <= 5 * len(results)
