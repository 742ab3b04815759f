"""The chord ledger in SQLite: a row a chord, a row a part, and one transaction for each verb."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rootcellar.record import Record
from rootcellar.stores import statements
from rootcellar.stores.ledger import BODY_MARK_S, DUE_BATCH, PARTS_BATCH, Claim, Ledger, Opening, Part, Tally


class Connection(Protocol):
    """What the ledger asks of a connection."""

    db: sqlite3.Connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor: ...


class SQLiteLedger(Ledger):
    """Chords in two tables beside the records."""

    def __init__(
        self, run: Callable[..., Any], named: Callable[[str], str], put: Callable[[Any, Record], bool]
    ) -> None:
        """``run(operation, *args)`` calls ``operation(connection, *args)``.

        ``named`` puts the tables' names into a statement; ``put(connection, record)`` stores a record.
        """
        self._run = run
        self._put = put
        self._sql = {name: named(text) for name, text in statements.load("sqlite_ledger.sql").items()}

    def open(self, chord_id: str, opening: Opening) -> None:
        self._run(self._open, chord_id, opening)

    def _open(self, connection: Connection, chord_id: str, opening: Opening) -> None:
        with _transaction(connection):
            now = time.time()
            connection.execute(self._sql["forget_parts"], (chord_id, opening.origin, now))
            connection.execute(self._sql["open"], (chord_id, *opening, now))

    def set_size(self, chord_id: str, size: int) -> None:
        self._execute("set_size", (chord_id, size, time.time(), BODY_MARK_S))

    def add(self, chord_id: str, task_id: str) -> None:
        self._execute("add", (chord_id, task_id, time.time(), BODY_MARK_S))

    def report(
        self,
        part: Part,
        token: str,
        lease_s: float,
        *,
        record: Record | None = None,
        opening: Callable[[], Opening] | None = None,
    ) -> Tally:
        tally, is_open = self._run(self._report, part, token, lease_s, record)
        if opening is not None and not is_open:
            known = opening()
            tally = self._run(self._keep_opening, part.chord_id, known, tally)
        return tally  # type: ignore[no-any-return]  # the pool's run knows no types

    def _report(
        self, connection: Connection, part: Part, token: str, lease_s: float, record: Record | None
    ) -> tuple[Tally, bool]:
        with _transaction(connection):
            is_stored = record is None or self._put(connection, record)
            new = connection.execute(self._sql["report"], part).rowcount
            connection.execute(self._sql["count"], (part.chord_id, new))
            claim = self._give(connection, part.chord_id, token, lease_s, is_overdue=False)
            row = connection.execute(self._sql["tally"], (part.chord_id, token)).fetchone()
        if row is None:
            return Tally(is_stored, ready=0), True
        ready, size, is_open, *_ = row
        return Tally(is_stored, ready, size, claim), bool(is_open)

    def _keep_opening(self, connection: Connection, chord_id: str, opening: Opening, tally: Tally) -> Tally:
        with _transaction(connection):
            connection.execute(self._sql["keep_opening"], (chord_id, *opening))
            if tally.claim is None:
                return tally
            row = connection.execute(self._sql["tally"], (chord_id, tally.claim.token)).fetchone()
        return tally if row is None else tally._replace(claim=tally.claim._replace(document=row[4]))

    def claim(self, chord_id: str, token: str, lease_s: float) -> Claim | None:
        claim: Claim | None = self._run(self._claim, chord_id, token, lease_s)
        return claim

    def _claim(self, connection: Connection, chord_id: str, token: str, lease_s: float) -> Claim | None:
        with _transaction(connection):
            now = time.time()
            connection.execute(self._sql["no_chord"], (chord_id, now))
            if connection.execute(self._sql["finish_run"], (chord_id, now + BODY_MARK_S)).rowcount:
                connection.execute(self._sql["drop_parts"], (chord_id,))
                return None
            claim = self._give(connection, chord_id, token, lease_s, is_overdue=True)
            if claim is None:
                connection.execute(self._sql["put_off"], (chord_id, token, now))
            return claim

    def _give(
        self, connection: Connection, chord_id: str, token: str, lease_s: float, *, is_overdue: bool
    ) -> Claim | None:
        given = connection.execute(self._sql["give"], (chord_id, token, time.time(), lease_s, is_overdue))
        if not given.rowcount:
            return None
        row = connection.execute(self._sql["tally"], (chord_id, token)).fetchone()
        ready, size, _, is_takeover, document, is_incomplete = row
        return Claim(chord_id, token, ready, size, document, bool(is_incomplete), bool(is_takeover))

    def renew(self, claim: Claim, lease_s: float) -> bool:
        return self._execute("renew", (claim.chord_id, claim.token, time.time() + lease_s)) > 0

    def release(self, claim: Claim, retry_s: float) -> None:
        self._execute("release", (claim.chord_id, claim.token, time.time() + retry_s))

    def parts(self, chord_id: str, batch: int = PARTS_BATCH) -> Iterator[list[bytes]]:
        place, seq = -1, 0
        while rows := self._fetch("parts", (chord_id, place, seq, batch)):
            yield [payload for _, _, payload in rows]
            place, seq, _ = rows[-1]

    def failed(self, chord_id: str) -> bytes | None:
        rows = self._fetch("failed", (chord_id,))
        return rows[0][0] if rows else None

    def finish(self, claim: Claim, keep_s: float) -> bool:
        is_ours: bool = self._run(self._finish, claim, keep_s)
        return is_ours

    def _finish(self, connection: Connection, claim: Claim, keep_s: float) -> bool:
        with _transaction(connection):
            expires_at = time.time() + keep_s
            if not connection.execute(self._sql["finish"], (claim.chord_id, claim.token, expires_at)).rowcount:
                return False
            connection.execute(self._sql["drop_parts"], (claim.chord_id,))
            return True

    def begin_body(self, chord_id: str, token: str, run: str | None) -> bool:
        self._execute("begin_body", (chord_id, token, run))
        return not self._fetch("has_begun", (chord_id, token, run))  # the first token stays, so this may be read later

    def due(self, limit: int = DUE_BATCH) -> list[str]:
        return [chord_id for (chord_id,) in self._fetch("due", (time.time(), limit))]

    def purge(self, batch: int) -> int:
        """Delete a batch of marks whose time is over; return how many."""
        return self._execute("purge_chords", (time.time(), batch))

    def _execute(self, name: str, parameters: Sequence[Any]) -> int:
        count: int = self._run(_execute, self._sql[name], parameters)
        return count

    def _fetch(self, name: str, parameters: Sequence[Any]) -> list[Any]:
        rows: list[Any] = self._run(_fetch, self._sql[name], parameters)
        return rows


def _execute(connection: Connection, sql: str, parameters: Sequence[Any]) -> int:
    return connection.execute(sql, parameters).rowcount


def _fetch(connection: Connection, sql: str, parameters: Sequence[Any]) -> list[Any]:
    return connection.execute(sql, parameters).fetchall()


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Be the only writer: what is read meanwhile stays true until the end."""
    connection.execute("BEGIN IMMEDIATE")
    with connection.db:
        yield
