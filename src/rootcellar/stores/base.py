"""The seam: the verbs every store has. Read this page before writing an engine.

A store knows one engine and nothing of Celery. It is safe to use from any number of threads, and after a fork: each
process makes connections of its own. No verb connects before it is called. Errors are those of
:mod:`rootcellar.errors`, with the driver's exception as their cause.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from rootcellar.record import Record
from rootcellar.stores.ledger import Ledger
from rootcellar.urls import StoreURL

T = TypeVar("T")

#: How many ids one round trip carries at most; a group of 1,000 is one.
BATCH = 1000


class Capabilities(NamedTuple):
    """What an engine can do."""

    #: it drops expired records by itself; nobody needs to call :meth:`Store.purge`
    expires_itself: bool
    #: other hosts can reach it
    shared_between_hosts: bool
    #: keys and bytes are those of Celery's own backend, which may read and write beside it
    has_celerys_layout: bool = False


@dataclass(frozen=True)
class Stats:
    """How much lies in the store: records by state, and bytes including indexes and overhead."""

    records: int
    bytes: int
    by_state: Mapping[str, int]


@dataclass(frozen=True)
class Facts:
    """What :meth:`Store.check` found out about the server. ``warnings`` are sentences for a person."""

    engine: str
    version: str
    details: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()


class Heard(NamedTuple):
    """What a watcher heard: ids whose record changed, and those records the notification itself carried."""

    ids: Sequence[str] = ()
    records: Sequence[Record] = ()


class Watcher(ABC):
    """A subscription to changes, over a connection of its own.

    Owned by one thread, the hub's: only :meth:`wake` may be called from another.
    """

    @abstractmethod
    def add(self, ids: Sequence[str]) -> None:
        """Subscribe to ``ids``; changes that happen after this returns are heard."""

    @abstractmethod
    def discard(self, ids: Sequence[str]) -> None:
        """Unsubscribe from ``ids``; unknown ones are ignored."""

    @abstractmethod
    def poll(self, timeout_s: float) -> Heard:
        """Wait until something is heard, :meth:`wake` is called or ``timeout_s`` seconds have passed."""

    @abstractmethod
    def wake(self) -> None:
        """Make a running or the next :meth:`poll` return at once. Safe from any thread; never raises."""

    @abstractmethod
    def close(self) -> None:
        """Give the subscription and its connection back. Never raises."""


class Store(ABC):
    """Where records lie."""

    capabilities: Capabilities
    url: StoreURL
    #: who of a chord's members has reported
    chords: Ledger

    @abstractmethod
    def put(self, record: Record) -> bool:
        """Store one record, atomically, and tell whoever waits for it, in one round trip.

        Returns ``False``, changing nothing, where what lies there has come further: a SUCCESS is final
        (:func:`rootcellar.record.merge`), and the server decides so itself.
        """

    @abstractmethod
    def put_many(self, records: Iterable[Record]) -> int:
        """Store many records, in batches; return how many changed something. For copying, not for workers."""

    def get(self, record_id: str) -> Record | None:
        """Return the record with this id, or ``None`` where there is none or it has expired. One round trip."""
        return self.get_many((record_id,)).get(record_id)

    @abstractmethod
    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        """Return the records there are, by id. One round trip for each :data:`BATCH` ids."""

    def states(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the states of the records there are, by id, without their payloads where the engine can.

        One round trip for each :data:`BATCH` ids.
        """
        return {record_id: record.state for record_id, record in self.get_many(ids).items()}

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> int:
        """Delete records; return how many there were."""

    @abstractmethod
    def scan(self, after: str | None = None, batch: int = BATCH) -> Iterator[list[Record]]:
        """Yield all records in batches of about ``batch``.

        Where the engine has an order, ``after`` resumes behind an id; elsewhere it is refused with
        :exc:`~rootcellar.errors.Unsupported`.
        """

    @abstractmethod
    def purge(self, batch: int = BATCH) -> Iterator[int]:
        """Delete expired records and groups, yielding the count of each batch; nothing where the engine does it."""

    @abstractmethod
    def stats(self) -> Stats:
        """Count what lies in the store."""

    @abstractmethod
    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        """Save a group's document (what ``GroupResult.save()`` keeps), replacing an earlier one."""

    @abstractmethod
    def group_get(self, group_id: str) -> bytes | None:
        """Return a group's document, or ``None``."""

    @abstractmethod
    def group_delete(self, group_id: str) -> None:
        """Delete a group's document, if there is one."""

    @abstractmethod
    def watcher(self) -> Watcher:
        """Open a subscription; see :class:`Watcher`."""

    @abstractmethod
    def check(self) -> Facts:
        """Ask the server about itself: version, durability, privileges."""

    @abstractmethod
    def close(self) -> None:
        """Close this process's connections. The store may be used again; it then opens new ones."""


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Cut ``items`` into lists of at most ``size``.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    batch: list[T] = []
    for one in items:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
