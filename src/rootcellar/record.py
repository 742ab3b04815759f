"""The record: all that is known of one task's outcome.

A record's *payload* is the document that Celery itself writes for a key-value store: one encoded mapping with
``status``, ``result``, ``traceback``, ``children`` and the rest. It is the same bytes on every engine, so a payload
can be moved from one store to another unchanged. The other fields repeat what an engine can search by; an engine that
keeps nothing beside the payload (Redis) returns them as ``None``.
"""

from typing import NamedTuple

from rootcellar.errors import InvalidRecord

PENDING = "PENDING"
STARTED = "STARTED"
RETRY = "RETRY"
SUCCESS = "SUCCESS"
FAILURE = "FAILURE"
REVOKED = "REVOKED"

#: The state of a record whose payload cannot be read: damaged, or of another serializer. None of Celery's.
UNREADABLE = "UNREADABLE"

#: States after which a task has ended. A custom state (``PROGRESS``) is never final.
FINAL_STATES = frozenset({SUCCESS, FAILURE, REVOKED})

#: Ids longer than this are refused: it is what an indexed text column holds on every engine (MySQL's ``VARCHAR(255)``).
MAX_ID_LENGTH = 255


class Record(NamedTuple):
    """One task's outcome as a store keeps it. Times are seconds since 1970, UTC."""

    id: str
    state: str
    payload: bytes
    name: str | None = None
    worker: str | None = None
    queue: str | None = None
    retries: int | None = None
    parent_id: str | None = None
    group_id: str | None = None
    done_at: float | None = None
    #: when the store may drop the record; ``None``: never
    expires_at: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting longer is of no use: the task has ended, or its record cannot be read."""
        return self.state in FINAL_STATES or self.state == UNREADABLE

    def __repr__(self) -> str:
        """Leave the payload out: a record in a log must not show what a task returned."""
        return f"<Record {self.id} {self.state} {len(self.payload)} bytes>"


def rank(state: str) -> int:
    """Return how far a state has come; a record's rank never falls.

    >>> [rank(state) for state in ("PENDING", "STARTED", "PROGRESS", "REVOKED", "FAILURE", "SUCCESS")]
    [0, 1, 1, 2, 2, 3]
    """
    if state == SUCCESS:
        return 3
    if state in FINAL_STATES:
        return 2
    return 0 if state == PENDING else 1


def merge(kept: Record | None, arriving: Record) -> Record:
    """Return the record a store must hold after ``arriving`` comes in where ``kept`` lies.

    A SUCCESS is final: a task that was delivered twice must not turn a result somebody may already have read into
    another one. A FAILURE gives way to another outcome, since a task may be run again, but not to a state that has come
    less far (:func:`rank`): nobody who has seen the end of a task sees it running afterwards. Each store makes this
    decision itself, atomically, inside the server; this function is the rule they are tested against.

    >>> done, late = Record("a", "SUCCESS", b"1"), Record("a", "FAILURE", b"2")
    >>> merge(done, late) is done, merge(late, done) is done
    (True, True)
    >>> running = Record("a", "STARTED", b"3")
    >>> merge(late, running) is late, merge(running, late) is late
    (True, True)
    """
    if kept is None:
        return arriving
    if kept.state == SUCCESS or rank(arriving.state) < rank(kept.state):
        return kept
    return arriving


def check_id(record_id: object, what: str = "task id") -> str:
    """Return ``record_id`` as a string fit to be a key on every engine.

    Raises:
        InvalidRecord: it is empty, longer than :data:`MAX_ID_LENGTH` characters, or holds a NUL byte.
    """
    if type(record_id) is str:
        text = record_id
    elif isinstance(record_id, bytes):
        text = record_id.decode("utf-8", "replace")
    else:
        text = "" if record_id is None else str(record_id)
    if text and len(text) <= MAX_ID_LENGTH and "\0" not in text and (text.isascii() or _is_utf8(text)):
        return text
    if not text:
        problem = "is empty"
    elif len(text) > MAX_ID_LENGTH:
        problem = f"is {len(text)} characters long; {MAX_ID_LENGTH} is the most every engine can index"
    elif "\0" not in text:
        problem = "holds half a surrogate pair, which is no character"
    else:
        problem = "holds a NUL byte, which databases refuse in text"
    raise InvalidRecord(
        f"The {what} {text[:40]!r} cannot be stored: it {problem}. Let Celery make the id, or pass a shorter one as "
        "apply_async(task_id=...)."
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def searchable(value: object) -> str | None:
    """Return ``value`` as text every engine can hold in a column to search by; the document keeps it as it was.

    >>> searchable("proj.add"), searchable(None), searchable("a" + chr(0) + "b")
    ('proj.add', None, 'ab')
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
