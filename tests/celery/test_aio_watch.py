"""Watching a task's states in an event loop."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult
from cellar_tasks import open_gate
from waited import is_waited_for, until
from workers import Worker

from rootcellar import aio

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


def test_every_state_of_a_real_task_is_watched(app: Celery, worker: Worker, tmp_path: Path) -> None:
    """Custom states and their meta, from PENDING to the end."""
    gates = [tmp_path / str(number) for number in range(3)]

    async def main() -> list[tuple[str, object]]:
        result = app.tasks["count_to"].delay([str(gate) for gate in gates])
        seen: list[tuple[str, object]] = []
        async with aclosing(aio.watch(result, timeout=60)) as snapshots:
            async for snapshot in snapshots:
                assert snapshot.id == result.id
                assert snapshot.is_final is (snapshot.state == "SUCCESS")
                seen.append((snapshot.state, snapshot.info))
                if snapshot.state == "PROGRESS":
                    open_gate(gates[snapshot.info["done"] - 1])
        assert result._cache["status"] == "SUCCESS"
        return seen

    seen = asyncio.run(main())
    progress = [("PROGRESS", {"done": number, "of": 3}) for number in (1, 2, 3)]
    assert [one for one in seen if one[0] != "PENDING"] == [*progress, ("SUCCESS", 3)]


def test_watching_begins_with_what_is_there(new_result: NewResult, elsewhere: Celery, finish: Finish) -> None:
    """PENDING where nothing is; a task that has ended is one snapshot."""
    result = new_result()

    async def states() -> list[str]:
        found = []
        async with aclosing(aio.watch(result, timeout=60)) as snapshots:
            async for snapshot in snapshots:
                found.append(snapshot.state)
                if snapshot.state == "PENDING":
                    elsewhere.backend.store_result(result.id, {"row": 1}, "PROGRESS")
                elif snapshot.state == "PROGRESS":
                    finish(result, KeyError("jam"), "FAILURE")
        return found

    assert asyncio.run(states()) == ["PENDING", "PROGRESS", "FAILURE"]
    assert asyncio.run(states()) == ["FAILURE"]


def test_watching_ends_with_its_time(new_result: NewResult) -> None:
    """The states so far have been yielded."""
    seen = []

    async def main() -> None:
        async for snapshot in aio.watch(new_result(), timeout=0.1):
            seen.append(snapshot.state)  # noqa: PERF401

    with pytest.raises(CeleryTimeoutError):
        asyncio.run(main())
    assert seen == ["PENDING"]


def test_silence_is_told_to_who_asks(new_result: NewResult, finish: Finish) -> None:
    """``follow`` yields ``None`` while nothing happens: a stream is kept alive so."""
    result = new_result()

    async def main() -> list[str | None]:
        found = []
        async with aclosing(aio.watching.follow(result, timeout=60, silence_s=0.01)) as snapshots:
            async for snapshot in snapshots:
                found.append(snapshot and snapshot.state)
                if found.count(None) == 2:
                    finish(result)
        return found

    first, *silence, last = asyncio.run(main())
    assert (first, last) == ("PENDING", "SUCCESS")
    assert len(silence) >= 2
    assert set(silence) == {None}


def test_a_slow_reader_misses_the_oldest_states_and_not_the_last(
    app: Celery, new_result: NewResult, elsewhere: Celery, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded queue; and no state goes back."""
    monkeypatch.setattr(aio.watching, "WATCH_LIMIT", 3)
    result = new_result()

    async def main() -> list[object]:
        found = []
        async with aclosing(aio.watch(result, timeout=60)) as snapshots:
            async for snapshot in snapshots:
                found.append(snapshot.info)
                if snapshot.state == "PENDING":
                    await until(is_waited_for(app, result), "the hub waits")
                    for number in range(50):
                        elsewhere.backend.store_result(result.id, number, "PROGRESS")
                    finish(result, 50)
                    await until(lambda: not is_waited_for(app, result)(), "the hub has heard of the end")
        return found

    first, *rest = asyncio.run(main())
    assert first is None
    assert len(rest) <= 3
    assert rest == sorted(rest)
    assert rest[-1] == 50
