"""A store in memory, and its watcher, which hears what the test says."""

import queue
import threading
from collections.abc import Callable, Sequence

from rootcellar.record import Record
from rootcellar.stores.base import Heard, Watcher
from servers import wait_until


class FakeWatcher(Watcher):
    """Hears what the test says, and notes what it is asked to watch."""

    def __init__(self, store: "FakeStore") -> None:
        self.store = store
        self.watched: set[str] = set()
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.said: queue.SimpleQueue[Heard | Exception] = queue.SimpleQueue()
        self.polls = 0
        self.is_closed = False

    def add(self, ids: Sequence[str]) -> None:
        self._note("add", ids)
        self.watched |= set(ids)

    def discard(self, ids: Sequence[str]) -> None:
        self._note("discard", ids)
        self.watched -= set(ids)

    def _note(self, verb: str, ids: Sequence[str]) -> None:
        assert threading.current_thread().name == "rootcellar-hub", "only the hub's thread may use its connection"
        assert ids, "Redis takes 'unsubscribe from nothing' for 'from everything'"
        self.calls.append((verb, tuple(sorted(ids))))

    def poll(self, timeout_s: float) -> Heard:
        self.polls += 1
        try:
            said = self.said.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return Heard()
        if isinstance(said, Exception):
            raise said
        return said

    def wake(self) -> None:
        self.said.put(Heard())

    def close(self) -> None:
        self.is_closed = True


class FakeStore:
    """The two verbs of a store that the hub uses."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.reads: list[list[str]] = []
        self.watchers: list[FakeWatcher] = []
        self.fails: list[Exception] = []
        self.on_read: Callable[[list[str]], None] = lambda ids: None

    def get_many(self, ids: Sequence[str]) -> dict[str, Record]:
        self.reads.append(list(ids))
        self.on_read(list(ids))
        return {i: self.records[i] for i in ids if i in self.records}

    def watcher(self) -> FakeWatcher:
        if self.fails:
            raise self.fails.pop(0)
        self.watchers.append(FakeWatcher(self))
        return self.watchers[-1]

    def change(self, record: Record, *, carried: bool = False, silently: bool = False) -> None:
        """Store a record and tell the hub of it, by id or with the record itself."""
        self.records[record.id] = record
        if not silently:
            self.watchers[-1].said.put(Heard(records=[record]) if carried else Heard(ids=[record.id]))


def is_idle(store: FakeStore, watched: set[str]) -> Callable[[], bool]:
    """Whether the hub watches just these and waits to hear of them."""
    return lambda: bool(store.watchers) and store.watchers[-1].watched == watched and store.watchers[-1].polls > 0


def settle(store: FakeStore, *watched: str) -> None:
    """Return when the hub watches just these ids and has looked a second time."""
    wait_until(is_idle(store, set(watched)), f"the hub watches {watched}")
