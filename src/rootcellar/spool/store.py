"""A store that loses no finished record while its server is away: bounded retry, then the spool."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from rootcellar.errors import RootcellarError, SpoolFull, StoreUnavailable
from rootcellar.record import Record
from rootcellar.spool.ledger import SpooledLedger
from rootcellar.spool.retry import AWAY, again
from rootcellar.stores.base import BATCH, Facts, Stats, Store, Watcher, batches

if TYPE_CHECKING:
    from rootcellar.spool.entry import Entry
    from rootcellar.spool.file import Spool

logger = logging.getLogger(__name__)

T = TypeVar("T")

# After a record of progress has met an outage, the next one is tried when ten times as long has passed as that took, so
# that a server which answers nobody costs a task a tenth of its time at most.
_HOLD_OFF = 10
_HOLD_OFF_MOST_S = 60.0


class SpooledStore(Store):
    """``store``, with its operations repeated for ``retry_s`` seconds, and its final records spooled after that.

    What tools read and write in bulk (:meth:`scan`, :meth:`purge`) and what must tell how things are now
    (:meth:`check`, :meth:`watcher`) is neither. Whatever else ``store`` has, this has too.
    """

    def __init__(
        self,
        store: Store,
        open_spool: "Callable[[], Spool]",
        retry_s: float,
        on_spooled: Callable[[], object] | None = None,
    ) -> None:
        """``open_spool`` is called when the spool is needed, ``on_spooled`` after each append: there is something to
        deliver.
        """
        self.store = store
        self._open_spool = open_spool
        self.retry_s = retry_s
        self.on_spooled = on_spooled
        self.url = store.url
        self.capabilities = store.capabilities
        self.chords = SpooledLedger(self)
        # The two below are read together on the hot path: whether anything is out of the ordinary.
        self._is_troubled = False
        #: final records go straight to the spool, until it is found empty
        self._is_spooling = False
        #: ``time.monotonic()`` before which no record of progress is tried
        self._held_until = 0.0

    @cached_property
    def spool(self) -> "Spool":
        """Where records go while the store is away."""
        return self._open_spool()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "store":
            raise AttributeError(name)
        return getattr(self.store, name)

    def __repr__(self) -> str:
        return f"<SpooledStore {self.url}>"

    # -- storing ------------------------------------------------------------------------------------------------------

    def put(self, record: Record) -> bool:
        if not record.is_final:
            return self._put_progress(record)
        if self._is_troubled and self.is_spooling():
            stored = self.append(_entry(record), last_resort=lambda: self.store.put(record))
            return True if stored is None else stored
        started_at = time.monotonic()
        try:
            stored = self.store.put(record)
            self._is_troubled = False
            return stored
        except AWAY as exc:
            error = exc
        try:
            if isinstance(error, StoreUnavailable):
                return again(lambda: self.store.put(record), self.retry_s, error, started_at)
        except AWAY as exc:
            error = exc
        self.append(_entry(record), error)
        return True

    def _put_progress(self, record: Record) -> bool:
        """Store what is not final in one attempt, or drop it: progress neither fails a task nor slows it."""
        started_at = time.monotonic()
        if self._is_troubled and (started_at < self._held_until or self.is_spooling()):
            return False
        try:
            stored = self.store.put(record)
        except AWAY as exc:
            if not self._is_troubled:
                logger.warning("%s Until it is back, states of running tasks are dropped.", exc)
            now = time.monotonic()
            self._held_until = now + min((now - started_at) * _HOLD_OFF, _HOLD_OFF_MOST_S)
            self._is_troubled = True
            return False
        self._is_troubled = self._is_spooling
        return stored

    def is_spooling(self) -> bool:
        """Whether final records go straight to the spool now; they do no more once it is found empty."""
        if not self._is_spooling:
            return False
        try:
            if not self.spool.is_empty():
                return True
        except RootcellarError as exc:
            logger.warning("%s Trying the store again.", exc)
        self._is_spooling = self._is_troubled = False
        return False

    def append(
        self, entry: "Entry", error: RootcellarError | None = None, last_resort: Callable[[], T] | None = None
    ) -> T | None:
        """Spool an entry; ``error`` is why. Return ``None``.

        Where it cannot be spooled, and the store was not asked about it, ``last_resort`` does that, and what it returns
        is returned: the store may be back, and only its spool not delivered yet.

        Raises:
            RootcellarError: ``error``, where there is to be no spool.
            SpoolFull: it could not be spooled either; it is in the log, in full.
        """
        if error is not None and not self.spool.is_enabled:
            raise error
        try:
            self.spool.append(entry)
        except (RootcellarError, OSError) as exc:
            if last_resort is not None:
                with suppress(*AWAY):
                    return last_resort()
            logger.critical(
                "A finished task's result could be kept neither in the store nor in the spool. %s The entry: %s",
                exc,
                entry.in_full(),
            )
            if isinstance(exc, SpoolFull):
                raise
            raise SpoolFull(f"{exc} The result of task {entry.task_id} stands in the log, in full.") from exc
        if error is not None and not self._is_spooling:
            logger.error("%s Finished results go to the spool %s until it is back.", error, self.spool.path)
        self._is_spooling = self._is_troubled = True
        if self.on_spooled is not None:
            try:
                self.on_spooled()
            except Exception:
                logger.exception("What was to follow on an entry in the spool failed")
        return None

    def retried(self, operation: Callable[..., T], *args: Any, most_s: float | None = None) -> T:
        """Return ``operation(*args)``, repeated while the store is away, but no longer than ``most_s`` seconds."""
        started_at = time.monotonic()
        try:
            return operation(*args)
        except StoreUnavailable as exc:
            error = exc
        retry_s = self.retry_s if most_s is None else min(most_s, self.retry_s)
        return again(lambda: operation(*args), retry_s, error, started_at)

    # -- everything else ----------------------------------------------------------------------------------------------

    def put_many(self, records: Iterable[Record]) -> int:
        return sum(self.retried(self.store.put_many, batch) for batch in batches(records))

    def get(self, record_id: str) -> Record | None:
        return self.retried(self.store.get, record_id)

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        return self.retried(self.store.get_many, list(ids))

    def states(self, ids: Iterable[str]) -> dict[str, str]:
        return self.retried(self.store.states, list(ids))

    def delete(self, ids: Sequence[str]) -> int:
        return self.retried(self.store.delete, ids)

    def scan(self, after: str | None = None, batch: int = BATCH) -> Iterator[list[Record]]:
        return self.store.scan(after, batch)

    def purge(self, batch: int = BATCH) -> Iterator[int]:
        return self.store.purge(batch)

    def stats(self) -> Stats:
        return self.retried(self.store.stats)

    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        self.retried(self.store.group_put, group_id, payload, expires_at)

    def group_get(self, group_id: str) -> bytes | None:
        return self.retried(self.store.group_get, group_id)

    def group_delete(self, group_id: str) -> None:
        self.retried(self.store.group_delete, group_id)

    def watcher(self) -> Watcher:
        return self.store.watcher()

    def check(self) -> Facts:
        return self.store.check()

    def close(self) -> None:
        self.store.close()
        if "spool" in vars(self):
            self.spool.close()


def _entry(record: Record) -> "Entry":
    from rootcellar.spool.entry import Entry

    return Entry(record)
