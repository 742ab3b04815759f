"""Watching a task's states."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from celery import states
from celery.result import ResultSet

from rootcellar.aio.pending import earlier, has_failed, is_ready, timed_out
from rootcellar.aio.reads import read
from rootcellar.backend import CellarBackend
from rootcellar.errors import StoreUnavailable, Unsupported
from rootcellar.record import FINAL_STATES, Record, check_id, rank
from rootcellar.results import as_result, backend_of
from rootcellar.waiting.loops import Mailbox

#: What Celery calls a task's meta: ``status``, ``result``, ``traceback``, ``children``, ``date_done`` and more.
Meta = dict[str, Any]

#: How many snapshots are kept for a reader of :func:`watch` who is slow; the oldest are left out.
WATCH_LIMIT = 64


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


async def watch(result: Any, timeout: float | None = None, *, app: Any = None) -> AsyncGenerator[Snapshot, None]:
    """Yield a :class:`Snapshot` for every change of a task's state: first the present one, last the final one.

    Custom states count, and so does new meta in the same state. Changes in quick succession may be seen as one, and a
    reader who is slow misses the oldest of more than 64; a state never goes back, and the final one is never missed.
    The final snapshot fills the result's cache. Of a task that stores no result there is the present snapshot alone.

    If an earlier task of the same chain fails, this one is never run. In most cases Celery then records that failure
    for this one too; where it does not, the final snapshot has that failure all the same.

    Raises:
        celery.exceptions.TimeoutError: the task had not ended after ``timeout`` seconds.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        RootcellarError: the store could not be read when it began.
        DecodeError: what is stored cannot be read.
    """
    async with aclosing(follow(result, timeout, app=app)) as snapshots:
        async for snapshot in snapshots:
            if snapshot is not None:
                yield snapshot


async def follow(
    result: Any, timeout: float | None = None, *, app: Any = None, silence_s: float | None = None
) -> AsyncGenerator[Snapshot | None, None]:
    """Do what :func:`watch` does, and yield ``None`` whenever nothing has come for ``silence_s`` seconds."""
    wanted = watchable(result, app=app)
    clock = asyncio.get_running_loop().time
    deadline = None if timeout is None else clock() + timeout
    if wanted._cache:
        yield _snapshot(wanted.id, wanted._cache)
        return
    backend, record_id = backend_of(wanted), check_id(wanted.id)
    try:
        last: Record | None = (await read(backend, "get_many", (record_id,), deadline)).get(record_id)
    except StoreUnavailable as exc:
        if deadline is None or clock() < deadline:
            raise
        raise timed_out(1, exc) from exc
    if (last is None or not last.is_final) and not wanted.ignored:
        before = {check_id(task.id): task for task in earlier(wanted) if not isinstance(task, ResultSet)}
        open_before = [(backend_of(task).hub, (i,)) for i, task in before.items() if not is_ready(task)]
        with Mailbox(open_before, followed=[(backend.hub, (record_id,))], limit=WATCH_LIMIT) as mailbox:
            yield _read_snapshot(wanted, backend, last)
            while last is None or not last.is_final:
                for task in before.values():
                    if has_failed(task):
                        yield _snapshot(wanted.id, task._cache)
                        return
                wake_at = deadline if silence_s is None else clock() + silence_s
                record = await mailbox.next(wake_at if deadline is None or wake_at is None else min(wake_at, deadline))
                if record is None and deadline is not None and clock() >= deadline:
                    raise timed_out(1)
                if record is None:
                    yield None
                elif record.id in before:
                    task = before[record.id]
                    task._maybe_set_cache(backend_of(task)._decode(record))
                elif last is None or (record.payload != last.payload and rank(record.state) >= rank(last.state)):
                    last = record
                    if not record.is_final:
                        yield _read_snapshot(wanted, backend, record)
    yield _read_snapshot(wanted, backend, last)


def watchable(result: Any, *, app: Any = None) -> Any:
    """Return the result of one task of ours.

    Raises:
        TypeError: ``result`` is neither a result nor a task's id.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        InvalidRecord: no task can have such an id.
    """
    wanted = as_result(result, app=app)
    if isinstance(wanted, ResultSet):
        raise Unsupported("A group has no state to watch. Watch one of its members, or use progress().")
    if not wanted._cache:
        backend_of(wanted)
        check_id(wanted.id)
    return wanted


def meta_of(backend: CellarBackend, record: Record | None) -> Meta:
    """Return Celery's meta for a record, or for none."""
    return {"status": states.PENDING, "result": None} if record is None else backend._decode(record)


def _read_snapshot(result: Any, backend: CellarBackend, record: Record | None) -> Snapshot:
    meta = meta_of(backend, record)
    if record is not None and record.is_final:
        meta = result._maybe_set_cache(meta)
    return _snapshot(result.id, meta)


def _snapshot(task_id: str, meta: Meta) -> Snapshot:
    return Snapshot(task_id, meta["status"], meta["result"], meta)
