"""Examinations of the results themselves: can they be read, and what became of one that is named (``--task-id``)?"""

import re
from collections import Counter
from typing import Any

from celery import states

from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.sample import is_pickle, sample
from rootcellar.specialist.doctor.store import neighbours, redis_of
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains, NotExamined, examination
from rootcellar.specialist.profile.shown import shown_url


@examination("undecodable", "Stored results cannot be decoded by this client", needs=("store",), patience=4)
def undecodable(case: Case) -> Answer:
    """They were stored with another serializer, by another version, or are damaged."""
    results = sample(case)
    if not results:
        return NotExamined("no results lie there")
    serializer = str(case.settings.get("result_serializer") or "json")
    pickles = [one for one in results if one.is_pickle]
    if pickles and serializer != "pickle" and not _is_table(case):
        return Explains(
            f"{len(pickles)} of {len(results)} results looked at are pickles; this client reads {serializer}. One is "
            f"{pickles[0].id}.",
            "Set result_serializer json on the workers that store pickles, and restart them. What is stored already "
            "can be read with result_serializer pickle only, which runs what the bytes say.",
            place=case.where("result_serializer"),
        )
    broken = [one for one in results if one.problem]
    if broken:
        what, _ = Counter(one.problem for one in broken).most_common(1)[0]
        return Explains(
            f"{len(broken)} of {len(results)} results looked at cannot be decoded as {serializer} ({what}). One is "
            f"{next(one.id for one in broken if one.problem == what)}.",
            "Give workers and clients one result_serializer, and accept it (result_accept_content). Damaged ones: "
            "forget() them.",
            place=case.where("result_serializer"),
        )
    return Cleared(f"all {len(results)} results looked at can be decoded")


@examination("pickled-rows", "Rows of the results' table are pickles", needs=("store",), patience=4)
def pickled_rows(case: Case) -> Answer:
    """Celery before 5.7 pickles each result on a database, whatever result_serializer says."""
    results = sample(case)
    if not _is_table(case):
        return Cleared("results are not in a table of Celery's")
    pickles = sum(one.is_pickle for one in results)
    if not pickles:
        return Cleared(f"none of {len(results)} rows looked at is a pickle")
    return Explains(
        f"{pickles} of {len(results)} rows looked at are pickles: classes they name must be importable by whoever "
        "reads them.",
        "Return plain data, and bring workers and clients to Celery 5.7, which stores what result_serializer says.",
        is_certain=False,
        place=case.where("result_backend"),
    )


@examination("not-encodable", "Tasks return what the serializer cannot carry", needs=("store",), patience=4)
def not_encodable(case: Case) -> Answer:
    """The worker stores a FAILURE with an EncodeError in the result's place."""
    results = sample(case)
    bad = [one for one in results if one.exception in ("EncodeError", "UnpickleableExceptionWrapper")]
    if not bad:
        return Cleared(f"none of {len(results)} results looked at is an EncodeError")
    words = next((one.words for one in bad if one.words), "")
    return Explains(
        f"{len(bad)} of {len(results)} results looked at are {bad[0].exception}{f' ({words})' if words else ''}: the "
        f"task had succeeded, and its value could not be encoded. One is {bad[0].id}.",
        "Return what JSON has (a list for a set, a dict for an object), or register a type with kombu.serialization.",
    )


@examination("content-refused", "Tasks fail for a content type that is not accepted", needs=("store",), patience=4)
def content_refused(case: Case) -> Answer:
    """accept_content does not hold what was sent."""
    bad = [one for one in sample(case) if one.exception in ("ContentDisallowed", "DecodeError")]
    if not bad:
        return Cleared("no stored result says so")
    return Explains(
        f"{len(bad)} results looked at are {bad[0].exception} {bad[0].words}. One is {bad[0].id}.",
        "Let accept_content and result_accept_content hold the serializer that is used.",
        place=case.where("accept_content"),
    )


@examination("test-value", "A value of JSON does not come back as it was", needs=("store",), patience=3)
def test_value(case: Case) -> Answer:
    """Encoding or decoding fails on this side."""
    from contextlib import suppress

    from rootcellar.specialist import checks
    from rootcellar.specialist.step import StepFailed

    try:
        checks.reads_back(case.subject)
        return Cleared("a test value came back equal")
    except StepFailed as exc:
        return Explains(f"Of a test value, {case.hide(exc.detail)}.", exc.advice)
    except Exception as exc:
        if type(exc).__module__.partition(".")[0] in ("redis", "sqlalchemy", "psycopg", "pymongo"):
            return NotExamined("the store refuses it")
        return Explains(
            f"Storing and reading a test value raised {case.said(exc)}.",
            "Make sure that result_serializer is registered and that result_accept_content accepts it.",
            place=case.where("result_serializer"),
        )
    finally:
        for task_id in list(case.subject.made):
            with suppress(Exception):
                case.subject.forget(task_id)


@examination("task-in-hand", "The task is still to run", needs=("task", "fleet"))
def task_in_hand(case: Case) -> Answer:
    """It is waiting or running, and nothing is lost."""
    held = [one for one in case.fleet.in_hand if one.id == case.task_id]
    if not held:
        return Cleared(f"none of {len(case.fleet.workers)} workers has it in hand")
    words = {"active": "runs it now", "reserved": "has it in reserve", "scheduled": "holds it until its time (eta)"}
    return Explains(
        f"{held[0].worker} {words.get(held[0].where, held[0].where)}: the task {held[0].name} has not ended.",
        "Wait, give it a time limit (task_time_limit), or give the workers more concurrency.",
    )


@examination("task-stored", "What lies under the task's id", needs=("task", "store"), patience=3)
def task_stored(case: Case) -> Answer:
    """The record says what became of the task."""
    raw = _raw(case)
    if raw is not None and is_pickle(raw) and not _is_table(case):
        return Explains(
            "What lies under the id is a pickle, which this client does not read.",
            "Set one result_serializer for workers and clients.",
            place=case.where("result_serializer"),
        )
    try:
        meta = case.subject.meta(case.task_id)
    except Exception as exc:
        return Explains(
            f"A record lies under the id and cannot be read: {type(exc).__name__}.",
            "Set one result_serializer for workers and clients, and accept it (result_accept_content).",
            place=case.where("result_serializer"),
        )
    state = str(meta["status"])
    if state == states.PENDING:
        return Cleared("nothing lies under the id: never stored, expired, evicted, or in another place")
    if state not in states.READY_STATES:
        return Explains(
            f"The record says {state}: the task has begun, and its end was not stored.",
            "See whether its worker still runs it, or died: acks_late and reject_on_worker_lost let another one try.",
        )
    return Cleared(f"a record lies there: {state}{_at(meta)}; the client can read it")


@examination(
    "task-in-other-place", "The result lies in another database or under another prefix", needs=("task", "facts")
)
def task_in_other_place(case: Case) -> Answer:
    """Worker and client do not mean the same place."""
    client = redis_of(case)
    backend = case.plain_subject.backend
    own = backend.get_key_for_task(case.task_id)
    if client.exists(own):
        return Cleared("it lies where the client reads")
    ending = f"celery-task-meta-{case.task_id}"
    places: list[tuple[int | None, Any]] = [(None, client), *neighbours(case, case.facts)]
    for number, one in places:
        key = _key_that_ends(one, ending)
        if key is None:
            continue
        prefix = key.removesuffix(ending)
        where = f"in database {number}" if number is not None else "in this database"
        under = f", under the prefix {prefix!r}" if prefix else ""
        return Explains(
            f"The result lies {where} of the same Redis{under}; the client reads {shown_url(case.url)}"
            f"{' without that prefix' if prefix else ''}.",
            "Give worker and client the same result_backend and the same global_keyprefix "
            "(result_backend_transport_options); restart both.",
            place=case.where("result_backend"),
        )
    return Cleared("it lies in no other database of this Redis")


def _key_that_ends(client: Any, ending: str) -> str | None:
    if client.exists(ending):
        return ending
    pattern = "*" + re.sub(r"([*?\[\]\\^])", r"\\\1", ending)
    cursor = 0
    for _ in range(50):
        cursor, found = client.scan(cursor, match=pattern, count=1_000)
        if found:
            return str(found[0].decode("utf-8", "replace"))
        if not cursor:
            break
    return None


def _raw(case: Case) -> bytes | None:
    """Return the bytes under the task's id; ``None`` where there are none or they are not to be had."""
    try:
        raw = redis_of(case).get(case.plain_subject.backend.get_key_for_task(case.task_id))
    except Absent:
        return None
    return raw if isinstance(raw, bytes) else None


def _is_table(case: Case) -> bool:
    return case.engine.name == "database"


def _at(meta: Any) -> str:
    done = meta.get("date_done")
    return f", stored at {str(done)[:19]}" if done else ""
