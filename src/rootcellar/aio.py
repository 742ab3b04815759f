"""Waiting for results in an event loop, without blocking it: ``from rootcellar import aio``.

Over the same hub as everything that blocks: ten thousand coroutines that wait are one thread and one notification
connection, on every engine, with no driver of asyncio's own. Reads are made in one more thread, in batches. Both
threads end when nobody has needed them for five seconds.

Wherever a result is asked for, a task's id does as well, together with ``app``, or with Celery's current app. Documents
are decoded in the thread of the loop.
"""

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from celery import current_app, states
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, EagerResult, ResultSet

from rootcellar import results as reading
from rootcellar.backend import CellarBackend
from rootcellar.errors import DecodeError, StoreUnavailable, Unsupported
from rootcellar.record import FINAL_STATES, Record, check_id, rank
from rootcellar.results import Progress, as_result, backend_of, leaves
from rootcellar.waiting.errands import Errands
from rootcellar.waiting.loops import Inbox, Mailbox

__all__ = ["Snapshot", "as_completed", "follow", "gather", "get", "meta", "progress", "state", "watch"]

#: What Celery calls a task's meta: ``status``, ``result``, ``traceback``, ``children``, ``date_done`` and more.
Meta = dict[str, Any]

#: The state of a task that nobody has sent, told apart only with ``cellar_track_sent``.
UNKNOWN = "UNKNOWN"

#: How many snapshots are kept for a reader of :func:`watch` who is slow; the oldest are left out.
WATCH_LIMIT = 64
#: How long a caller whose time was up before the hub could look is given for one look of its own, in seconds.
LAST_LOOK_S = 1.0

_errands: "weakref.WeakKeyDictionary[CellarBackend, Errands]" = weakref.WeakKeyDictionary()
_errands_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task at one moment, as :func:`watch` yields it."""

    #: the task's id
    id: str
    state: str
    #: what the task returned, raised or gave to ``update_state(meta=…)``
    info: Any
    #: all that is stored; ``{"status": "PENDING", "result": None}`` where nothing is
    meta: Mapping[str, Any]

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.state in FINAL_STATES


async def get(result: Any, timeout: float | None = None, propagate: bool = True, *, app: Any = None) -> Any:
    """Wait for a result; return or raise what ``AsyncResult.get()`` would, and fill its cache as that does.

    ``result`` is an ``AsyncResult``, a task's id, an ``EagerResult``, or a ``GroupResult`` or ``ResultSet``, for which
    it is :func:`gather`. Waiting here blocks no worker, so it is not refused inside a task, as ``get()`` is.

    While the store cannot be reached the wait goes on; if it could not be read once before the time was up, the
    time-out says why, and has the store's error as its cause. Cancelling is safe at any moment.

    Raises:
        celery.exceptions.TimeoutError: it was not ready after ``timeout`` seconds.
        Exception: with ``propagate``, what the task raised, or a task before it in its chain.
        Unsupported: the result backend is not rootcellar's.
        DecodeError: what is stored cannot be read.
    """
    wanted = as_result(result, app)
    if isinstance(wanted, ResultSet):
        return await gather(wanted, timeout=timeout, propagate=propagate)
    with _Pending((wanted,), timeout, with_parents=propagate) as pending:
        while not _is_ready(wanted):
            ready = await pending.next()
            if propagate:
                await _raise_first(ready)
    return _value(wanted, propagate)


async def gather(results: Any, *, timeout: float | None = None, propagate: bool = True, app: Any = None) -> list[Any]:
    """Wait for several results; return their values in order, those of a nested group as a list.

    ``results`` is a ``GroupResult``, a ``ResultSet`` or any iterable of results and task ids. With ``propagate``, the
    first failure that arrives is raised at once; without it the exception stands in the list. Raises as :func:`get`
    does; ``timeout`` is for all of them.
    """
    members = _members(results, app)
    wanted = [leaf for member in members for leaf in leaves(member)]
    with _Pending(wanted, timeout, with_parents=propagate) as pending:
        if propagate:
            await _raise_first([leaf for leaf in wanted if _is_ready(leaf)])
        while not all(map(_is_ready, pending.tasks)):
            ready = await pending.next()
            if propagate:
                await _raise_first(ready)
    return [_value(member, propagate) for member in members]


async def as_completed(results: Any, timeout: float | None = None, *, app: Any = None) -> AsyncGenerator[Any, None]:
    """Yield results as they become ready, whether well or not; their caches are filled, so ``get()`` is at once.

    ``results`` is as for :func:`gather`, and what is yielded are its members: a nested group when all of it is ready.

    Raises:
        celery.exceptions.TimeoutError: not all were ready after ``timeout`` seconds.
    """
    members = _members(results, app)
    waiting: dict[str, list[Any]] = {}
    missing: list[set[str]] = []
    ready_now = []
    for number, member in enumerate(members):
        ids = {leaf.id for leaf in leaves(member) if not _is_ready(leaf)}
        missing.append(ids)
        for task_id in ids:
            waiting.setdefault(task_id, []).append(number)
        if not ids:
            ready_now.append(member)
    with _Pending([leaf for member in members for leaf in leaves(member)], timeout) as pending:
        for member in ready_now:
            yield member
        while waiting:
            for ready in await pending.next():
                for number in waiting.pop(ready.id, ()):
                    missing[number].discard(ready.id)
                    if not missing[number]:
                        yield members[number]


async def watch(result: Any, timeout: float | None = None, *, app: Any = None) -> AsyncGenerator[Snapshot, None]:
    """Yield a :class:`Snapshot` for every change of a task's state: first the present one, last the final one.

    Custom states count, and so does new meta in the same state. Changes in quick succession may be seen as one, and a
    reader who is slow misses the oldest of more than :data:`WATCH_LIMIT`; a state never goes back, and the final one is
    never missed. The final snapshot fills the result's cache.

    Raises:
        celery.exceptions.TimeoutError: the task had not ended after ``timeout`` seconds.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        RootcellarError: the store could not be read when it began.
        DecodeError: what is stored cannot be read.
    """
    snapshots = follow(result, timeout, app=app)
    try:
        async for snapshot in snapshots:
            if snapshot is not None:
                yield snapshot
    finally:
        await snapshots.aclose()


async def follow(
    result: Any, timeout: float | None = None, *, app: Any = None, silence_s: float | None = None
) -> AsyncGenerator[Snapshot | None, None]:
    """Do what :func:`watch` does, and yield ``None`` whenever nothing has come for ``silence_s`` seconds."""
    wanted = as_result(result, app)
    if isinstance(wanted, ResultSet):
        raise Unsupported("A group has no state to watch. Watch one of its members, or use progress().")
    clock = asyncio.get_running_loop().time
    deadline = None if timeout is None else clock() + timeout
    if wanted._cache:
        yield _snapshot(wanted.id, wanted._cache)
        return
    backend, record_id = backend_of(wanted), check_id(wanted.id)
    last: Record | None = (await _read(backend, "get_many", (record_id,))).get(record_id)
    if last is None or not last.is_final:
        with Mailbox([(backend.hub, (record_id,))], every_state=True, limit=WATCH_LIMIT) as mailbox:
            yield _snapshot_of(wanted, last)
            while last is None or not last.is_final:
                wake_at = deadline if silence_s is None else clock() + silence_s
                record = await mailbox.next(wake_at if deadline is None or wake_at is None else min(wake_at, deadline))
                if record is None and deadline is not None and clock() >= deadline:
                    raise _timed_out(1)
                if record is None:
                    yield None
                elif last is None or (record.payload != last.payload and rank(record.state) >= rank(last.state)):
                    last = record
                    if not record.is_final:
                        yield _snapshot_of(wanted, record)
    yield _snapshot_of(wanted, last)


async def state(task: Any, app: Any = None) -> str:
    """Return a task's state; calls made in one turn of the loop share a read of up to 1,000 ids, without results.

    Where nothing is stored that is ``PENDING``; with the setting ``cellar_track_sent``, ``PENDING`` is a task that was
    sent, and ``UNKNOWN`` one that nobody has sent, or whose record has expired.
    """
    wanted = as_result(task, app)
    if wanted._cache:
        return str(wanted.state)
    backend, record_id = backend_of(wanted), check_id(wanted.id)
    found: str | None = (await _read(backend, "states", (record_id,))).get(record_id)
    if found is not None:
        return found
    backend._ensure_not_eager()
    return UNKNOWN if backend.settings.is_sent_tracked else states.PENDING


async def meta(ids: Iterable[str], app: Any = None) -> dict[str, Meta]:
    """Return the metas of tasks by id; calls made in one turn of the loop share a read of up to 1,000 ids.

    A task of which nothing is stored has ``{"status": "PENDING", "result": None}``.

    Raises:
        DecodeError: what is stored of one of them cannot be read.
    """
    backend = backend_of(app or current_app)
    wanted = [check_id(task_id) for task_id in ((ids,) if isinstance(ids, str) else ids)]
    found = await _read(backend, "get_many", wanted)
    return {record_id: _meta(backend, found.get(record_id)) for record_id in wanted}


async def progress(result: Any, app: Any = None) -> Progress:
    """Return how far a group, a chord or a task has come: ``rootcellar.progress`` without blocking."""
    if isinstance(result, str):
        backend, group_id = backend_of(app or current_app), result
        found = await Inbox.current().read(
            _errands_of(backend), f"group {group_id}", lambda _: {"group": reading.saved_group(group_id, app)}, ()
        )
        result = found["group"]
    tasks = reading.counted_tasks(result)
    known: dict[str, str] = {}
    for backend, ids in reading.unknown_ids(tasks).items():
        known |= await _read(backend, "states", ids)
    return reading.count(tasks, known)


class _Pending:
    """Results that are not ready, and the mailbox their records come to."""

    def __init__(self, wanted: Sequence[Any], timeout: float | None, *, with_parents: bool = False) -> None:
        """With ``with_parents`` the tasks before these in their chains are waited for too: if one fails, what comes
        after it is never run. Raises what one that was got already has raised."""
        self.tasks = [result for result in wanted if not _is_ready(result)]
        self._tasks: dict[str, list[tuple[Any, CellarBackend]]] = {}
        self._deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        self._is_late = False
        self._away: Exception | None = None
        ids: dict[CellarBackend, dict[str, None]] = {}
        for result in self.tasks:
            for task in (*(_parents(result) if with_parents and result.parent else ()), result):
                if isinstance(task, ResultSet):
                    continue  # a chord's header: if it fails, so does the body
                if task is not result and _is_ready(task):
                    task.maybe_throw()
                    continue
                backend, record_id = backend_of(task), check_id(task.id)
                self._tasks.setdefault(record_id, []).append((task, backend))
                ids.setdefault(backend, {})[record_id] = None
        for backend in ids:
            backend._ensure_not_eager()
        self._ids = {backend: tuple(own) for backend, own in ids.items()}
        has_time = timeout is None or timeout > 0
        self._mailbox = Mailbox((backend.hub, own) for backend, own in self._ids.items()) if has_time else None

    async def next(self) -> list[Any]:
        """Return results that have become ready, in the order they were given; at least one.

        Raises:
            celery.exceptions.TimeoutError: the time is up.
        """
        while True:
            record = await self._mailbox.next(self._deadline) if self._mailbox is not None else None
            if record is None:
                return await self._look_once_more()
            ready = []
            while record is not None:
                ready += self._take(record)
                record = self._mailbox.pop() if self._mailbox is not None else None
            if ready:
                return ready

    def _take(self, record: Record) -> list[Any]:
        ready = []
        for result, backend in self._tasks.pop(record.id, ()):
            if not result._cache:
                result._maybe_set_cache(backend._decode(record))
            if not result._cache:
                raise DecodeError(f"What is stored for task {record.id} does not say how it ended.")
            ready.append(result)
        return ready

    async def _look_once_more(self) -> list[Any]:
        if not self._is_late and (self._mailbox is None or not self._mailbox.is_looked_for):
            self._is_late = True
            ready = []
            for backend, ids in self._ids.items():
                look = Inbox.current().read(_errands_of(backend), "look", backend.store.store.get_many, ids)
                try:
                    found = await asyncio.wait_for(look, LAST_LOOK_S)
                except (TimeoutError, StoreUnavailable) as exc:
                    self._away = exc
                    continue
                for record_id in ids:
                    if record_id in found and found[record_id].is_final:
                        ready += self._take(found[record_id])
            if ready:
                return ready
        missing = sum(not _is_ready(result) for result in self.tasks)
        raise _timed_out(missing, f" {self._away}".rstrip() if self._away else "") from self._away

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._mailbox is not None:
            self._mailbox.close()


def _members(results: Any, app: Any) -> list[Any]:
    if isinstance(results, str) or not isinstance(results, (ResultSet, Iterable)):
        raise TypeError(f"Give a group or several results, not {type(results).__name__}; for one, await aio.get().")
    return [as_result(result, app) for result in (results.results if isinstance(results, ResultSet) else results)]


def _is_ready(result: Any) -> bool:
    """Whether there is nothing to wait for: it was got already, is eager, or of a task that stores no result."""
    return bool(result._cache) or result.ignored


def _parents(result: AsyncResult) -> list[Any]:
    """Return the tasks and groups before this one, the earliest first."""
    return list(result._parents())[::-1]


async def _raise_first(ready: Iterable[Any]) -> None:
    for result in ready:
        if result._cache and result._cache["status"] in states.PROPAGATE_STATES and not isinstance(result, EagerResult):
            await _raise_from_groups([node for node in _parents(result) if isinstance(node, ResultSet)])
            result.maybe_throw()


async def _raise_from_groups(groups: Sequence[ResultSet]) -> None:
    """Raise what a member of the groups before a failed task has raised: a header's error, not ``ChordError``."""
    before = [leaf for node in groups for leaf in leaves(node)]
    for backend, ids in reading.unknown_ids(before).items():
        known = await _read(backend, "states", ids)
        failed = [i for i in ids if known.get(i) in states.PROPAGATE_STATES][:1]
        for record_id, record in (await _read(backend, "get_many", failed) if failed else {}).items():
            if record_id in failed:
                next(leaf for leaf in before if leaf.id == record_id)._maybe_set_cache(backend._decode(record))
    for leaf in before:
        if leaf._cache:
            leaf.maybe_throw()


def _value(result: Any, propagate: bool) -> Any:
    if isinstance(result, ResultSet):
        return [_value(member, propagate) for member in result.results]
    if result.ignored:
        return None
    if isinstance(result, EagerResult):
        return result.get(propagate=propagate, disable_sync_subtasks=False)
    return result.maybe_throw(propagate=propagate)


def _snapshot_of(result: Any, record: Record | None) -> Snapshot:
    meta = _meta(backend_of(result), record)
    if record is not None and record.is_final:
        meta = result._maybe_set_cache(meta)
    return _snapshot(result.id, meta)


def _snapshot(task_id: str, meta: Meta) -> Snapshot:
    return Snapshot(task_id, meta["status"], meta["result"], meta)


def _meta(backend: CellarBackend, record: Record | None) -> Meta:
    return {"status": states.PENDING, "result": None} if record is None else backend._decode(record)


async def _read(backend: CellarBackend, verb: str, ids: Sequence[str]) -> Mapping[str, Any]:
    return await Inbox.current().read(_errands_of(backend), verb, getattr(backend.store, verb), ids)


def _errands_of(backend: CellarBackend) -> Errands:
    with _errands_lock:
        errands = _errands.get(backend)
        if errands is None:
            errands = _errands[backend] = Errands()
        return errands


def _timed_out(missing: int, because: str = "") -> CeleryTimeoutError:
    return CeleryTimeoutError(f"The operation timed out: {missing} result(s) not ready.{because}")
