"""Results that are not ready: waiting for them, and for what comes before them in their chains."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from celery import states
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import EagerResult, ResultSet

from rootcellar import results as reading
from rootcellar.aio.reads import look, read
from rootcellar.backend import CellarBackend
from rootcellar.backend.pending import leaves
from rootcellar.errors import DecodeError, StoreUnavailable, TaskStopped
from rootcellar.record import Record, check_id
from rootcellar.results import backend_of
from rootcellar.waiting.loops import Mailbox

#: A task's result, and the results of what comes before it, the earliest first.
InItsChain = tuple[Any, Sequence[Any]]


class Pending:
    """Results that are not ready, and the mailbox their records come to."""

    def __init__(self, wanted: Iterable[InItsChain], timeout: float | None) -> None:
        """The tasks before these in their chains are waited for too: if one fails, what comes after it is never run."""
        self.deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        #: how many are not ready
        self.missing = 0
        self._tasks: dict[str, list[tuple[Any, CellarBackend, bool]]] = {}
        self._ids: dict[CellarBackend, dict[str, None]] = {}
        self._failed_before: list[Any] = []
        self._is_late = False
        self._away: Exception | None = None
        met: set[int] = set()
        for result, before in wanted:
            if is_ready(result):
                continue
            self.missing += 1
            for task in before:
                if id(task) in met or isinstance(task, ResultSet):
                    continue  # a chord's header: if it fails, so does the body
                met.add(id(task))
                if not is_ready(task):
                    self._await(task, is_wanted=False)
                elif has_failed(task):
                    self._failed_before.append(task)
            self._await(result, is_wanted=True)
        for backend in self._ids:
            backend._ensure_not_eager()
        has_time = timeout is None or timeout > 0
        self._mailbox = Mailbox((backend.hub, tuple(ids)) for backend, ids in self._ids.items()) if has_time else None

    def _await(self, task: Any, *, is_wanted: bool) -> None:
        backend, record_id = backend_of(task), check_id(task.id)
        self._tasks.setdefault(record_id, []).append((task, backend, is_wanted))
        self._ids.setdefault(backend, {})[record_id] = None

    async def next(self) -> list[Any]:
        """Return results that have become ready, in the order they were given; at least one.

        Raises:
            celery.exceptions.TimeoutError: the time is up.
        """
        if self._failed_before:
            failed, self._failed_before = self._failed_before, []
            return failed
        while True:
            record = await self._mailbox.next(self.deadline) if self._mailbox is not None else None
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
        for result, backend, is_wanted in self._tasks.pop(record.id, ()):
            if not result._cache:
                result._maybe_set_cache(backend._decode(record))
            if not result._cache:
                raise DecodeError(f"What is stored for task {record.id} does not say how it ended.")
            self.missing -= is_wanted
            ready.append(result)
        return ready

    async def _look_once_more(self) -> list[Any]:
        if not self._is_late and (self._mailbox is None or not self._mailbox.is_looked_for):
            self._is_late = True
            ready = []
            for backend, ids in self._ids.items():
                try:
                    found = await look(backend, tuple(ids))
                except StoreUnavailable as exc:
                    self._away = exc
                    continue
                for record_id in ids:
                    if record_id in found and found[record_id].is_final:
                        ready += self._take(found[record_id])
            if ready:
                return ready
        raise timed_out(self.missing, self._away) from self._away

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._mailbox is not None:
            self._mailbox.close()


def in_their_chains(result: Any, before: Sequence[Any] = ()) -> Iterator[InItsChain]:
    """Yield the tasks of a result, however deep they are nested, each with what comes before it."""
    before = (*before, *earlier(result))
    if isinstance(result, ResultSet):
        for member in result.results:
            yield from in_their_chains(member, before)
    else:
        yield result, before


def earlier(result: Any) -> list[Any]:
    """Return the tasks and groups before this one in its chain, the earliest first."""
    found = []
    node = result.parent
    while node is not None:
        found.append(node)
        node = node.parent
    return found[::-1]


def is_ready(result: Any) -> bool:
    """Whether there is nothing to wait for: it was got already, is eager, or of a task that stores no result."""
    return bool(result._cache) or result.ignored


def has_failed(result: Any) -> bool:
    """Whether it was got already, and is a failure."""
    return bool(result._cache) and result._cache["status"] in states.PROPAGATE_STATES


async def raise_first(ready: Iterable[Any], deadline: float | None) -> None:
    """Raise the first failure there is among results that are ready."""
    for result in ready:
        if has_failed(result):
            before = [leaf for node in earlier(result) if isinstance(node, ResultSet) for leaf in leaves(node)]
            with suppress(StoreUnavailable):  # then the failure that is known has to do
                await _read_failures(before, deadline)
            for one in (*before, result):
                if has_failed(one):
                    value_of(one, propagate=True)


async def _read_failures(before: Sequence[Any], deadline: float | None) -> None:
    """Find out what a member of the groups before a failed task has raised: a header's error, not ``ChordError``."""
    for backend, ids in reading.unknown_ids(before).items():
        known = await read(backend, "states", ids, deadline)
        failed = [i for i in ids if known.get(i) in states.PROPAGATE_STATES][:1]
        for record_id, record in (await read(backend, "get_many", failed, deadline) if failed else {}).items():
            if record_id in failed:
                next(leaf for leaf in before if leaf.id == record_id)._maybe_set_cache(backend._decode(record))


def value_of(result: Any, propagate: bool) -> Any:
    """Return or raise the outcome of a result that is ready; of a group, a list."""
    if isinstance(result, ResultSet):
        return [value_of(member, propagate) for member in result.results]
    if result.ignored:
        return None
    if propagate and has_failed(result):
        raised = result._cache["result"]
        if isinstance(raised, BaseException) and not isinstance(raised, Exception):
            raise TaskStopped(
                f"Task {result.id} ended with {type(raised).__name__}({raised}), which would act on this program too "
                "if it were raised here. It is the cause of this error."
            ) from raised
    if isinstance(result, EagerResult):
        return result.get(propagate=propagate, disable_sync_subtasks=False)
    return result.maybe_throw(propagate=propagate)


def timed_out(missing: int, away: Exception | None = None) -> CeleryTimeoutError:
    """Return the error for a caller whose time is up; ``away`` is why, if the store could not be read."""
    return CeleryTimeoutError(f"The operation timed out: {missing} result(s) not ready.{f' {away}' if away else ''}")
