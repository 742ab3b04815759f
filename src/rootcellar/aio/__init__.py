"""Waiting for results in an event loop, without blocking it: ``from rootcellar import aio``.

Over the same hub as everything that blocks: ten thousand coroutines that wait are one thread and one notification
connection, on every engine, with no driver of asyncio's own. Reads are made in one more thread, in batches. Both
threads end when nobody has needed them for five seconds.

Wherever a result is asked for, a task's id does as well, together with ``app``, or with Celery's current app. Documents
are decoded in the thread of the loop.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any

from celery import current_app, states
from celery.result import ResultSet

from rootcellar import results as reading
from rootcellar.aio.pending import Pending, earlier, has_failed, in_their_chains, is_ready, raise_first, value_of
from rootcellar.aio.reads import errands_of, read
from rootcellar.aio.watching import Meta, Snapshot, meta_of, watch
from rootcellar.errors import StoreUnavailable
from rootcellar.record import check_id
from rootcellar.results import Progress, as_result, backend_of
from rootcellar.waiting.loops import Inbox

__all__ = ["UNKNOWN", "Snapshot", "as_completed", "gather", "get", "meta", "progress", "state", "watch"]

#: The state of a task that nobody has sent, told apart only with ``cellar_track_sent``.
UNKNOWN = "UNKNOWN"


async def get(result: Any, timeout: float | None = None, propagate: bool = True, *, app: Any = None) -> Any:
    """Wait for a result; return or raise what ``AsyncResult.get()`` would, and fill its cache as that does.

    ``result`` is an ``AsyncResult``, a task's id, an ``EagerResult``, or a ``GroupResult`` or ``ResultSet``, for which
    it is :func:`gather`. Waiting here blocks no worker, so it is not refused inside a task, as ``get()`` is.

    While the store cannot be reached the wait goes on; if it could not be read once before the time was up, the
    time-out says why, and has the store's error as its cause. Cancelling is safe at any moment.

    Raises:
        celery.exceptions.TimeoutError: it was not ready after ``timeout`` seconds.
        Exception: with ``propagate``, what the task raised, or a task before it in its chain.
        TaskStopped: with ``propagate``, the task ended with ``SystemExit``, ``KeyboardInterrupt`` or the like.
        Unsupported: the result backend is not rootcellar's.
        DecodeError: what is stored cannot be read.
        TypeError: ``result`` is neither a result nor a task's id.
    """
    wanted = as_result(result, app=app)
    if isinstance(wanted, ResultSet):
        return await gather(wanted, timeout=timeout, propagate=propagate)
    with Pending(in_their_chains(wanted) if propagate else [(wanted, ())], timeout) as pending:
        while not is_ready(wanted):
            ready = await pending.next()
            if propagate:
                await raise_first(ready, pending.deadline)
    return value_of(wanted, propagate)


async def gather(results: Any, *, timeout: float | None = None, propagate: bool = True, app: Any = None) -> list[Any]:
    """Wait for several results; return their values in order, those of a nested group as a list.

    ``results`` is a ``GroupResult``, a ``ResultSet`` or any iterable of results and task ids. With ``propagate``, the
    first failure that arrives is raised at once; without it the exception stands in the list. Raises as :func:`get`
    does; ``timeout`` is for all of them.
    """
    members, before = _members(results, app)
    wanted = [one for member in members for one in in_their_chains(member, before)]
    with Pending(wanted if propagate else [(task, ()) for task, _ in wanted], timeout) as pending:
        if propagate:
            await raise_first([task for task, _ in wanted if is_ready(task)], pending.deadline)
        while pending.missing:
            ready = await pending.next()
            if propagate:
                await raise_first(ready, pending.deadline)
    return [value_of(member, propagate) for member in members]


async def as_completed(results: Any, timeout: float | None = None, *, app: Any = None) -> AsyncGenerator[Any, None]:
    """Yield results as they become ready, whether well or not; their caches are filled, so ``get()`` is at once.

    ``results`` is as for :func:`gather`, and what is yielded are its members: a nested group when all of it is ready.
    One that is never going to be, since an earlier task of its chain has failed, is yielded too; :func:`get` then
    raises that task's error at once.

    Raises:
        celery.exceptions.TimeoutError: not all were ready after ``timeout`` seconds.
        Exception: what a task before all of them in a chain has raised.
    """
    members, before = _members(results, app)
    tasks = [list(in_their_chains(member, before)) for member in members]
    missing: list[set[str]] = []
    waiting: dict[str, list[int]] = {}
    for number, own in enumerate(tasks):
        missing.append({check_id(task.id) for task, _ in own if not is_ready(task)})
        for task_id in missing[number]:
            waiting.setdefault(task_id, []).append(number)
    after: dict[str, set[int]] = {}
    for number, own in enumerate(tasks):
        for task_id in {check_id(node.id) for _, nodes in own for node in nodes if not isinstance(node, ResultSet)}:
            after.setdefault(task_id, set()).add(number)
    with Pending([one for own in tasks for one in own], timeout) as pending:
        left = {number for number, ids in enumerate(missing) if ids}
        for number, member in enumerate(members):
            if number not in left:
                yield member
        while left:
            for ready in await pending.next():
                task_id = check_id(ready.id)
                for number in waiting.pop(task_id, ()):
                    missing[number].discard(task_id)
                    if number in left and not missing[number]:
                        left.discard(number)
                        yield members[number]
                if has_failed(ready) and any(ready is node for node in before):
                    await raise_first([ready], pending.deadline)
                if has_failed(ready):
                    for number in sorted(left & after.get(task_id, set())):
                        left.discard(number)
                        yield members[number]


async def state(task: Any, *, app: Any = None) -> str:
    """Return a task's state, read without its result.

    Where nothing is stored that is ``PENDING``; with the setting ``cellar_track_sent``, ``PENDING`` is a task that was
    sent, and ``UNKNOWN`` one that nobody has sent, or whose record has expired. On Redis, where the state is read out
    of the document, it is ``UNREADABLE`` if that is damaged.

    Calls made in one turn of the loop, or while such a read is under way, share one: a round trip for each 1,000 ids.
    """
    wanted = as_result(task, app=app)
    if wanted._cache:
        return str(wanted.state)
    backend, record_id = backend_of(wanted), check_id(wanted.id)
    found: str | None = (await read(backend, "states", (record_id,))).get(record_id)
    if found is not None:
        return found
    backend._ensure_not_eager()
    return UNKNOWN if backend.settings.is_sent_tracked else states.PENDING


async def meta(ids: Iterable[str], *, app: Any = None) -> dict[str, Meta]:
    """Return the metas of tasks by id; reads are shared as those of :func:`state`.

    A task of which nothing is stored has ``{"status": "PENDING", "result": None}``.

    Raises:
        DecodeError: what is stored of one of them cannot be read.
    """
    backend = backend_of(app or current_app)
    wanted = [check_id(task_id) for task_id in ((ids,) if isinstance(ids, str) else ids)]
    found = await read(backend, "get_many", wanted)
    return {record_id: meta_of(backend, found.get(record_id)) for record_id in wanted}


async def progress(result: Any, *, app: Any = None) -> Progress:
    """Return how far a group, a chord or a task has come: ``rootcellar.progress`` without blocking."""
    if isinstance(result, str):
        owner = app or current_app._get_current_object()
        errands = errands_of(backend_of(owner))
        found = await Inbox.current().read(errands, "groups", lambda ids: _saved_groups(ids, owner), (result,))
        result = found[result]
        if isinstance(result, Exception):
            raise result
    tasks = reading.counted_tasks(result)
    known: dict[str, str] = {}
    for backend, ids in reading.unknown_ids(tasks).items():
        known |= await read(backend, "states", ids)
    return reading.count(tasks, known)


def _saved_groups(ids: Sequence[str], app: Any) -> Mapping[str, Any]:
    """Return saved groups by id, in place of one that cannot be had the error."""
    found: dict[str, Any] = {}
    for group_id in ids:
        try:
            found[group_id] = reading.saved_group(group_id, app=app)
        except StoreUnavailable:
            raise
        except Exception as exc:
            found[group_id] = exc
    return found


def _members(results: Any, app: Any) -> tuple[list[Any], list[Any]]:
    """Return the members, and what comes before all of them."""
    if isinstance(results, ResultSet):
        return list(results.results), earlier(results)
    if isinstance(results, (str, bytes)) or not isinstance(results, Iterable):
        raise TypeError(f"Give a group or several results, not {type(results).__name__}; for one, await aio.get().")
    return [as_result(result, app=app) for result in results], []
