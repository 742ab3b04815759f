"""Waiting in an event loop: what comes back, in which order, and as what."""

import asyncio
import traceback
import uuid
from collections.abc import Callable

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import ChordError, TaskRevokedError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, EagerResult, GroupResult, ResultSet
from cellar_tasks import OutOfApples, make_app
from versions import STORES_WHAT_ENDS_PROGRAMS
from waited import is_waited_for, until
from workers import Worker

from rootcellar import aio
from rootcellar.errors import TaskStopped, Unsupported

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


def test_a_result_is_awaited(app: Celery, worker: Worker) -> None:
    """A real task, by its result and by its id; the result's cache is filled."""

    async def main() -> tuple[int, int]:
        result = app.tasks["add"].delay(2, 3)
        by_id = await aio.get(result.id, timeout=60, app=app)
        got = await aio.get(result, timeout=60)
        assert result._cache["result"] == 5
        return by_id, got

    assert asyncio.run(main()) == (5, 5)


def test_a_result_that_comes_later_wakes_its_waiter(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """The loop goes on meanwhile."""

    async def main() -> str:
        result = new_result()
        waiting = asyncio.create_task(aio.get(result, timeout=60))
        await until(is_waited_for(app, result), "the hub waits")
        assert not waiting.done()
        finish(result, "at last")
        return await waiting

    assert asyncio.run(main()) == "at last"


def test_a_failure_is_raised_as_get_raises_it(app: Celery, worker: Worker) -> None:
    """The project's own exception; or, asked for, returned."""
    result = app.tasks["out_of_apples"].delay(3, "top")

    async def main() -> None:
        with pytest.raises(OutOfApples) as caught:
            await aio.get(result, timeout=60)
        assert (caught.value.wanted, caught.value.shelf) == (3, "top")
        returned = await aio.get(app.AsyncResult(result.id), timeout=60, propagate=False)
        assert isinstance(returned, OutOfApples)

    asyncio.run(main())
    with pytest.raises(OutOfApples):
        app.AsyncResult(result.id).get(timeout=60)


def test_the_remote_traceback_is_attached(app: Celery, worker: Worker) -> None:
    """As Celery does it, with ``task_remote_tracebacks``."""
    pytest.importorskip("tblib")
    result = app.tasks["missing_key"].delay("jam")
    app.conf.task_remote_tracebacks = True
    try:
        with pytest.raises(KeyError) as caught:
            asyncio.run(aio.get(result, timeout=60))
    finally:
        app.conf.task_remote_tracebacks = False
    assert "missing_key" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_a_revoked_task_raises(new_result: NewResult, finish: Finish) -> None:
    """``TaskRevokedError``."""
    result = new_result()
    finish(result, TaskRevokedError("terminated"), "REVOKED")
    with pytest.raises(TaskRevokedError):
        asyncio.run(aio.get(result, timeout=60))


@pytest.mark.parametrize("timeout", [-1, 0, 0.001, 0.1])
def test_a_time_out_is_celerys(new_result: NewResult, timeout: float) -> None:
    """``celery.exceptions.TimeoutError``."""
    with pytest.raises(CeleryTimeoutError):
        asyncio.run(aio.get(new_result(), timeout=timeout))


@pytest.mark.parametrize("timeout", [0, 0.000001])
def test_what_is_ready_needs_no_time(new_result: NewResult, finish: Finish, timeout: float) -> None:
    """One look, as with ``get(timeout=0)``; for several too."""
    results = [new_result() for _ in range(3)]
    for number, result in enumerate(results):
        finish(result, number)
    assert asyncio.run(aio.get(results[1], timeout=timeout)) == 1
    assert asyncio.run(aio.gather(results, timeout=timeout)) == [0, 1, 2]


def test_a_failed_link_of_a_chain_is_raised(app: Celery, worker: Worker) -> None:
    """What comes after it is never run, and would be waited for in vain."""
    result = chain(app.tasks["missing_key"].s("jam"), app.tasks["echo"].s()).apply_async()
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.get(result, timeout=60))
    result = chain(app.tasks["missing_key"].s("jam"), app.tasks["echo"].s()).apply_async()
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.gather([result], timeout=60))


def test_a_failed_member_of_a_chords_header_is_raised(app: Celery, worker: Worker) -> None:
    """Rather than the body's ``ChordError``, as ``get()`` does when it comes late enough."""
    add, missing_key, total = (app.tasks[name] for name in ("add", "missing_key", "total"))
    result = chord([add.s(1, 1), missing_key.s("jam"), add.s(2, 2)])(total.s())
    with pytest.raises(KeyError, match="jam"):
        asyncio.run(aio.get(result, timeout=60))
    with pytest.raises(KeyError, match="jam"):
        result.get(timeout=60)
    assert isinstance(asyncio.run(aio.get(app.AsyncResult(result.id), propagate=False, timeout=60)), ChordError)
    fine = chord([add.s(1, 1), add.s(2, 2)])(total.s())
    assert asyncio.run(aio.gather([fine], timeout=60)) == [6]


def test_eager_and_ignored_results_are_not_waited_for(app: Celery) -> None:
    """There is nothing to wait for."""
    eager = EagerResult("eager", 4, "SUCCESS")
    failed = EagerResult("failed", KeyError("jam"), "FAILURE")
    ignored = app.AsyncResult("ignored")
    ignored.ignored = True

    async def main() -> None:
        assert await aio.get(eager) == 4
        with pytest.raises(KeyError):
            await aio.get(failed)
        assert isinstance(await aio.get(failed, propagate=False), KeyError)
        assert await aio.get(ignored) is None
        assert await aio.gather([eager, ignored]) == [4, None]
        with pytest.raises(KeyError):
            await aio.gather([app.AsyncResult("never"), failed], timeout=60)
        assert [snapshot.state async for snapshot in aio.watch(eager)] == ["SUCCESS"]
        assert [snapshot.state async for snapshot in aio.watch(ignored, timeout=60)] == ["PENDING"]
        assert await aio.state(failed) == "FAILURE"

    asyncio.run(main())


def test_a_group_is_a_list_in_order(app: Celery, worker: Worker) -> None:
    """``get`` and ``gather`` are the same for it."""
    result = group(app.tasks["add"].s(i, i) for i in range(20)).apply_async()
    assert asyncio.run(aio.gather(result, timeout=60)) == [2 * i for i in range(20)]
    again = app.GroupResult("again", [app.AsyncResult(member.id) for member in result])
    assert asyncio.run(aio.get(again, timeout=60)) == [2 * i for i in range(20)]


def test_nested_groups_are_nested_lists(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """As ``join`` gives them, whatever order they end in."""
    inner = GroupResult("inner", [new_result() for _ in range(3)])
    outer = GroupResult("outer", [inner, new_result(), GroupResult("empty", [], app=app)])

    async def main() -> list[object]:
        waiting = asyncio.create_task(aio.gather(outer, timeout=60))
        await until(is_waited_for(app, *inner.results), "the hub waits")
        for number, leaf in enumerate([outer.results[1], *reversed(inner.results)]):
            finish(leaf, number)
        return await waiting

    assert asyncio.run(main()) == [[3, 2, 1], 0, []]
    assert outer.join(timeout=0) == [[3, 2, 1], 0, []]


def test_gather_raises_the_first_failure_and_waits_no_more(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Or, asked for, leaves it in its place."""
    results = [new_result() for _ in range(3)]
    finish(results[1], KeyError("jam"), "FAILURE")
    with pytest.raises(KeyError):
        asyncio.run(aio.gather(results, timeout=60))
    for result in (results[0], results[2]):
        finish(result, "fine")
    first, second, third = asyncio.run(aio.gather([r.id for r in results], timeout=60, propagate=False, app=app))
    assert (first, type(second), third) == ("fine", KeyError, "fine")


def test_the_same_task_twice_is_waited_for_once(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Both places get it."""
    member = new_result()
    finish(member, 7)
    assert asyncio.run(aio.gather([member, app.AsyncResult(member.id)], timeout=60)) == [7, 7]
    assert asyncio.run(aio.gather([])) == []


def test_results_come_as_they_are_completed(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Failures too; a nested group when all of it is there; what was got before, first."""
    first, second, inner = new_result(), new_result(), GroupResult("inner", [new_result(), new_result()])
    known = EagerResult("known", 0, "SUCCESS")

    async def main() -> list[object]:
        order: list[object] = []
        async for ready in aio.as_completed([first, inner, second, known], timeout=60):
            order.append(ready)
            if len(order) == 1:
                finish(inner.results[1])
                finish(second, KeyError("jam"), "FAILURE")
            elif len(order) == 2:
                finish(inner.results[0])
            elif len(order) == 3:
                finish(first)
        return order

    assert asyncio.run(main()) == [known, second, inner, first]
    assert isinstance(second.get(propagate=False), KeyError)


def test_as_completed_gives_up_when_its_time_is_over(new_result: NewResult, finish: Finish) -> None:
    """What was ready has been yielded."""
    ready, never = new_result(), new_result()
    finish(ready, 1)
    got = []

    async def main() -> None:
        async for result in aio.as_completed(ResultSet([never, ready]), timeout=1):
            got.append(result)  # noqa: PERF401  # what came before the time-out counts

    with pytest.raises(CeleryTimeoutError):
        asyncio.run(main())
    assert got == [ready]


def test_states_and_metas_are_read(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """By id; what is not there is PENDING."""
    done, nowhere = new_result(), new_result()
    finish(done, {"answer": 42})

    async def main() -> None:
        assert await aio.state(done.id, app=app) == "SUCCESS"
        assert await aio.state(nowhere) == "PENDING"
        metas = await aio.meta([done.id, nowhere.id], app=app)
        assert metas[done.id]["result"] == {"answer": 42}
        assert metas[nowhere.id] == {"status": "PENDING", "result": None}
        assert list(await aio.meta(done.id, app=app)) == [done.id]

    asyncio.run(main())


def test_sent_and_unknown_are_told_apart(app: Celery, open_app: Callable[..., Celery]) -> None:
    """With ``cellar_track_sent`` a task that was sent has a record with the state PENDING."""
    tracking = open_app(app.conf.result_backend, cellar_track_sent=True)
    sent, unknown = str(uuid.uuid4()), str(uuid.uuid4())
    tracking.backend.store_result(sent, None, "PENDING")

    async def main() -> tuple[str, str, str]:
        return (
            await aio.state(sent, app=tracking),
            await aio.state(unknown, app=tracking),
            await aio.state(unknown, app=app),
        )

    assert asyncio.run(main()) == ("PENDING", "UNKNOWN", "PENDING")


def test_a_group_has_no_state_to_watch(app: Celery, new_result: NewResult) -> None:
    """The error says what to do instead."""

    async def main() -> None:
        async for _ in aio.watch(GroupResult("group", [new_result()])):
            raise AssertionError("nothing can come")

    with pytest.raises(Unsupported, match=r"progress\(\)"):
        asyncio.run(main())
    with pytest.raises(TypeError, match="several"):
        asyncio.run(aio.gather("one id", app=app))


def test_another_backend_is_refused() -> None:
    """With what to do about it."""
    stock = make_app({"broker_url": "memory://", "result_backend": "cache+memory://"})

    async def main() -> None:
        result = stock.AsyncResult("any")
        for call in (aio.get(result), aio.gather([result]), aio.state("any", app=stock), aio.meta(["any"], app=stock)):
            with pytest.raises(Unsupported, match=r"CacheBackend.*cellar\+"):
                await call

    asyncio.run(main())


@pytest.mark.parametrize("given", [None, b"id", 3])
def test_what_is_no_result_and_no_id_is_refused(app: Celery, given: object) -> None:
    """With what to give."""

    async def watched() -> None:
        await anext(aio.watch(given, app=app))

    for call in (aio.get(given, app=app), aio.gather([given], app=app), aio.state(given, app=app), watched()):
        with pytest.raises(TypeError, match=f"id as str, not {type(given).__name__}"):
            asyncio.run(call)
    with pytest.raises(TypeError, match="a group's id as str"):
        asyncio.run(aio.progress(given, app=app))


@pytest.mark.skipif(not STORES_WHAT_ENDS_PROGRAMS, reason="Celery cannot encode it yet")
@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError("by hand")])
def test_what_would_end_this_program_is_named(
    app: Celery, new_result: NewResult, finish: Finish, raised: BaseException
) -> None:
    """It neither ends the loop, nor looks as if the waiting itself had been cancelled."""
    result, never = new_result(), new_result()
    finish(result, raised, "FAILURE")

    async def watched() -> list[object]:
        return [snapshot.info async for snapshot in aio.watch(result.id, timeout=60, app=app)]

    for call in (aio.get(result.id, timeout=60, app=app), aio.gather([never, result], timeout=60)):
        with pytest.raises(TaskStopped, match=type(raised).__name__) as caught:
            asyncio.run(call)
        assert type(caught.value.__cause__) is type(raised)
    returned = asyncio.run(aio.get(result.id, timeout=60, propagate=False, app=app))
    assert type(returned) is type(raised)
    assert [type(info) for info in asyncio.run(watched())] == [type(raised)]
