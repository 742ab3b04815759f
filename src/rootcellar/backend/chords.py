"""Chords: from Celery's calls to the ledger. What follows when a chord is complete is in bodies.py.

Celery asks its backend to begin a chord (``apply_chord``), says how many members it has when the last is about to be
sent (``set_chord_size``) and tells it of each that ends (``on_chord_part_return``). Whoever reports the last part sends
the body; if it dies before it has, the housekeeper of another worker does. So there is no ``celery.chord_unlock`` that
polls, no ``result_chord_join_timeout`` to exceed, and nobody waits in a worker.
"""

import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

from celery.result import GroupResult
from celery.utils.functional import _regen

from rootcellar.backend.bodies import Bodies
from rootcellar.backend.signatures import ends_of, takes_results
from rootcellar.codec import Codec
from rootcellar.errors import EncodeError, SpoolFull, StoreError
from rootcellar.record import SUCCESS, Record, check_id
from rootcellar.settings import Settings
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Part

logger = logging.getLogger(__name__)

#: Options of a body that are kept where its arguments cannot be: with them it can be failed, though not sent.
_IDENTITY = ("task_id", "group_id", "group_index", "chord", "link_error")


class Chords:
    """The chords of one backend."""

    def __init__(self, backend: Any, store: Store, settings: Settings) -> None:
        """``backend`` is whose they are: it knows how Celery encodes an exception, and how it fails a body."""
        self._app = backend.app
        self._backend = backend
        self._store = store
        self._codec = settings.codec
        self._retention = settings.retention
        self._settings = settings.chords
        # A signature is plain data whatever results are written as.
        self._documents = Codec(max_bytes=settings.codec.max_bytes)
        self._bodies = Bodies(self, backend, store, settings, self._documents)

    # -- what Celery says ---------------------------------------------------------------------------------------------

    def open(self, header_arguments: Any, body: Any) -> None:
        """Begin a chord. ``header_arguments`` are those of its header's ``GroupResult``."""
        chord_id = check_id(header_arguments[0], "chord id")
        tree = self._tree(header_arguments)
        self._store.chords.open(chord_id, self._opening(body, {"header": tree}))
        if tree is not None and self._store.capabilities.has_celerys_layout:
            # Where a worker on Celery's own backend looks for it, should that one complete the chord.
            keep_s = self._retention.expires_s or self._settings.deadline_s
            expires_at = None if keep_s is None else time.time() + keep_s
            self._store.group_put(chord_id, self._codec.encode({"result": tree}), expires_at)

    def _tree(self, header_arguments: Any) -> Any:
        """Return what tells how a header is nested; ``None`` for a flat one, and for a generator, which is flat too."""
        if isinstance(header_arguments[1], _regen):
            return None
        header = self._app.GroupResult(*header_arguments)
        return header.as_tuple() if any(isinstance(one, GroupResult) for one in header.results) else None

    def set_size(self, chord_id: str, size: int) -> None:
        """Say how many members there are."""
        self._store.chords.set_size(check_id(chord_id, "chord id"), size)

    def add(self, chord_id: str, task_id: str) -> None:
        """Say that there is one member more."""
        self._store.chords.add(check_id(chord_id, "chord id"), check_id(task_id))

    def report(self, request: Any, state: str, result: Any, record: Record | None = None) -> None:
        """Count the member that ``request`` is, ``result`` being ready to be encoded; store ``record`` with it.

        Raises:
            EncodeError: the result cannot be written as ``result_serializer`` says.
        """
        body = request.chord
        if state == SUCCESS and not takes_results(body):
            result = None  # nobody is going to collect it
        task_id = check_id(request.id)
        part = Part(
            check_id(request.group, "chord id"),
            task_id,
            getattr(request, "group_index", None),
            state,
            self._codec.encode([1, task_id, state, result]),
        )
        try:
            tally = self._store.chords.report(
                part, new_token(), self._settings.lease_s, record=record, opening=lambda: self._opening(body, {})
            )
        except SpoolFull:
            return  # which has logged it in full; an error here would make a failure of the task
        if tally.unguarded:
            logger.warning(
                "Chord %s: %d of its parts were reported by a worker on Celery older than 5.7 with its own backend, "
                "which counts a task that is delivered twice as two. Upgrade that worker, or put cellar+ before its "
                "result_backend too.",
                part.chord_id,
                tally.unguarded,
            )
        if tally.claim is not None:
            self.finish(tally.claim, body)

    def give_up(self, signatures: Any, state: str, error: BaseException, link_id: str | None = None) -> None:
        """Report those of ``signatures`` that are members of chords: they are never going to run.

        Celery tells a chord of a chain's link that failed, and not always then; it tells none of a link that was
        revoked, or of a body whose chord failed (celery/celery#10526 is one case): they would wait for ever.

        ``link_id`` is the task that ended so. If it has succeeded, this is its message once more, and the rest runs.
        """
        try:
            members = [member for member in ends_of(signatures) if member.chord and member.group]
        except (AttributeError, TypeError):  # a request's chain may be anything that is no list
            return
        if members and link_id is not None and self._store.states((link_id,)).get(link_id) == SUCCESS:
            return
        for member in members:
            self.report(member, state, self._backend.encode_result(error, state))

    def finish(self, claim: Claim, body: Any = None) -> None:
        """Send the body of a chord that is complete, or end it with an error."""
        self._bodies.finish(claim, body)

    def reconcile(self) -> None:
        """Finish chords that nobody finishes: past their deadline, or left by a worker that died."""
        for chord_id in self._store.chords.due():
            try:
                claim = self._store.chords.claim(chord_id, new_token(), self._settings.lease_s)
            except StoreError as exc:  # about this one: the others must not wait for it
                logger.error("Chord %s cannot be looked at: %s", chord_id, exc)
                continue
            if claim is not None:
                logger.info("Chord %s: taken over, %s of %s parts have come in", chord_id, claim.ready, claim.size)
                self.finish(claim)

    # -- what is kept of a chord from its beginning -------------------------------------------------------------------

    def _opening(self, body: Any, known: Mapping[str, Any]) -> Opening:
        deadline_s = self._settings.deadline_s
        deadline_at = None if deadline_s is None else time.time() + deadline_s
        run = uuid.uuid4().hex
        facts = {**known, "deadline_at": deadline_at, "run": run}
        return Opening(self._document(body, facts), deadline_at, self._origin(), run)

    def _origin(self) -> str | None:
        """Return what starts a chord now: a chord whose body it is, or a task."""
        if self._bodies.publishing is not None:
            return self._bodies.publishing
        task = self._app.current_worker_task
        origin: str | None = getattr(task.request, "id", None) if task else None
        return origin

    def _document(self, body: Any, facts: Mapping[str, Any]) -> bytes | None:
        try:
            document = self._documents.encode({"body": body, **facts})
            if self._is_json(body) or _alike(self._documents.decode(document)["body"], body):
                return document
            reason = "written as JSON they are not what they were"
        except EncodeError as exc:
            reason = str(exc)
        logger.warning(
            "The arguments of a chord's body, %s, cannot be kept in the store: %s. Should a worker die between the "
            "chord's last part and its body, the chord ends in an error.",
            body["task"],
            reason,
        )
        return self._without_arguments(body, facts)

    def _is_json(self, body: Any) -> bool:
        task = self._app.tasks.get(body["task"])
        usual = getattr(task, "serializer", None) or self._app.conf.task_serializer
        return bool((body.get("options") or {}).get("serializer", usual) == "json")

    def _without_arguments(self, body: Any, facts: Mapping[str, Any]) -> bytes | None:
        options = {}
        for name in _IDENTITY:
            value = (body.get("options") or {}).get(name)
            try:
                self._documents.encode(value)
            except EncodeError:
                continue
            options[name] = value
        stub = {"task": body["task"], "args": [], "kwargs": {}, "options": options, "subtask_type": None}
        try:
            return self._documents.encode({"body": stub, "is_stub": True, **facts})
        except EncodeError:
            return None


def _alike(kept: Any, given: Any) -> bool:
    """Return whether two values are equal but for lists that were tuples."""
    if isinstance(given, Mapping):
        return (
            isinstance(kept, Mapping)
            and kept.keys() == given.keys()
            and all(_alike(kept[key], value) for key, value in given.items())
        )
    if isinstance(given, (list, tuple)):
        return (
            isinstance(kept, list)
            and len(kept) == len(given)
            and all(_alike(one, other) for one, other in zip(kept, given, strict=True))
        )
    return bool(kept == given)


def new_token() -> str:
    """Return the name of a claim."""
    return uuid.uuid4().hex
