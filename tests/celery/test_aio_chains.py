"""Awaiting what follows a task that fails: it is never run, and whoever waits for it is told."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest
from celery import Celery, chain, group
from celery.result import AsyncResult, GroupResult
from test_aio import Finish, NewResult
from workers import Worker

from rootcellar import aio
from rootcellar.contrib import sse


@pytest.fixture
def a_chain(new_result: NewResult, finish: Finish) -> Callable[..., AsyncResult]:
    """Return the result of a chain's last link, of which nothing is ever stored: the first has failed, or is to."""

    def make(*, is_over: bool = True) -> AsyncResult:
        last = new_result()
        last.parent = new_result()
        if is_over:
            finish(last.parent, KeyError("jam"), "FAILURE")
        return last

    return make


def a_group(app: Celery) -> GroupResult:
    """Send a chain whose first link fails and whose last is a group; return the group's result."""
    echo = app.tasks["echo"]
    result = chain(app.tasks["missing_key"].s("jam"), group(echo.s(), echo.s())).apply_async()
    assert isinstance(result, GroupResult)
    assert result.parent is not None
    return result


async def drain(results: object) -> list[object]:
    """Return all that ``as_completed`` yields."""
    async with aclosing(aio.as_completed(results, timeout=60)) as ready:
        return [one async for one in ready]


def test_a_group_after_a_failure_is_given_up(app: Celery, worker: Worker) -> None:
    """Its members know nothing of what comes before them; it does."""
    for wait in (aio.get, aio.gather, drain):
        with pytest.raises(KeyError, match="jam"):
            asyncio.run(wait(a_group(app)) if wait is drain else wait(a_group(app), timeout=60))
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.gather([a_group(app), app.AsyncResult("never")], timeout=60))


def test_what_is_known_to_have_failed_is_raised_at_once(app: Celery, worker: Worker) -> None:
    """The earlier link's outcome was got already."""
    result = a_group(app)
    result.parent.get(timeout=60, propagate=False)
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.get(result, timeout=0))


def test_a_chain_that_is_never_finished_is_completed(
    app: Celery, worker: Worker, a_chain: Callable[..., AsyncResult]
) -> None:
    """It does not keep the others from being yielded; waiting for it raises what the earlier link raised."""
    dead, nested, fine = a_chain(), a_group(app), app.tasks["add"].delay(1, 1)
    assert set(asyncio.run(drain([dead, nested, fine]))) == {dead, nested, fine}
    assert fine.get(timeout=60) == 2
    with pytest.raises(KeyError, match="jam"):
        dead.get(timeout=60)
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.get(nested, timeout=60))


def test_a_watch_of_what_is_never_run_ends_with_that_failure(
    a_chain: Callable[..., AsyncResult], finish: Finish
) -> None:
    """Whether it comes before the watch, while it lasts, or was got already."""
    before, later = a_chain(), a_chain(is_over=False)

    async def main(result: AsyncResult) -> list[aio.Snapshot]:
        seen = []
        async for snapshot in aio.watch(result, timeout=60):
            seen.append(snapshot)
            if result is later and not snapshot.is_final:
                finish(later.parent, KeyError("jam"), "FAILURE")
        return seen

    for result in (before, before, later):
        present, final = asyncio.run(main(result))
        assert (present.state, final.state, final.id) == ("PENDING", "FAILURE", result.id)
        assert isinstance(final.info, KeyError)


def test_a_watch_outlives_the_links_before_it(new_result: NewResult, finish: Finish) -> None:
    """Their success is none of its states."""
    first, last = new_result(), new_result()
    last.parent = first

    async def main() -> list[str]:
        seen: list[str] = []
        async for snapshot in aio.watch(last, timeout=60):
            seen.append(snapshot.state)
            if snapshot.state == "PENDING":
                finish(first, 1)
                finish(last, 2)
        return seen

    assert asyncio.run(main()) == ["PENDING", "SUCCESS"]


def test_a_stream_of_what_is_never_run_ends_with_that_failure(a_chain: Callable[..., AsyncResult]) -> None:
    """As the final event, so that a browser comes back no more."""

    async def main() -> list[bytes]:
        return [chunk async for chunk in sse.events(a_chain(), timeout=60)]

    *_, last = asyncio.run(main())
    assert last.startswith(b"event: FAILURE\nid: final\n")
    assert b'"info": {"type": "KeyError", "message": "\'jam\'"}' in last
