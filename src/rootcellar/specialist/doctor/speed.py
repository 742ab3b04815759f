"""Examinations of time: how long the store takes to answer, and how long a waiter waits after a result is stored."""

import statistics
import time
from contextlib import suppress

from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains, examination
from rootcellar.specialist.profile.shown import shown_url
from rootcellar.specialist.waking import wake_up_times

_ROUNDS = 5
#: Reading one result takes a millisecond or a few next door, and as many as this to another continent.
_SLOW_S = 0.05
#: A waiter that is notified goes on within milliseconds.
_POLLING_S = 0.1


@examination("slow-store", "The result store answers slowly", needs=("store",), patience=6)
def slow_store(case: Case) -> Answer:
    """Each store, read and state of a task waits for it."""
    subject = case.subject
    task_id = subject.new_id()
    try:
        subject.meta(task_id)  # connects
        reads = [_seconds(lambda: subject.meta(task_id)) for _ in range(_ROUNDS)]
        stores = [_seconds(lambda: subject.backend.store_result(task_id, "a test", "PROGRESS")) for _ in range(_ROUNDS)]
    finally:
        with suppress(Exception):
            subject.forget(task_id)
    read, stored = statistics.median(reads), statistics.median(stores)
    seen = f"reading a result takes {read * 1000:.1f} ms, storing one {stored * 1000:.1f} ms (medians of {_ROUNDS})"
    if max(read, stored) < _SLOW_S:
        return Cleared(seen)
    return Explains(
        f"From here, {seen}: {shown_url(case.url)}.",
        "Bring the store next to workers and clients, look at what stands in between (proxy, VPN, TLS handshakes), and "
        "at the server's own load and slow log.",
        place=case.where("result_backend"),
    )


@examination("polling", "Waiting polls", needs=("store",), patience=6)
def polling(case: Case) -> Answer:
    """A waiter asks now and then, and is not told."""
    if _waits(case) is False:
        return Cleared("nothing in the project waits for results")
    subject = case.subject
    try:
        times = wake_up_times(subject)
    except CeleryTimeoutError:
        return Explains(
            f"A result was stored, and a waiter was not woken within {subject.timeout_s:g} s.",
            "Notifications do not get through: on Redis the login needs SUBSCRIBE on the results' channels "
            "(ACL &celery-task-meta-*), and what stands in between must let them pass.",
            place=case.where("result_backend"),
        )
    finally:
        for task_id in list(subject.made):
            with suppress(Exception):
                subject.forget(task_id)
    shown = ", ".join(f"{one * 1000:.0f}" for one in times)
    if max(times, default=0.0) < _POLLING_S:
        return Cleared(f"a waiter went on {shown} ms after the result was stored")
    polls = case.engine.abilities.waiting == "polled"
    return Explains(
        f"A waiter went on {shown} ms after the result was stored"
        + (f": {case.engine.label} polls, twice a second unless get(interval=…) says otherwise." if polls else "."),
        "Use a store that wakes waiters: rootcellar's for this engine (cellar+ before the URL) does, and so does "
        "Celery's Redis backend."
        if polls
        else "Look at what delays notifications: the server's load, and what stands between.",
        place=case.where("result_backend"),
    )


@examination("connection-per-call", "Each read opens a connection", needs=("store",), patience=4)
def connection_per_call(case: Case) -> Answer:
    """Celery's database backend pools connections in forked workers only."""
    backend = case.subject.backend
    if not hasattr(backend, "ResultSession"):
        return Cleared("connections are kept")
    session = backend.ResultSession()
    try:
        engine = session.get_bind()
        pool = type(engine.pool).__name__
    finally:
        session.close()
    if pool != "NullPool":
        return Cleared(f"connections are kept (SQLAlchemy's {pool})")
    if engine.dialect.name == "sqlite":
        return Cleared("opening a SQLite file costs next to nothing")
    connect = statistics.median(_seconds(lambda: engine.connect().close()) for _ in range(3))
    read = statistics.median(_seconds(lambda: case.subject.meta("rootcellar-test-nobody")) for _ in range(3))
    return Explains(
        f"Outside a forked worker {case.engine.label} opens a connection for each call (SQLAlchemy's NullPool): of "
        f"{read * 1000:.1f} ms for a read, connecting takes {connect * 1000:.1f} ms.",
        "Read results through rootcellar's backend (cellar+ before the URL), which pools everywhere, or put a pooler "
        "(PgBouncer, ProxySQL) next to the processes.",
        place=case.where("result_backend"),
    )


def _waits(case: Case) -> bool | None:
    """Whether the project waits for results; ``None``: it is not known how it uses them."""
    if case.app is None or not case.project.uses(case.app):
        return None
    return bool(case.project.uses(case.app, "get", "join", "poll", "then", "chord"))


def _seconds(call: object) -> float:
    began = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - began
