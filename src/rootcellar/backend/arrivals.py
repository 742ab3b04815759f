"""Arrivals: the outcomes of many tasks, one after the other, as they come in."""

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn, Protocol

from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar.errors import StoreUnavailable
from rootcellar.record import Record
from rootcellar.spool.store import SpooledStore
from rootcellar.stores.base import Store
from rootcellar.waiting import Hub

#: What Celery calls a task's meta: ``status``, ``result``, ``traceback``, ``children``, ``date_done`` and more.
Meta = dict[str, Any]

# `interval=0` would spin.
_LEAST_INTERVAL_S = 0.01


class Source(Protocol):
    """What :func:`arrivals` needs of a backend."""

    store: SpooledStore

    @property
    def hub(self) -> Hub: ...

    def _decode(self, record: Record) -> Meta: ...


def arrivals(
    source: Source,
    ids: Sequence[str],
    *,
    timeout_s: float | None,
    interval_s: float | None,
    on_message: Callable[[Meta], Any] | None,
    on_interval: Callable[[], Any] | None,
    only_look: bool = False,
) -> Iterator[tuple[str, Meta]]:
    """Yield ``(id, meta)`` of each task when it is final: first what one read finds, then what the hub hears.

    ``on_message`` gets the meta of every change of state, ``on_interval`` is called every ``interval_s`` seconds while
    waiting. With ``only_look`` nothing is waited for. A store that is away is waited for too, where there is a limit.

    Raises:
        celery.exceptions.TimeoutError: some were not final after ``timeout_s`` seconds.
        StoreUnavailable: there is no limit, and the store was away for longer than ``cellar_retry_timeout``.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pending = set(ids)
    last_seen: dict[str, bytes] = {}
    away: StoreUnavailable | None = None
    found: Iterable[Record] = ()
    try:
        found = source.store.retried(_read, source.store.store, ids, most_s=timeout_s)
    except StoreUnavailable as exc:
        if timeout_s is None or only_look:
            raise
        away = exc
    for record in found:
        meta = source._decode(record)
        if on_message is not None:
            on_message(meta)
        if record.is_final:
            pending.discard(record.id)
            yield record.id, meta
        else:
            last_seen[record.id] = record.payload
    if not pending or only_look:
        return
    pace = _Pace(deadline, interval_s, on_interval, away)
    if timeout_s is not None and timeout_s <= 0:
        pace.give_up(len(pending))
    arrived: queue.SimpleQueue[Record] = queue.SimpleQueue()
    wait = source.hub.wait(pending, arrived.put, every_state=on_message is not None)
    try:
        while pending:
            try:
                record = arrived.get(timeout=pace.nap_s())
            except queue.Empty:
                pace.tick(len(pending))
                continue
            pace.away = None
            if record.id not in pending or last_seen.get(record.id) == record.payload:
                continue  # the hub reads again now and then, and may so deliver one record twice
            last_seen[record.id] = record.payload
            meta = source._decode(record)
            if on_message is not None:
                on_message(meta)
            if record.is_final:
                pending.discard(record.id)
                last_seen.pop(record.id)
                yield record.id, meta
    finally:
        source.hub.cancel(wait)


def _read(store: Store, ids: Sequence[str]) -> Iterable[Record]:
    if len(ids) == 1:
        record = store.get(ids[0])
        return () if record is None else (record,)
    return store.get_many(ids).values()


class _Pace:
    """When to look up from waiting: for the interval's callback, and for the end of the caller's patience."""

    def __init__(
        self,
        deadline: float | None,
        interval_s: float | None,
        on_interval: Callable[[], Any] | None,
        away: StoreUnavailable | None,
    ) -> None:
        #: why nothing may come: the store was away when this began, and nothing has come since
        self.away = away
        self._deadline = deadline
        self._interval_s = max(_LEAST_INTERVAL_S, 0.5 if interval_s is None else interval_s)
        self._on_interval = on_interval
        self._next_interval = time.monotonic() + self._interval_s

    def nap_s(self) -> float | None:
        """Return how long to wait for the next record at most, in seconds; ``None`` for ever."""
        due = [self._deadline] if self._deadline is not None else []
        if self._on_interval is not None:
            due.append(self._next_interval)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def tick(self, missing: int) -> None:
        """Nothing has come in: call the interval's callback if it is due, and give up if it is time."""
        now = time.monotonic()
        if self._on_interval is not None and now >= self._next_interval:
            self._next_interval = now + self._interval_s
            self._on_interval()
        if self._deadline is not None and now >= self._deadline:
            self.give_up(missing)

    def give_up(self, missing: int) -> NoReturn:
        """Raise what a caller gets whose time is up."""
        because = f" {self.away}" if self.away else ""
        raise CeleryTimeoutError(f"The operation timed out: {missing} result(s) not ready.{because}") from self.away
