"""The chord ledger: who of a chord's members has reported, and who may send its body. The second half of the seam.

A chord's ledger begins with :meth:`Ledger.open`, grows by one :class:`Part` for each member, and ends with
:meth:`Ledger.finish`. A part is known by its task's id and its place in the header, as in Celery 5.7, so that a task
that is delivered twice reports once. Whoever reports the last part is given a :class:`Claim`: the right, for a while,
to send the body. If it dies meanwhile, the next :meth:`Ledger.claim` gets it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rootcellar.record import Record

#: How many parts one round trip carries at most when they are collected.
PARTS_BATCH = 1000
#: How long it is remembered that a chord is over, or which of its bodies ran: longer than any broker takes to deliver a
#: message again.
BODY_MARK_S = 86_400.0
#: How many chords a housekeeper looks at in one go.
DUE_BATCH = 100


class Part(NamedTuple):
    """What one member of a chord reports."""

    chord_id: str
    task_id: str
    #: its index in the header; ``None``: Celery gave it none, and it is sorted behind the others
    place: int | None
    state: str
    #: ``[1, task id, state, result]``, encoded: what Celery 5.7 keeps in Redis
    payload: bytes


class Opening(NamedTuple):
    """What is known of a chord before its members run."""

    #: the body's signature and the header's structure, encoded; ``None``: they could not be
    document: bytes | None = None
    #: when the chord is given up, in seconds since 1970; ``None``: never
    deadline_at: float | None = None
    #: what started the chord, a task as a rule; opening it again from there is a redelivery, and not a new run
    origin: str | None = None
    #: unique for each run of a chord; its body's message carries it
    run: str | None = None


class Claim(NamedTuple):
    """The right to send a chord's body, or to end the chord with an error, until the lease is over."""

    chord_id: str
    #: who holds it: unique for each claim
    token: str
    #: how many parts have reported
    ready: int
    #: how many there are; ``None``: nobody has said so yet
    size: int | None
    #: :attr:`Opening.document`
    document: bytes | None
    #: the deadline is over and parts are missing
    is_overdue: bool = False
    #: somebody else had it before, and may have sent the body
    is_takeover: bool = False


class Tally(NamedTuple):
    """Where a chord stands after a part was reported."""

    #: whether the record that came with it was stored; ``False``: a SUCCESS lay there
    is_stored: bool
    #: how many parts have reported; 0 where the chord is over
    ready: int
    #: how many there are; ``None``: nobody has said so yet
    size: int | None = None
    #: given to whoever completes the chord
    claim: Claim | None = None
    #: parts that a Celery older than 5.7 has reported: those are not told from their duplicates
    unguarded: int = 0


class Ledger(ABC):
    """The chords of one store. As safe as the store itself; errors are the same."""

    @abstractmethod
    def open(self, chord_id: str, opening: Opening) -> None:
        """Begin a chord, before any of its members can run. One round trip.

        A chord of that id that was begun before is begun anew, its parts forgotten, since Celery lets a frozen chord be
        applied again; but not where both were started by the same task (:attr:`Opening.origin`): that task was then
        redelivered.
        """

    @abstractmethod
    def set_size(self, chord_id: str, size: int) -> None:
        """Say how many members there are, known only when the last is about to be sent. One round trip.

        Celery says so also of groups that are no chord's header: what is kept of a chord that nobody opens or reports
        to goes after a day.
        """

    @abstractmethod
    def add(self, chord_id: str, task_id: str) -> None:
        """Say that there is one member more than :meth:`set_size` says, before or after it.

        Once for each ``task_id``, however often it is said.
        """

    @abstractmethod
    def report(
        self,
        part: Part,
        token: str,
        lease_s: float,
        *,
        record: Record | None = None,
        opening: Callable[[], Opening] | None = None,
    ) -> Tally:
        """Count a part, and store ``record`` (as :meth:`~rootcellar.stores.base.Store.put` does) with it, atomically,
        in one round trip.

        If the chord is complete and nobody has claimed it, the caller has: the tally holds the claim, under ``token``.
        A chord that is over ignores the part, and stores the record all the same. ``opening`` is asked for, and kept in
        a second round trip, where nobody has opened the chord: it was started by a client on Celery's own backend.
        """

    @abstractmethod
    def claim(self, chord_id: str, token: str, lease_s: float) -> Claim | None:
        """Claim a chord that :meth:`due` named, if it is complete or overdue and nobody else holds it.

        Otherwise put off when it is due next. A chord whose body has begun to run (:meth:`begin_body`) is finished
        instead.
        """

    @abstractmethod
    def renew(self, claim: Claim, lease_s: float) -> bool:
        """Make the lease last ``lease_s`` seconds from now; ``False``: it is somebody else's meanwhile."""

    @abstractmethod
    def release(self, claim: Claim, retry_s: float) -> None:
        """Give the claim back: to whoever reports or asks next, and to housekeepers in ``retry_s`` seconds."""

    @abstractmethod
    def parts(self, chord_id: str, batch: int = PARTS_BATCH) -> Iterator[list[bytes]]:
        """Yield the parts' payloads in the order of the header, in batches of one round trip."""

    @abstractmethod
    def failed(self, chord_id: str) -> bytes | None:
        """Return the payload of the first part, in the order of the header, that is no SUCCESS; ``None``: all are."""

    @abstractmethod
    def finish(self, claim: Claim, keep_s: float) -> bool:
        """Remove what is kept of the chord, its body having been sent; ``False``: the claim is somebody else's.

        A mark stays for ``keep_s`` seconds, so that a part that is delivered again does not begin the chord anew.
        """

    @abstractmethod
    def begin_body(self, chord_id: str, token: str, run: str | None) -> bool:
        """Say that the body that was sent under the claim ``token`` arrived at a worker; return whether it may run.

        ``False``: one of the same run that was sent under another claim is running, or has run. A body of a run that is
        not the chord's latest may run, and is not remembered.
        """

    @abstractmethod
    def due(self, limit: int = DUE_BATCH) -> list[str]:
        """Return chords to look at with :meth:`claim`: past their deadline, or complete with a lease that is over."""
