"""Event loops while the store does not answer: nobody queues up, and nobody waits for longer than was asked for."""

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import ChordError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import GroupResult
from test_aio import Finish, NewResult
from waited import until

from rootcellar import aio
from rootcellar.errors import StoreUnavailable
from rootcellar.stores.base import Store
from rootcellar.waiting.errands import Errands


class HeldStore:
    """A store whose reads wait at a gate, as those of a server that does not answer."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.gate = threading.Event()
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in ("states", "get_many", "group_get"):
            return found

        def held(*args: Any) -> Any:
            self.calls[name] += 1
            assert self.gate.wait(60), "nobody opened the gate"
            return found(*args)

        return held


@pytest.fixture
def held(app: Celery) -> Iterator[HeldStore]:
    """The store of ``app``, but not of its hub, held back until ``held.gate.set()``."""
    spooled = app.backend.store
    spooled.store = held = HeldStore(spooled.store)
    yield held
    held.gate.set()
    spooled.store = held.store


def some_ids(how_many: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(how_many)]


Read = Callable[[Celery, str], Any]
READS: dict[str, tuple[str, Read]] = {
    "state": ("states", lambda app, one: aio.state(one, app=app)),
    "meta": ("get_many", lambda app, one: aio.meta([one], app=app)),
    "progress": ("group_get", lambda app, one: aio.progress(one, app=app)),
    "watch": ("get_many", lambda app, one: anext(aio.watch(one, app=app))),
}


@pytest.mark.parametrize("how", READS)
def test_reads_that_come_during_a_read_share_the_next(
    app: Celery, held: HeldStore, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """However many turns of the loop they come in."""
    verb, read = READS[how]
    errands: list[object] = []
    run = Errands.run
    monkeypatch.setattr(Errands, "run", lambda self, errand: (errands.append(errand), run(self, errand)))
    ids = some_ids(20)
    if how == "progress":
        held.gate.set()
        for one in ids:
            GroupResult(one, [app.AsyncResult("member")], app=app).save()
        held.gate.clear()

    async def main() -> None:
        first = asyncio.create_task(read(app, ids[0]))
        await until(lambda: held.calls[verb] == 1, "the first read is under way")
        others = []
        for one in ids[1:]:
            others.append(asyncio.create_task(read(app, one)))
            for _ in range(5):
                await asyncio.sleep(0)
        held.gate.set()
        if how == "progress":  # each counts the members of its group after that
            monkeypatch.setattr(aio.reading, "counted_tasks", lambda group: [])
        await asyncio.gather(first, *others)

    asyncio.run(main())
    # Within one errand, saved groups are read one by one.
    assert held.calls[verb] == (20 if how == "progress" else 2)
    assert len(errands) == 2


def test_reads_that_were_given_up_are_not_made(app: Celery, held: HeldStore) -> None:
    """Their turn is not taken; what is asked for later is read."""
    first, second, third = some_ids(3)

    async def main() -> None:
        under_way = asyncio.create_task(aio.state(first, app=app))
        await until(lambda: held.calls["states"] == 1, "the first read is under way")
        given_up = [asyncio.create_task(aio.state(second, app=app)) for _ in range(5)]
        for _ in range(5):  # turns of the loop: it would be on its way now
            await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        await asyncio.wait(given_up)
        held.gate.set()
        assert await under_way == "PENDING"
        assert await aio.state(third, app=app) == "PENDING"

    asyncio.run(main())
    assert held.calls["states"] == 2


@pytest.mark.parametrize("timeout", [0, 0.1])
def test_a_watch_gives_up_when_its_time_is_over(app: Celery, held: HeldStore, timeout: float) -> None:
    """Although its first read is still under way; the time-out says why."""

    async def main() -> None:
        with pytest.raises(CeleryTimeoutError, match="did not answer within 1 s") as caught:
            await anext(aio.watch(*some_ids(1), timeout=timeout, app=app))
        assert isinstance(caught.value.__cause__, StoreUnavailable)
        held.gate.set()

    asyncio.run(main())


def test_a_get_says_that_the_store_did_not_answer(app: Celery, held: HeldStore) -> None:
    """The reason is never empty."""

    async def main() -> None:
        with pytest.raises(CeleryTimeoutError, match=r"not ready\. The store did not answer within 1 s\.$"):
            await aio.get(*some_ids(1), timeout=0, app=app)
        held.gate.set()

    asyncio.run(main())


def test_a_chords_failure_is_raised_although_its_header_cannot_be_read(
    app: Celery, held: HeldStore, new_result: NewResult, finish: Finish
) -> None:
    """What is known has to do."""
    body = new_result()
    body.parent = GroupResult("header", [new_result(), new_result()])
    finish(body, ChordError("a member failed"), "FAILURE")

    async def main() -> None:
        with pytest.raises(ChordError, match="a member failed"):
            await aio.get(body, timeout=0.5)
        held.gate.set()

    asyncio.run(main())
    assert held.calls["states"] == 1
