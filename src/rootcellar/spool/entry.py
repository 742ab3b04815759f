"""What lies in a spool: finished records, and the reports of chords' members."""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, NamedTuple

from rootcellar.record import Record
from rootcellar.stores.ledger import Opening, Part


class Entry(NamedTuple):
    """What could not be stored: a final record, a member's report to its chord, or both of one task."""

    record: Record | None = None
    part: Part | None = None
    #: for a part: how to open its chord, if nobody has
    opening: Opening | None = None

    @property
    def task_id(self) -> str:
        """Whose it is."""
        if self.record is not None:
            return self.record.id
        return "" if self.part is None else self.part.task_id

    @property
    def state(self) -> str:
        """How the task ended."""
        if self.record is not None:
            return self.record.state
        return "" if self.part is None else self.part.state

    @property
    def size(self) -> int:
        """Bytes of its payloads."""
        size = 0
        if self.record is not None:
            size += len(self.record.payload)
        if self.part is not None:
            size += len(self.part.payload)
        if self.opening is not None:
            size += len(self.opening.document or b"")
        return size

    def in_full(self) -> str:
        """Return all of it as one line of JSON, from which it can be entered by hand. Bytes that are no text: base64.

        >>> Entry(Record("a", "SUCCESS", b'{"result": 1}')).in_full()
        '{"record": {"id": "a", "state": "SUCCESS", "payload": "{\\\\"result\\\\": 1}"}}'
        """
        return json.dumps({name: _fields(part) for name, part in self._asdict().items() if part is not None})


class Depth(NamedTuple):
    """How much lies in a spool."""

    #: entries that wait for delivery
    records: int = 0
    #: of all payloads, those of refused entries included
    bytes: int = 0
    #: when the oldest that waits came, in seconds since 1970
    oldest_at: float | None = None
    #: entries that the store has refused, and that are not tried again by themselves
    refused: int = 0


class Refusal(NamedTuple):
    """An entry that the store refused."""

    seq: int
    task_id: str
    state: str
    chord_id: str | None
    bytes: int
    added_at: float
    reason: str


_RECORD, _PART, _OPENING = len(Record._fields), len(Part._fields), len(Opening._fields)


def to_row(entry: Entry) -> tuple[Any, ...]:
    """Return an entry as the columns of the table: those of the record, of the part, and of the opening.

    Which of the three are there is told by the record's id, the chord's id, and a flag.
    """
    record = entry.record or (None,) * _RECORD
    part = entry.part or (None,) * _PART
    opening = entry.opening or (None,) * _OPENING
    return (*record, *part, entry.opening is not None, *opening)


def from_row(row: Sequence[Any]) -> Entry:
    """Return the entry that :func:`to_row` made a row of."""
    record, rest = row[:_RECORD], row[_RECORD:]
    part, is_opened, opening = rest[:_PART], rest[_PART], rest[_PART + 1 :]
    return Entry(
        None if record[0] is None else Record._make(record),
        None if part[0] is None else Part._make(part),
        Opening._make(opening) if is_opened else None,
    )


def _fields(part: Any) -> dict[str, Any]:
    return {name: _text(value) for name, value in part._asdict().items() if value is not None}


def _text(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"base64:{b64encode(value).decode()}"
