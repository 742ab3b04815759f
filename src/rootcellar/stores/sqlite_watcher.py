"""Hearing of changes in SQLite: a look at ``PRAGMA data_version`` every few milliseconds."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rootcellar.stores.base import BATCH, Heard, Watcher

#: How often to look whether the file has changed. One look is a read of shared memory, some 3 µs.
POLL_INTERVAL_S = 0.004


class SQLiteWatcher(Watcher):
    """Notices that another connection has committed, and asks what has changed since it last did."""

    def __init__(
        self,
        run: Callable[[str, Sequence[Any]], list[Any]],
        close: Callable[[], None],
        statements: Mapping[str, str],
        record_table: str,
    ) -> None:
        """``run(sql, parameters)`` returns a statement's rows, always on the same connection; ``close`` closes it."""
        self._run = run
        self._close = close
        self._changes = statements["changes"]
        self._woken = threading.Event()
        self._seen_version = -1
        self._seen_seq: int = run(statements["last_change"], (record_table,))[0][0]

    def add(self, ids: Sequence[str]) -> None:
        """Nothing to do: every change to the file is seen."""

    def discard(self, ids: Sequence[str]) -> None:
        """Nothing to do."""

    def poll(self, timeout_s: float) -> Heard:
        deadline = time.monotonic() + timeout_s
        while True:
            ((version,),) = self._run("PRAGMA data_version", ())
            if version != self._seen_version:  # also after a fork: the new connection counts anew
                self._seen_version = version
                if ids := self._read_changes():
                    return Heard(ids=ids)
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self._woken.wait(min(POLL_INTERVAL_S, left_s)):
                self._woken.clear()
                return Heard()

    def _read_changes(self) -> list[str]:
        ids: list[str] = []
        while rows := self._run(self._changes, (self._seen_seq, BATCH)):
            ids.extend(row[1] for row in rows)
            self._seen_seq = rows[-1][0]
        return ids

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._close()
