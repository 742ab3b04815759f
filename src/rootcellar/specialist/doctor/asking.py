"""Asking: a case's result store, its workers and its servers, each bounded; what does not answer is absent."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rootcellar.specialist import checks
from rootcellar.specialist.advice import advice_on
from rootcellar.specialist.doctor.fleet import ROUNDS, Asker, Fleet
from rootcellar.specialist.probing import probe_url
from rootcellar.specialist.profile.address import Address, address_of
from rootcellar.specialist.profile.shown import shown_url
from rootcellar.specialist.runner import Hung
from rootcellar.specialist.step import StepFailed
from rootcellar.specialist.subject import Subject

if TYPE_CHECKING:
    from rootcellar.specialist.doctor.case import Case

#: How many queues' lengths are asked for.
_MOST_QUEUES = 20
_HANGS = "The server hangs, is overloaded, or is far away: look at it, or give more time (--timeout)."


class Absent(Exception):
    """Something live that is needed is not there, or cannot be asked; the message says why, without a secret."""

    def __init__(self, why: str, mend: str = "", *, is_proven: bool = False, is_empty: bool = False) -> None:
        super().__init__(why)
        self.mend = mend
        #: the server answers, and nothing was ever stored there
        self.is_empty = is_empty
        #: it was asked and did not answer, and is not merely unknown
        self.is_proven = is_proven


def ask_store(case: "Case") -> str:
    """Return what the result store's server says it is. See :attr:`.Case.store`."""
    subject = case.subject

    def connect() -> str:
        _refuse_empty(case, subject)
        return str(checks.connects(subject).detail)

    try:
        checks.address(subject)
        return case.call(connect)
    except Absent:
        raise
    except StepFailed as exc:
        raise Absent(case.hide(exc.detail), exc.advice, is_proven=True) from exc
    except Hung as exc:
        raise Absent(f"{shown_url(case.url)} gives {exc}", _HANGS, is_proven=True) from exc
    except Exception as exc:
        said = f"{shown_url(case.url)} says {case.said(exc)}"
        raise Absent(said, advice_on(exc), is_proven=_is_proof(case, exc, case.address)) from exc


def _is_proof(case: "Case", exc: Exception, address: Address) -> bool:
    """Whether an error says something of the project, and not of where this is run.

    Without the app itself, neither a driver that is not installed here nor a name of the project's own network does.
    """
    if case.loaded is not None:
        return True
    if isinstance(exc, ImportError) or "No module named" in str(exc) or "need to install" in str(exc):
        return False
    return not (address.is_neighbour and advice_on(exc).startswith("Check the host name"))


def _refuse_empty(case: "Case", subject: Subject) -> None:
    """Refuse a database without the results' table, which Celery and the stores make at their first use."""
    if subject.is_ours:
        store = subject.backend.store
        is_empty = hasattr(store, "schema_version") and store.schema_version() is None
    elif case.engine.name in ("database", "mongodb"):
        kind, facts, error = probe_url(case.url, case.settings, case.timeout_s)
        is_empty = not error and (
            ("table" in facts and facts["table"] is None) or (kind == "mongodb" and not facts.get("indexed"))
        )
    else:
        is_empty = False
    if is_empty:
        raise Absent(
            f"{shown_url(case.url)} has no results' table or collection: nothing was ever stored there, and it is "
            "not made now",
            is_empty=True,
        )


def ask_fleet(case: "Case") -> Fleet:
    """Return the workers that answer. See :attr:`.Case.fleet`."""
    if not case.broker_url:
        raise Absent("the broker is not known from the files: name the app with -A")
    if case.broker_url.startswith(("memory:", "filesystem:")):
        raise Absent("workers cannot be asked through this broker")
    waiting = list(_queues(case))[:_MOST_QUEUES]

    def ask() -> Fleet:
        return Asker(case.client, case.broker_url, case.timeout_s).ask(iter(waiting))

    try:
        return case.call(ask, patience=ROUNDS * 2)
    except Hung as exc:
        raise Absent(f"the broker gives {exc}", _HANGS, is_proven=True) from exc
    except Exception as exc:
        said = f"the broker {shown_url(case.broker_url)} says {case.said(exc)}"
        advice = advice_on(exc).replace("result_backend", "broker_url")
        raise Absent(said, advice, is_proven=_is_proof(case, exc, address_of(case.broker_url))) from exc


def _queues(case: "Case") -> Iterator[str]:
    names = [case.queue_of(task) for task in case.task_names]
    yield from dict.fromkeys([*names, str(case.client.conf.task_default_queue)])


def ask_facts(case: "Case") -> Mapping[str, Any]:
    """Return what the result store's server says of itself. See :attr:`.Case.facts`."""
    _ = case.store
    kind, facts, error = probe_url(case.url, case.settings, case.timeout_s)
    if not kind:
        raise Absent(f"servers of this kind are not asked: {case.engine.label}")
    if error:
        raise Absent(case.hide(error))
    return facts


def refuse_missing_file(path: str) -> None:
    """Raise :exc:`Absent` for a SQLite file that is not there, which connecting would make."""
    if path and path != ":memory:" and not Path(path).exists():
        raise Absent(
            f"there is no SQLite file {Path(path).name}: nothing was ever stored there, and it is not made now",
            is_empty=True,
        )


def let_go(subject: Subject) -> None:
    """Close what a backend of Celery's leaves open, and would open again."""
    backend = subject.backend
    consumer = getattr(backend, "result_consumer", None)
    if consumer is not None:
        # Results that nobody has waited for to the end unsubscribe when they are collected, after all is closed.
        consumer.cancel_for = lambda task_id: None
    client = getattr(backend, "_connection", None)  # MongoDB's
    if client is not None:
        client.close()
