"""Chords: from Celery's calls to the ledger, and from a complete ledger to the body.

Celery asks its backend to begin a chord (``apply_chord``), says how many members it has when the last is about to be
sent (``set_chord_size``) and tells it of each that ends (``on_chord_part_return``). Whoever reports the last part sends
the body; if it dies before it has, the housekeeper of another worker does. So there is no ``celery.chord_unlock`` that
polls, no ``result_chord_join_timeout`` to exceed, and nobody waits in a worker.
"""

import logging
import math
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from celery.canvas import maybe_signature
from celery.exceptions import ChordError
from celery.result import GroupResult
from celery.utils.functional import _regen
from kombu.exceptions import OperationalError

from rootcellar.backend.unreached import members
from rootcellar.codec import Codec
from rootcellar.errors import EncodeError, RootcellarError, SpoolFull
from rootcellar.record import FAILURE, PENDING, SUCCESS, Record, check_id
from rootcellar.settings import ChordSettings
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import BODY_MARK_S, Claim, Opening, Part

logger = logging.getLogger(__name__)

#: The message header that says which chord a body belongs to, and under which claim it was sent.
HEADER = "cellar_chord"
#: How long a chord whose body could not be sent is left alone: the broker was away.
RETRY_S = 2.0


class _Failed(Exception):
    """The chord cannot have its body: ``error`` says why, as Celery would."""

    def __init__(self, error: ChordError) -> None:
        super().__init__(str(error))
        self.error = error


class _Incomplete(Exception):
    """A member of a nested header has not reported yet, although as many have as were announced."""


class Chords:
    """The chords of one backend."""

    def __init__(self, app: Any, store: Store, codec: Codec, settings: ChordSettings, backend: Any) -> None:
        """``backend`` is whose they are: it knows how Celery encodes an exception, and how it fails a body."""
        self._app = app
        self._store = store
        self._codec = codec
        self._settings = settings
        self._backend = backend
        # A signature is plain data whatever results are written as.
        self._documents = Codec(max_bytes=codec.max_bytes)

    # -- what Celery says ---------------------------------------------------------------------------------------------

    def open(self, header_arguments: Any, body: Any) -> None:
        """Begin a chord. ``header_arguments`` are those of its header's ``GroupResult``."""
        chord_id = check_id(header_arguments[0], "chord id")
        tree = self._tree(header_arguments)
        opening = self._opening({"body": body, "header": tree})
        self._store.chords.open(chord_id, opening)
        if tree is not None and self._store.capabilities.has_celerys_layout:
            # Where a worker on Celery's own backend looks for it, should that one complete the chord.
            self._store.group_put(chord_id, self._codec.encode({"result": tree}), opening.deadline_at)

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
                part,
                _new_token(),
                self._settings.lease_s,
                record=record,
                opening=lambda: self._opening({"body": body}),
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

    def give_up(self, signatures: Any, state: str, error: BaseException) -> None:
        """Report those of ``signatures`` that are members of chords: they are never going to run."""
        result = self._backend.encode_result(error, state)
        for member in members(signatures):
            if member.chord and member.group:
                self.report(member, state, result)

    def _opening(self, known: Mapping[str, Any]) -> Opening:
        task = self._app.current_worker_task
        request = task.request if task else None
        deadline_s = self._settings.deadline_s
        deadline_at = None if deadline_s is None else time.time() + deadline_s
        try:
            document = self._documents.encode({**known, "deadline_at": deadline_at})
        except EncodeError as exc:
            document = None
            logger.warning(
                "The body of a chord cannot be kept in the store (%s). Should a worker die between the chord's last "
                "part and its body, nobody can send it.",
                exc,
            )
        return Opening(document, deadline_at, getattr(request, "id", None))

    # -- sending the body ---------------------------------------------------------------------------------------------

    def reconcile(self) -> int:
        """Finish chords that nobody finishes: past their deadline, or left by a worker that died. Return how many."""
        finished = 0
        for chord_id in self._store.chords.due():
            claim = self._store.chords.claim(chord_id, _new_token(), self._settings.lease_s)
            if claim is not None:
                logger.info("Chord %s: taken over, %s of %s parts have come in", chord_id, claim.ready, claim.size)
                self.finish(claim)
                finished += 1
        return finished

    def finish(self, claim: Claim, body: Any = None) -> None:
        """Send the body of a chord that is complete, or end it with an error. Never raises: the next one takes over."""
        try:
            self._finish(claim, body)
        except _Incomplete as exc:
            logger.debug("Chord %s is not complete yet: %s", claim.chord_id, exc)
            self._release(claim, retry_s=0)  # the next to report gets it
        except OperationalError as exc:
            logger.warning("Chord %s: the broker does not take its body, which is tried again: %s", claim.chord_id, exc)
            self._release(claim)
        except RootcellarError as exc:
            logger.warning("Chord %s: the store was away while its body was being sent: %s", claim.chord_id, exc)
        except Exception:
            logger.exception("Chord %s could not be finished, which is tried again", claim.chord_id)
            self._release(claim)

    def _release(self, claim: Claim, retry_s: float = RETRY_S) -> None:
        try:
            self._store.chords.release(claim, retry_s)
        except RootcellarError as exc:
            logger.warning("Chord %s is tried again when its lease is over: %s", claim.chord_id, exc)

    def _finish(self, claim: Claim, body: Any) -> None:
        document = self._documents.decode(claim.document) if claim.document is not None else {}
        body = maybe_signature(document.get("body") if body is None else body, app=self._app)
        if body is None:
            logger.error(
                "Chord %s cannot be finished: no worker that could send its body has kept it, and it is unknown here.",
                claim.chord_id,
            )
        elif not ((claim.is_takeover or claim.is_overdue) and self._has_run(body)):
            self._send(claim, body, document)
        self._store.chords.finish(claim, BODY_MARK_S)

    def _has_run(self, body: Any) -> bool:
        """Return whether the body has left a record: then whoever had the claim before did send it."""
        body_id = body.options.get("task_id")
        kept = self._store.states((body_id,)) if body_id else {}
        return kept.get(body_id, PENDING) != PENDING

    def _send(self, claim: Claim, body: Any, document: Mapping[str, Any]) -> None:
        started = time.monotonic()
        try:
            arguments = self._collect(claim, body, document)
            took_s = time.monotonic() - started
            if took_s > self._settings.lease_s / 3 and not self._store.chords.renew(claim, self._settings.lease_s):
                logger.warning("Chord %s took too long to collect: another worker has taken over", claim.chord_id)
                return
            self._publish(claim, body, arguments)
        except _Failed as failed:
            logger.error("Chord %s failed: %s", claim.chord_id, failed.error)
            self._fail(body, failed.error)

    def _fail(self, body: Any, failed: ChordError) -> None:
        """End a chord as Celery does, errbacks included, and tell the chord that its body is a member of."""
        try:
            raise failed from failed.__cause__  # Celery takes the traceback of what is being handled
        except ChordError as error:
            self._backend.chord_error_from_stack(body, error)
            self.give_up((body,), FAILURE, error)

    def _publish(self, claim: Claim, body: Any, arguments: tuple[Any, ...]) -> None:
        _mark(body, {HEADER: [claim.chord_id, claim.token]}, self._app)
        try:
            body.apply_async(arguments)
        except (OperationalError, RootcellarError):
            raise
        except Exception as exc:
            raise _Failed(_chord_error(f"Callback error: {exc!r}", exc)) from exc

    def _collect(self, claim: Claim, body: Any, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the body's arguments: the list of the members' results, or nothing where the body takes none."""
        if claim.is_overdue:
            raise _Failed(
                ChordError(
                    f"Only {claim.ready} of {'?' if claim.size is None else claim.size} tasks had ended when "
                    "cellar_chord_deadline was over"
                )
            )
        if not takes_results(body):
            payload = self._store.chords.failed(claim.chord_id)
            if payload is not None:
                self._result(payload)
            return ()
        by_id: dict[str, Any] = {}
        results = []
        for payloads in self._store.chords.parts(claim.chord_id):
            for payload in payloads:
                task_id, result = self._result(payload)
                results.append(result)
                by_id[task_id] = result
        tree = document["header"] if "header" in document else self._saved_tree(claim.chord_id)
        if tree is None:
            return (results,)
        # Before Celery 5.7, a group inside that is sent late says how many members *it* has, as if that were all.
        missing = [task_id for task_id in _leaves(tree[1]) if task_id not in by_id]
        if missing and time.time() < (document.get("deadline_at") or math.inf):
            raise _Incomplete(f"task {missing[0]} of the header has not reported")
        return (self._arrange(tree[1], by_id),)

    def _saved_tree(self, chord_id: str) -> Any:
        """Return how a header is nested, if a client on Celery's own backend has said so; ``None``: it is flat."""
        payload = self._store.group_get(chord_id)
        return None if payload is None else self._codec.decode(payload)["result"]

    def _result(self, payload: bytes) -> tuple[str, Any]:
        try:
            _, task_id, state, result = self._codec.decode(payload)
        except (RootcellarError, TypeError, ValueError) as exc:
            raise _Failed(_chord_error(f"Join error: {exc!r}", exc)) from exc
        if state != SUCCESS:
            error = self._backend.exception_to_python(result)
            raise _Failed(_chord_error(f"Dependency {task_id} raised {error!r}", error))
        return task_id, result

    def _arrange(self, nodes: Any, by_id: Mapping[str, Any]) -> list[Any]:
        """Return the results as the header is nested. A tree is what ``GroupResult.as_tuple()`` gives."""
        arranged = []
        for (node_id, _), children in nodes:
            if children is not None:
                arranged.append(self._arrange(children, by_id))
            elif node_id in by_id:
                arranged.append(by_id[node_id])
            else:
                raise _Failed(ChordError(f"Join error: task {node_id} of the header has not reported"))
        return arranged


def _leaves(nodes: Any) -> Iterator[str]:
    """Yield the ids of the tasks in the nodes of a tree."""
    for (node_id, _), children in nodes:
        if children is None:
            yield node_id
        else:
            yield from _leaves(children)


def takes_results(body: Any) -> bool:
    """Return whether anything in a body that is sent at once takes the header's results.

    >>> from celery import Celery
    >>> app = Celery(set_as_current=False)
    >>> takes_results(app.signature("total")), takes_results(app.signature("total", immutable=True))
    (True, False)
    """
    first = _first(body)
    if body.get("immutable"):
        return False
    return first is None or any(takes_results(one) for one in first)


def _first(signature: Any) -> list[Any] | None:
    """Return the signatures that are sent when a chain, group or chord is; ``None`` for a simple one."""
    kind = signature.get("subtask_type")
    kwargs = signature.get("kwargs") or {}
    if kind == "chain":
        return list(kwargs.get("tasks") or ())[:1]
    if kind == "group":
        return list(kwargs.get("tasks") or ())
    if kind == "chord":
        header = kwargs.get("header") or ()
        return _first(header) if isinstance(header, Mapping) else list(header)
    return None


def _mark(signature: Any, headers: Mapping[str, Any], app: Any) -> None:
    """Add message headers to whatever is sent first when ``signature`` is, keeping those it has."""
    first = _first(signature)
    if first is None:
        options = signature["options"]
        options["headers"] = {**(options.get("headers") or {}), **headers}
    else:
        for one in first:
            _mark(one, headers, app)


def _chord_error(message: str, cause: BaseException | None) -> ChordError:
    error = ChordError(message)
    error.__cause__ = cause
    return error


def _new_token() -> str:
    return uuid.uuid4().hex
