"""The chords of a :class:`~rootcellar.spool.store.SpooledStore`: a member's report is as safe as its result."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rootcellar.errors import RootcellarError, StoreUnavailable
from rootcellar.record import Record
from rootcellar.spool.retry import AWAY, again
from rootcellar.stores.ledger import DUE_BATCH, PARTS_BATCH, Claim, Ledger, Opening, Part, Tally

if TYPE_CHECKING:
    from rootcellar.spool.entry import Entry
    from rootcellar.spool.store import SpooledStore

logger = logging.getLogger(__name__)

#: What the reporter of a spooled part is told: the record is safe, and whoever delivers the part gets the claim.
_SPOOLED = Tally(is_stored=True, ready=0)


class SpooledLedger(Ledger):
    """The chords of ``owner``'s store: verbs are repeated while it is away, reports are then spooled."""

    def __init__(self, owner: "SpooledStore") -> None:
        self._owner = owner
        self._retried = owner.retried

    @property
    def _chords(self) -> Ledger:
        return self._owner.store.chords

    def report(
        self,
        part: Part,
        token: str,
        lease_s: float,
        *,
        record: Record | None = None,
        opening: Callable[[], Opening] | None = None,
    ) -> Tally:
        owner, chords = self._owner, self._chords

        def ask() -> Tally:
            return chords.report(part, token, lease_s, record=record, opening=opening)

        if owner.is_spooling():
            return owner.append(_entry(record, part, opening), last_resort=ask) or _SPOOLED
        started_at = time.monotonic()
        error: RootcellarError
        try:
            return ask()
        except AWAY as exc:
            error = exc
        try:
            if isinstance(error, StoreUnavailable):
                return again(ask, owner.retry_s, error, started_at)
        except AWAY as exc:
            error = exc
        owner.append(_entry(record, part, opening), error)
        return _SPOOLED

    def open(self, chord_id: str, opening: Opening) -> None:
        self._retried(self._chords.open, chord_id, opening)

    def set_size(self, chord_id: str, size: int) -> None:
        self._retried(self._chords.set_size, chord_id, size)

    def add(self, chord_id: str, task_id: str) -> None:
        self._retried(self._chords.add, chord_id, task_id)

    def claim(self, chord_id: str, token: str, lease_s: float) -> Claim | None:
        return self._retried(self._chords.claim, chord_id, token, lease_s)

    def renew(self, claim: Claim, lease_s: float) -> bool:
        return self._retried(self._chords.renew, claim, lease_s)

    def release(self, claim: Claim, retry_s: float) -> None:
        self._retried(self._chords.release, claim, retry_s)

    def parts(self, chord_id: str, batch: int = PARTS_BATCH) -> Iterator[list[bytes]]:
        return self._chords.parts(chord_id, batch)

    def failed(self, chord_id: str) -> bytes | None:
        return self._retried(self._chords.failed, chord_id)

    def finish(self, claim: Claim, keep_s: float) -> bool:
        return self._retried(self._chords.finish, claim, keep_s)

    def begin_body(self, chord_id: str, token: str, run: str | None) -> bool:
        return self._retried(self._chords.begin_body, chord_id, token, run)

    def due(self, limit: int = DUE_BATCH) -> list[str]:
        return self._retried(self._chords.due, limit)


def _entry(record: Record | None, part: Part, opening: Callable[[], Opening] | None) -> "Entry":
    from rootcellar.spool.entry import Entry

    return Entry(record, part, _opened(part, opening))


def _opened(part: Part, opening: Callable[[], Opening] | None) -> Opening | None:
    if opening is None:
        return None
    try:
        return opening()
    except Exception:  # better a part without it than no part
        logger.exception("How to open the chord %s could not be told", part.chord_id)
        return None
