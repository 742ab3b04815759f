"""Bodies: what follows when a chord is complete. Whoever holds the claim collects the results and sends the body."""

import logging
import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from celery.canvas import maybe_signature
from celery.exceptions import ChordError, SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from rootcellar.backend.signatures import add_headers, ends_of, takes_results
from rootcellar.codec import Codec
from rootcellar.errors import DecodeError, RootcellarError
from rootcellar.record import FAILURE, FINAL_STATES, SUCCESS
from rootcellar.retention import DAY_S
from rootcellar.settings import Settings
from rootcellar.spool.retry import AWAY
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import BODY_MARK_S, Claim

if TYPE_CHECKING:
    from rootcellar.backend.chords import Chords

logger = logging.getLogger(__name__)

#: The message header that says which chord a body belongs to, the claim it was sent under, and the chord's run.
HEADER = "cellar_chord"
#: How long a chord is left alone whose body could not be sent: the broker was away, or something was wrong.
BROKER_PAUSE_S = 2.0
DEFECT_PAUSE_S = 60.0
#: The longest that is remembered of a chord that is over.
_MARK_MOST_S = 30 * DAY_S
#: A body of so many messages, or more, gets a longer lease: so long for each.
_MANY = 100
_MESSAGE_S = 0.02


class _Failed(Exception):
    """The chord cannot have its body: ``error`` says why, as Celery would."""

    def __init__(self, error: ChordError) -> None:
        super().__init__(str(error))
        self.error = error


class _Incomplete(Exception):
    """A member of a nested header has not reported yet, although as many have as were announced."""


class _Lost(Exception):
    """Somebody else has taken over."""


class Bodies:
    """Sends the bodies of one backend's chords."""

    def __init__(self, chords: "Chords", backend: Any, store: Store, settings: Settings, documents: Codec) -> None:
        """``documents`` reads what :class:`Chords` keeps of a chord from its beginning."""
        self._chords = chords
        self._app = backend.app
        self._backend = backend
        self._store = store
        self._codec = settings.codec
        self._documents = documents
        self._lease_s = settings.chords.lease_s
        # As long as a part may be on its way: in a broker, or in the spool of a host that is down.
        self._mark_s = max(BODY_MARK_S, min(settings.retention.expires_s or _MARK_MOST_S, _MARK_MOST_S))
        self._local = threading.local()

    @property
    def publishing(self) -> str | None:
        """Which chord's body this thread is sending now. If that is a chord, whoever takes over sends the same one."""
        return getattr(self._local, "publishing", None)

    def finish(self, claim: Claim, body: Any = None) -> None:
        """Send the body of a chord that is complete, or end it with an error. Never raises: the next one takes over.

        ``body`` is the signature that the last member's message brought; without it, the one that was kept.
        """
        document = self._read(claim)
        try:
            self._finish(claim, body, document)
        except _Lost:
            logger.warning("Chord %s took too long to collect: another worker has taken over", claim.chord_id)
        except _Incomplete as exc:
            logger.debug("Chord %s is not complete yet: %s", claim.chord_id, exc)
            self._release(claim, 0)  # the next to report gets it
        except OperationalError as exc:
            logger.warning("Chord %s: the broker does not take its body, which is tried again: %s", claim.chord_id, exc)
            self._release(claim, BROKER_PAUSE_S)
        except RootcellarError as exc:
            logger.warning("Chord %s: the store was away while its body was being sent: %s", claim.chord_id, exc)
        except Exception:
            logger.exception("Chord %s could not be finished, which is tried again", claim.chord_id)
            self._release(claim, DEFECT_PAUSE_S)

    def _read(self, claim: Claim) -> Mapping[str, Any]:
        try:
            document = self._documents.decode(claim.document) if claim.document is not None else {}
        except DecodeError as exc:
            logger.error("What is kept of chord %s cannot be read: %s", claim.chord_id, exc)
            return {}
        return document if isinstance(document, Mapping) else {}

    def _release(self, claim: Claim, retry_s: float) -> None:
        try:
            self._store.chords.release(claim, retry_s)
        except RootcellarError as exc:
            logger.warning("Chord %s is tried again when its lease is over: %s", claim.chord_id, exc)

    def _finish(self, claim: Claim, body: Any, document: Mapping[str, Any]) -> None:
        is_stub = body is None and bool(document.get("is_stub"))
        body = maybe_signature(document.get("body") if body is None else body, app=self._app)
        if body is None:
            logger.error("Chord %s cannot be finished: its body is not known here, and was not kept.", claim.chord_id)
        elif not (claim.is_overdue and self._is_over_already(claim, body, document)):
            try:
                self._send(claim, body, document, is_stub)
            except _Failed as failed:
                logger.error("Chord %s failed: %s", claim.chord_id, failed.error)
                self._fail(body, failed.error)
        self._store.chords.finish(claim, self._mark_s)

    def _is_over_already(self, claim: Claim, body: Any, document: Mapping[str, Any]) -> bool:
        """Return whether an overdue chord only seems to be: a part was delivered after all marks of it had gone."""
        if claim.size is None and "header" not in document:
            return True
        body_id = body.options.get("task_id")
        return bool(body_id) and self._store.states((body_id,)).get(body_id) in FINAL_STATES

    def _fail(self, body: Any, failed: ChordError) -> None:
        """End a chord as Celery does, errbacks included, and tell the chord that its body is a member of."""
        try:
            raise failed from failed.__cause__  # Celery takes the traceback of what is being handled
        except ChordError as error:
            self._backend.chord_error_from_stack(body, error)
            self._chords.give_up((body,), FAILURE, error)
            # Celery does not go into a body that is a chord; somebody waits for what that ends in.
            ids = [member.id for member in ends_of((body,))]
            states = self._store.states(ids)
            for task_id in ids:
                if states.get(task_id) not in FINAL_STATES:
                    self._backend.store_result(task_id, error, FAILURE)

    # -- sending ------------------------------------------------------------------------------------------------------

    def _send(self, claim: Claim, body: Any, document: Mapping[str, Any], is_stub: bool) -> None:
        started = time.monotonic()
        try:
            arguments = self._collect(claim, body, document)
        except DecodeError as exc:
            raise _Failed(_chord_error(f"Join error: {exc!r}", exc)) from exc
        if is_stub:
            raise _Failed(ChordError("The worker that could have sent the body died, its arguments with it"))
        run = document.get("run") or ""
        messages = add_headers(body, {HEADER: [claim.chord_id, claim.token, run]})
        took_s = time.monotonic() - started
        if took_s > self._lease_s / 3 or messages >= _MANY:
            lease_s = self._lease_s + messages * _MESSAGE_S
            if not self._store.chords.renew(claim, lease_s):
                raise _Lost
        # The same for whoever takes over, and another one when the chord is applied again.
        self._local.publishing = f"{claim.chord_id}/{run}" if run else None
        try:
            body.apply_async(arguments)
        except (*AWAY, SoftTimeLimitExceeded):
            raise  # it may have been sent: the next one who sends it does so under another claim
        except OperationalError as exc:
            if document.get("body") and not document.get("is_stub"):
                raise
            raise _Failed(_chord_error(f"Callback error: {exc!r}", exc)) from exc  # nobody else can try again
        except Exception as exc:
            raise _Failed(_chord_error(f"Callback error: {exc!r}", exc)) from exc
        finally:
            self._local.publishing = None

    # -- collecting ---------------------------------------------------------------------------------------------------

    def _collect(self, claim: Claim, body: Any, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the body's arguments: the list of the members' results, or nothing where the body takes none."""
        if claim.is_overdue:
            size = "?" if claim.size is None else claim.size
            raise _Failed(
                ChordError(f"Only {claim.ready} of {size} tasks had ended when cellar_chord_deadline was over")
            )
        is_taken = takes_results(body)
        tree = document["header"] if "header" in document else self._saved_tree(claim.chord_id)
        if tree is None and not is_taken:
            payload = self._store.chords.failed(claim.chord_id)
            if payload is not None:
                self._result(payload)
            return ()
        leaves = () if tree is None else tuple(_leaves(tree[1]))
        may_wait = time.time() < (document.get("deadline_at") or math.inf)
        if claim.ready < len(set(leaves)) and may_wait:
            raise _Incomplete(f"{claim.ready} of {len(leaves)} tasks of the header have reported")
        results, by_id = self._results(claim.chord_id)
        # Before Celery 5.7, a group inside that is sent late says how many members *it* has, as if that were all.
        missing = next((task_id for task_id in leaves if task_id not in by_id), None)
        if missing is not None:
            if may_wait:
                raise _Incomplete(f"task {missing} of the header has not reported")
            raise _Failed(ChordError(f"Join error: task {missing} of the header has not reported"))
        if not is_taken:
            return ()
        return (results if tree is None else _arrange(tree[1], by_id),)

    def _results(self, chord_id: str) -> tuple[list[Any], dict[str, Any]]:
        results, by_id = [], {}
        for payloads in self._store.chords.parts(chord_id):
            for payload in payloads:
                task_id, result = self._result(payload)
                results.append(result)
                by_id[task_id] = result
        return results, by_id

    def _saved_tree(self, chord_id: str) -> Any:
        """Return how a header is nested, if a client on Celery's own backend has said so; ``None``: it is flat."""
        payload = self._store.group_get(chord_id)
        return None if payload is None else self._codec.decode(payload)["result"]

    def _result(self, payload: bytes) -> tuple[str, Any]:
        try:
            _, task_id, state, result = self._codec.decode(payload)
        except (RootcellarError, TypeError, ValueError) as exc:
            raise _Failed(_chord_error(f"Join error: {exc!r}", exc)) from exc
        if state == SUCCESS:
            return task_id, result
        try:
            error = self._backend.exception_to_python(result)
            said = f"raised {error!r}"
        except Exception as exc:  # its class is the project's own code
            error, said = None, f"ended as {state}, and what it raised cannot be shown: {type(exc).__name__}"
        raise _Failed(_chord_error(f"Dependency {task_id} {said}", error))


def _leaves(nodes: Any) -> Iterator[str]:
    """Yield the ids of the tasks in the nodes of a tree, which is what ``GroupResult.as_tuple()`` gives."""
    for (node_id, _), children in nodes:
        if children is None:
            yield node_id
        else:
            yield from _leaves(children)


def _arrange(nodes: Any, by_id: Mapping[str, Any]) -> list[Any]:
    """Return the results as the header is nested."""
    return [by_id[node_id] if children is None else _arrange(children, by_id) for (node_id, _), children in nodes]


def _chord_error(message: str, cause: BaseException | None) -> ChordError:
    error = ChordError(message)
    error.__cause__ = cause
    return error
