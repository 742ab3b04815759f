"""Hearing of changes in PostgreSQL: LISTEN on a channel of our own, and a row for each id we wait for."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from uuid import uuid4

import psycopg
from psycopg import sql

from rootcellar.stores.base import Heard, Watcher
from rootcellar.stores.postgresql_session import Session, text_array
from rootcellar.stores.waker import Waker

#: How often a watcher says it lives, and after how long without that its rows are purged.
RENEW_S = 60.0
STALE_S = 600.0
#: How long a watcher's own statements may take: meanwhile nobody is served, and on a new connection they might be.
STATEMENT_TIMEOUT_S = 2.0


class PostgreSQLWatcher(Watcher):
    """Listens on ``cellar_<random>``; ``put`` notifies it of the ids it has registered."""

    def __init__(
        self,
        session: Session,
        statements: Mapping[str, str],
        left_behind: list[str],
        mapped: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Listen. ``mapped`` turns the driver's errors into ours.

        ``left_behind`` are the channels of this store's watchers whose connection was lost, and whose rows are
        therefore still there: they are deleted now, and the list kept for when this connection is lost.
        """
        self._session = session
        self._sql = statements
        self._channel = f"cellar_{uuid4().hex}"
        self._mapped = mapped
        self._left_behind = left_behind
        self._renew_at = time.monotonic() + RENEW_S
        session.run(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)).as_string())
        while left_behind:
            session.run(statements["unwatch_all"], (left_behind[-1],))
            left_behind.pop()
        session.run(statements["purge_waiters"], (STALE_S,))
        self._waker = Waker()

    def add(self, ids: Sequence[str]) -> None:
        with self._mapped():
            self._session.run(self._sql["watch"], (text_array(ids), self._channel))

    def discard(self, ids: Sequence[str]) -> None:
        with self._mapped():
            self._session.run(self._sql["unwatch"], (self._channel, text_array(ids)))

    def poll(self, timeout_s: float) -> Heard:
        with self._mapped():
            if time.monotonic() > self._renew_at:
                self._session.run(self._sql["still_watching"], (self._channel,))
                self._renew_at = time.monotonic() + RENEW_S
            # A statement's answer may have brought notifications along, so look before waiting.
            heard = self._session.notified()
            if not heard and self._waker.wait(self._session.fileno, timeout_s):
                self._session.read()
                heard = self._session.notified()
            return Heard(ids=heard)

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._left_behind.append(self._channel)
        if not self._session.is_broken:
            with suppress(psycopg.Error):
                self._session.run(self._sql["unwatch_all"], (self._channel,))
                self._left_behind.remove(self._channel)
        self._session.close()
        self._waker.close()
