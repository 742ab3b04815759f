"""The checks: what is tried on a live backend, each a function of the subject. All through Celery's own backend API.

A check returns what it saw, in a few words (:class:`~rootcellar.specialist.step.Seen` if there is more to say). It
raises :exc:`~rootcellar.specialist.step.StepFailed` where the backend did something wrong,
:exc:`~rootcellar.specialist.step.StepSkipped` where it does not apply; what a driver or Celery raises comes through.
"""

import time
import traceback
import uuid
from typing import Any
from urllib.parse import urlsplit

from celery import states
from celery.app.backends import by_url
from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar.specialist.facts import facts_of
from rootcellar.specialist.step import Seen, StepFailed, StepSkipped
from rootcellar.specialist.subject import ID_PREFIX, Subject
from rootcellar.urls import PREFIX, parse, redact

GROUP_SIZE = 100
LARGE_BYTES = 1_000_000
#: A value of every kind JSON has.
VALUE: dict[str, Any] = {"answer": 42, "pi": 3.5, "list": [1, "two", None, True], "nested": {"empty": {}}}
UNICODE = 'Rübe, 大根, морковь, \N{SLICE OF PIZZA}, e\N{COMBINING ACUTE ACCENT}, "quoted" \\ and\nmore'


def address(subject: Subject) -> str:
    """Take the URL apart and find the backend it means; nothing is connected."""
    scheme, separator, _ = subject.url.partition("://")
    if not separator:
        raise StepFailed(
            f"{redact(subject.url)!r} is not a URL",
            f"Write it as ENGINE://user:password@host:port/name, for example {PREFIX}redis://localhost:6379/0.",
        )
    if subject.is_ours:
        parse(subject.url)
        return f"{redact(subject.url)}, rootcellar's {type(subject.backend.store).__name__}"
    if scheme in ("rpc", "amqp"):
        raise StepFailed(
            f"{scheme}:// keeps results in queues of the broker, each for the one process that sent the task",
            f"There is no store to test. Results that others must read need one, for example {PREFIX}redis://.",
        )
    for one in subject.url.split(";"):
        if "," not in one:  # which MongoDB takes several hosts with
            urlsplit(one).port  # noqa: B018  # raises where it is none
    try:
        kind, _ = by_url(subject.url, subject.app.loader)
    except ModuleNotFoundError as exc:
        if exc.name != scheme:
            raise
        raise StepFailed(
            f"Celery knows no result backend {scheme!r}",
            "Check the part before ://, and that the package which provides it is installed.",
        ) from exc
    if kind.__name__ == "DisabledBackend":
        raise StepFailed("results are switched off: nothing is kept", f"Name a store, for example {PREFIX}redis://.")
    package = kind.__module__.partition(".")[0]
    return f"{redact(subject.url)}, {'Celery' if package == 'celery' else package}'s {kind.__name__}"


def connects(subject: Subject) -> Seen:
    """Connect and ask the server about itself."""
    facts = facts_of(subject.backend)
    parts = [facts.server, *(f"{name} {value}" for name, value in facts.details.items())]
    return Seen(", ".join(parts), " ".join(facts.warnings))


def writes(subject: Subject) -> str:
    """Store a result."""
    subject.backend.store_result(subject.new_id(), VALUE, states.SUCCESS)
    return "a result was stored"


def reads_back(subject: Subject) -> str:
    """Store a value of every JSON kind and read it back."""
    task_id = subject.new_id()
    subject.backend.store_result(task_id, VALUE, states.SUCCESS)
    meta = subject.meta(task_id)
    _expect(states.SUCCESS, meta["status"], "the state")
    _expect(VALUE, meta["result"], "the result")
    return "equal to what was stored"


def states_in_order(subject: Subject) -> str:
    """Go from PENDING through STARTED and a custom state, with its meta, to SUCCESS."""
    task_id = subject.new_id()
    result = subject.result(task_id)
    _expect(states.PENDING, result.state, "the state before anything is stored")
    subject.backend.mark_as_started(task_id, pid=1, hostname="rootcellar-test")
    _expect(states.STARTED, result.state, "the state")
    progress = {"current": 3, "total": 10}
    subject.backend.store_result(task_id, progress, "PROGRESS")
    _expect("PROGRESS", result.state, "the state")
    _expect(progress, result.info, "the progress")
    subject.backend.mark_as_done(task_id, "done")
    _expect(states.SUCCESS, result.state, "the state")
    return "PENDING, STARTED, PROGRESS with its meta, SUCCESS"


def success_is_final(subject: Subject) -> str:
    """A FAILURE that comes after a SUCCESS (a task delivered twice) must not replace it."""
    task_id = subject.new_id()
    subject.backend.mark_as_done(task_id, "first")
    subject.backend.mark_as_failure(task_id, ValueError("late"), traceback="late")
    meta = subject.meta(task_id)
    if meta["status"] != states.SUCCESS or meta["result"] != "first":
        raise StepFailed(
            f"a late {meta['status']} replaced the SUCCESS",
            "Celery's backend for this store lets a task that is delivered twice change a result somebody may have "
            f"read. rootcellar's, where there is one ({PREFIX} before the URL), does not.",
        )
    return "a late FAILURE changed nothing"


def failure_comes_back(subject: Subject) -> str:
    """Store an exception with its traceback; waiting for it raises the same."""
    task_id = subject.new_id()
    try:
        raise ValueError("the turnip is too big", 7)
    except ValueError as exc:
        stored, text = exc, traceback.format_exc()
    subject.backend.mark_as_failure(task_id, stored, traceback=text)
    result = subject.result(task_id)
    try:
        result.get(timeout=subject.timeout_s)
    except ValueError as exc:
        _expect(stored.args, exc.args, "the exception's arguments")
    except Exception as exc:
        raise StepFailed(f"ValueError came back as {type(exc).__name__}: {exc}") from exc
    else:
        raise StepFailed("a failed task's get() returned instead of raising")
    _expect(text, result.traceback, "the traceback")
    return "ValueError with its arguments and traceback"


def unicode_text(subject: Subject) -> str:
    """Store text from many scripts."""
    return _round_trip(subject, UNICODE, f"{len(UNICODE)} characters of many scripts")


def one_megabyte(subject: Subject) -> str:
    """Store a result of a megabyte."""
    return _round_trip(subject, "0123456789" * (LARGE_BYTES // 10), f"{LARGE_BYTES:,} bytes")


def group(subject: Subject) -> str:
    """Store the results of a group, save the group, restore it, and read all of it at once."""
    ids = [subject.new_id() for _ in range(GROUP_SIZE)]
    for number, task_id in enumerate(ids):
        subject.backend.mark_as_done(task_id, number)
    members = subject.app.GroupResult(ID_PREFIX + str(uuid.uuid4()), [subject.result(task_id) for task_id in ids])
    members.save()
    try:
        restored = subject.app.GroupResult.restore(members.id)
        _expect(ids, [member.id for member in restored or ()], "the saved group")
        began = time.perf_counter()
        _expect(list(range(GROUP_SIZE)), members.get(timeout=subject.timeout_s), "the group's results")
        took_ms = (time.perf_counter() - began) * 1000
    finally:
        members.delete()
    return f"{GROUP_SIZE} results read in {took_ms:.1f} ms"


def expires(subject: Subject) -> str:
    """Store with ``result_expires`` of one second and see the result go."""
    backend = subject.other_backend(result_expires=1, result_failure_expires=None)
    if not subject.is_ours and not backend.supports_autoexpire:
        raise StepSkipped(
            "the server does not expire results by itself; celery.backend_cleanup, run by celery beat, deletes them"
        )
    task_id = subject.new_id()
    began = time.monotonic()
    backend.mark_as_done(task_id, "soon gone")
    _expect(states.SUCCESS, subject.meta(task_id)["status"], "the state at once")
    while subject.meta(task_id)["status"] != states.PENDING:
        if time.monotonic() - began > subject.timeout_s + 1:
            raise StepFailed(
                f"still there {time.monotonic() - began:.1f} s after it was stored with result_expires=1",
                "Results would pile up. Check that the server's clock runs and that nothing resets its expiry.",
            )
        time.sleep(0.02)
    return f"with result_expires=1 it was gone after {time.monotonic() - began:.2f} s"


def forgets(subject: Subject) -> str:
    """Delete a result through ``AsyncResult.forget``."""
    task_id = subject.new_id()
    subject.backend.mark_as_done(task_id, "private")
    subject.result(task_id).forget()
    _expect(states.PENDING, subject.meta(task_id)["status"], "the state after forget()")
    subject.made.pop(task_id)
    return "nothing is left under the id"


def leaves_nothing(subject: Subject) -> str:
    """Delete everything the steps before have stored, and look that it is gone."""
    ids = list(subject.made)
    for task_id in ids:
        subject.forget(task_id)
    left = [task_id for task_id in ids if subject.meta(task_id)["status"] != states.PENDING]
    if left:
        subject.made.update(dict.fromkeys(left))
        raise StepFailed(
            f"{len(left)} of {len(ids)} results could not be deleted", f"Delete what is called {ID_PREFIX}… by hand."
        )
    return f"{len(ids)} test results deleted"


def wake_up(subject: Subject) -> str:
    """See :func:`rootcellar.specialist.waking.wake_up_times`."""
    from rootcellar.specialist.waking import wake_up_times

    try:
        times_ms = [seconds * 1000 for seconds in wake_up_times(subject)]
    except CeleryTimeoutError:
        raise StepFailed(
            f"the waiter was not woken within {subject.timeout_s:g} s of waiting",
            "The result was stored, but waiting for it did not end: notifications do not get through (Redis: the "
            "login needs SUBSCRIBE on the results' channels).",
        ) from None
    shown = ", ".join(f"{one:.1f}" for one in times_ms)
    return f"get() returned {shown} ms after storing began" + (" (it polls)" if min(times_ms) > 20 else "")


def _round_trip(subject: Subject, value: Any, what: str) -> str:
    task_id = subject.new_id()
    subject.backend.mark_as_done(task_id, value)
    got = subject.meta(task_id)["result"]
    if got != value:
        size = f"{len(got):,} of {len(value):,} characters" if isinstance(got, str) else f"a {type(got).__name__}"
        raise StepFailed(
            f"{what} came back changed: {size}", "Check the server's character set and the largest value it takes."
        )
    return what


def _expect(expected: Any, actual: Any, what: str) -> None:
    if expected != actual:
        raise StepFailed(f"{what} should be {_short(expected)}, and is {_short(actual)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
