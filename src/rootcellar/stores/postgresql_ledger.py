"""The chord ledger in PostgreSQL: a row a chord, a row a part, and one statement for each verb."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rootcellar.record import Record
from rootcellar.stores import statements
from rootcellar.stores.ledger import BODY_MARK_S, DUE_BATCH, PARTS_BATCH, Claim, Ledger, Opening, Part, Tally

_NO_RECORD = (None,) * len(Record._fields)


class PostgreSQLLedger(Ledger):
    """Chords in two tables beside the records."""

    def __init__(self, query: Callable[[str, Sequence[Any]], list[Any]], named: Callable[[str], str]) -> None:
        """``query(statement, parameters)`` returns rows; ``named`` puts the tables' names into a statement."""
        self._query = query
        texts = dict(statements.load("postgresql_ledger.sql"))
        report, no_record = texts.pop("report"), texts.pop("no_record")
        texts["report"] = report.replace("{stored}", no_record)
        # The rule by which a record is stored is written once, in put.
        texts["report_with_record"] = report.replace("{stored}", statements.load("postgresql.sql")["put"])
        self._sql = {name: named(text) for name, text in texts.items()}

    def open(self, chord_id: str, opening: Opening) -> None:
        self._query(self._sql["open"], (chord_id, *opening))

    def set_size(self, chord_id: str, size: int) -> None:
        self._query(self._sql["set_size"], (chord_id, size, BODY_MARK_S))

    def add(self, chord_id: str, task_id: str) -> None:
        self._query(self._sql["add"], (chord_id, task_id, BODY_MARK_S))

    def report(
        self,
        part: Part,
        token: str,
        lease_s: float,
        *,
        record: Record | None = None,
        opening: Callable[[], Opening] | None = None,
    ) -> Tally:
        statement = self._sql["report" if record is None else "report_with_record"]
        ((is_stored, ready, size, is_open, is_given, is_takeover, document),) = self._query(
            statement, (*(record or _NO_RECORD), *part, token, lease_s)
        )
        is_stored = is_stored or record is None
        if ready is None:
            return Tally(is_stored, ready=0)
        if opening is not None and not is_open:
            kept = self._query(self._sql["keep_opening"], (part.chord_id, *opening()))
            if kept and is_given:
                document = kept[0][0]
        claim = None
        if is_given:
            claim = Claim(part.chord_id, token, ready, size, document, is_takeover=is_takeover)
        return Tally(is_stored, ready, size, claim)

    def claim(self, chord_id: str, token: str, lease_s: float) -> Claim | None:
        rows = self._query(self._sql["claim"], (chord_id, token, lease_s, BODY_MARK_S))
        return Claim(chord_id, token, *rows[0]) if rows else None

    def renew(self, claim: Claim, lease_s: float) -> bool:
        return bool(self._query(self._sql["renew"], (claim.chord_id, claim.token, lease_s)))

    def release(self, claim: Claim, retry_s: float) -> None:
        self._query(self._sql["release"], (claim.chord_id, claim.token, retry_s))

    def parts(self, chord_id: str, batch: int = PARTS_BATCH) -> Iterator[list[bytes]]:
        place, seq = -1, 0
        while rows := self._query(self._sql["parts"], (chord_id, place, seq, batch)):
            yield [payload for _, _, payload in rows]
            place, seq, _ = rows[-1]

    def failed(self, chord_id: str) -> bytes | None:
        rows = self._query(self._sql["failed"], (chord_id,))
        return rows[0][0] if rows else None

    def finish(self, claim: Claim, keep_s: float) -> bool:
        return bool(self._query(self._sql["finish"], (claim.chord_id, claim.token, keep_s)))

    def begin_body(self, chord_id: str, token: str, run: str | None) -> bool:
        rows = self._query(self._sql["begin_body"], (chord_id, token, run))
        return bool(rows[0][0]) if rows else True

    def due(self, limit: int = DUE_BATCH) -> list[str]:
        return [chord_id for (chord_id,) in self._query(self._sql["due"], (limit,))]

    def purge(self, batch: int) -> int:
        """Delete a batch of marks whose time is over; return how many."""
        count: int = self._query(self._sql["purge_chords"], (batch,))[0][0]
        return count
