"""Examinations of chords: which are open, which of their members have reported, and what became of the others."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.fleet import InHand
from rootcellar.specialist.doctor.sample import is_pickle, sample
from rootcellar.specialist.doctor.store import redis_of
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains, NotExamined, examination
from rootcellar.specialist.doctor.words import counted

_MOST = 50
_MOST_MEMBERS = 200
_UNLOCK = "celery.chord_unlock"
_OLD_S = 3_600


@dataclass(frozen=True, slots=True)
class Open:
    """A chord whose body has not been sent. ``size``: how many parts there must be; ``None``: nobody knows any more."""

    id: str
    size: int | None
    ready: int
    #: how long ago it began; ``None``: that cannot be told
    age_s: float | None = None
    #: members that have reported → their states
    reported: Mapping[str, str] = field(default_factory=dict)


@examination("chords-unsupported", "This result store has no chords")
def chords_unsupported(case: Case) -> Answer:
    """Celery refuses a chord on it when it is sent, or its body never runs."""
    engine = case.engine
    if engine.name == "unknown":
        return NotExamined("result_backend is not known: name the app with -A")
    if engine.abilities.chords != "none":
        return Cleared(f"{engine.label} has chords: {engine.abilities.chords}")
    if case.app is not None and case.project.uses(case.app) and not case.project.uses(case.app, "chord"):
        return Cleared("the project has no chords")
    return Explains(
        f"Results go to {engine.label}, which cannot run a chord.",
        "Name a store in result_backend, such as redis:// or a database.",
        place=case.where("result_backend"),
    )


@examination(
    "open-chords", "A chord waits for parts that nobody will report", needs=("store",), wants=("fleet",), patience=4
)
def open_chords(case: Case) -> Answer:
    """Its parts are counted as the members end; one that never ends, or whose part is lost, keeps the count short."""
    chords = list(_open_in_redis(case))
    # After an error Celery 5.7 drops the size itself: the chord is over.
    sizeless = [one for one in chords if one.size is None and set(one.reported.values()) == {"SUCCESS"}]
    waiting = [one for one in chords if one.size is not None and one.ready < one.size]
    if sizeless:
        return Explains(
            f"{len(sizeless)} chords have parts and no size any more, {sizeless[0].id} one of them: the key that says "
            "how many parts there must be has expired or was evicted, so the body will never be sent.",
            "Let chords' keys live longer than the longest chord (result_chord_expires or result_expires), and set "
            "maxmemory-policy noeviction.",
            place=case.where("result_expires"),
        )
    if not waiting:
        return Cleared(f"{counted(len(chords), 'open chord')}, and none lacks a part")
    chord = max(waiting, key=lambda one: one.age_s or 0)
    others = f" ({len(waiting) - 1} more are open.)" if len(waiting) > 1 else ""
    idle = _idle(case)
    culprits = _silent_members(case, chord)
    is_certain = bool(culprits) or idle is True or (idle is None and (chord.age_s or 0) > _OLD_S)
    nothing = " No worker has a task in hand, and no message waits, that could report the rest." if idle else ""
    return Explains(
        f"Chord {chord.id} has {chord.ready} of {chord.size} parts.{culprits}{nothing}{others}",
        "Send the missing members again, or the body by hand. Give members a time limit, let them fail rather than "
        "revoke them, and never let one ignore its result."
        if is_certain
        else "Its members may still be running: look again, with -A so that the workers are asked.",
        is_certain=is_certain,
    )


@examination("unlock-in-vain", "celery.chord_unlock tries again and again", needs=("store", "fleet"), patience=4)
def unlock_in_vain(case: Case) -> Answer:
    """On stores without native chords a task asks for the members' states until all are there."""
    unlocks = [one for one in case.fleet.in_hand if one.name == _UNLOCK]
    if not unlocks:
        return Cleared(f"no worker has a {_UNLOCK} in hand")
    for unlock in unlocks[:_MOST]:
        members = list(_members(unlock))[:_MOST_MEMBERS]
        states = {member: str(case.subject.meta(member)["status"]) for member in members}
        missing = {member: state for member, state in states.items() if state not in ("SUCCESS", "FAILURE", "REVOKED")}
        running = {one.id for one in case.fleet.in_hand}
        lost = {member: state for member, state in missing.items() if member not in running}
        if lost and _idle(case):
            member, state = next(iter(lost.items()))
            return Explains(
                f"{unlock.worker} asks again and again for chord {_id(unlock)}: {len(lost)} of {len(members)} members "
                f"are not ready, {member} ({state}) one of them, and no worker has them in hand.{_ignored(case)}",
                "Such members store nothing: they ignore their results (ignore_result, task_ignore_result at the "
                "worker), were lost, or their results have expired. Let them store results; end this chord by "
                "revoking its chord_unlock.",
            )
    return Cleared(f"{len(unlocks)} {_UNLOCK} wait for members that are still to run")


@examination("members-ignored", "Members of chords ignore their results", needs=("fleet",))
def members_ignored(case: Case) -> Answer:
    """A member that stores nothing is never ready."""
    fleet = case.fleet
    if not fleet.workers:
        return NotExamined("no worker answers")
    if case.engine.abilities.chords != "polled":
        return Cleared(f"{case.engine.label} counts members as they return, whether they store a result or not")
    members = {
        name for use in (case.project.uses(case.app, "chord") if case.app is not None else ()) for name in use.tasks
    }
    for worker in fleet.workers:
        ignoring = sorted(name for name in members if worker.tasks.get(name, {}).get("ignore_result") == "True")
        if ignoring:
            return Explains(
                f"{', '.join(ignoring)}, a member of chords, has ignore_result=True at {worker.name}: "
                f"{_UNLOCK} waits for its result for ever.",
                "Take ignore_result=True off, and task_ignore_result at the worker.",
                place=case.where("task_ignore_result"),
            )
    return Cleared(f"{counted(len(members), 'task')} known as a member; none ignores its result")


@examination("chord-errors", "Chords have failed", needs=("store",), patience=4)
def chord_errors(case: Case) -> Answer:
    """The body's result is a ChordError, and who waits for something else does not see it."""
    bad = [one for one in sample(case) if one.exception == "ChordError"]
    if not bad:
        return Cleared("no result that was looked at is a ChordError")
    words = next((one.words for one in bad if one.words), "")
    return Explains(
        f"{len(bad)} results looked at are ChordErrors{f' ({words})' if words else ''}, {bad[0].id} one of them: a "
        "member failed or was revoked, or its result could not be joined in time, and the body was not run.",
        "Look at the members' own results. Give joining more time (result_chord_join_timeout, 3 s unless set), or let "
        "the body take errors as values (members that do not raise).",
    )


@examination("ledger-overdue", "A chord is past its deadline", needs=("store",))
def ledger_overdue(case: Case) -> Answer:
    """Of rootcellar's stores the ledger knows which chords must be looked at."""
    if not case.subject.is_ours:
        return Cleared("results are not in a store of rootcellar's")
    due = case.subject.backend.store.chords.due()
    if not due:
        return Cleared("no chord is overdue")
    return Explains(
        f"{len(due)} chords are overdue, or complete and not yet finished, {due[0]} one of them: no worker has taken "
        "care of them.",
        "Run a worker on this result_backend: its housekeeper ends overdue chords.",
        is_certain=False,
    )


def _open_in_redis(case: Case) -> Iterator[Open]:
    client = redis_of(case)
    backend = case.plain_subject.backend
    found: dict[str, None] = {}
    cursor = 0
    for _ in range(20):
        cursor, keys = client.scan(cursor, match=b"*celery-taskset-meta-*.[js]", count=500)
        for key in keys:
            if key.startswith(backend.group_keyprefix):
                found[key.removeprefix(backend.group_keyprefix)[:-2].decode("utf-8", "replace")] = None
        if not cursor or len(found) >= _MOST:
            break
    for chord_id in list(found)[:_MOST]:
        with suppress(ValueError):
            yield _one(case, client, backend, chord_id)


def _one(case: Case, client: Any, backend: Any, chord_id: str) -> Open:
    size, more = (
        client.get(backend.get_key_for_group(chord_id, ".s")),
        client.get(backend.get_key_for_group(chord_id, ".t")),
    )
    parts_key = backend.get_key_for_group(chord_id, ".j")
    kind = client.type(parts_key)
    kind = kind.decode() if isinstance(kind, bytes) else kind
    raw: list[bytes] = []
    ready = 0
    if kind == "zset":
        ready, raw = client.zcard(parts_key), client.zrange(parts_key, 0, _MOST_MEMBERS)
    elif kind == "list":
        ready, raw = client.llen(parts_key), client.lrange(parts_key, 0, _MOST_MEMBERS)
    expires, ttl = case.expires_s, client.ttl(backend.get_key_for_group(chord_id, ".s"))
    is_told = expires is not None and ttl >= 0 and not case.settings.get("result_chord_expires")
    return Open(
        chord_id,
        int(size) + int(more or 0) if size is not None else None,
        int(ready),
        expires - ttl if is_told and expires is not None else None,
        dict(_parts(backend, raw)),
    )


def _parts(backend: Any, raw: list[bytes]) -> Iterator[tuple[str, str]]:
    for one in raw:
        if is_pickle(one):
            continue
        with suppress(Exception):
            _, task_id, state, _ = backend.decode(one)
            yield str(task_id), str(state)


def _silent_members(case: Case, chord: Open) -> str:
    """Return in words the stored results of members that have ended and have not reported, as far as they are known."""
    try:
        ended = [one for one in sample(case) if one.group == chord.id and one.id not in chord.reported]
    except Absent:
        return ""
    silent = [one for one in ended if one.state in ("REVOKED", "FAILURE", "SUCCESS")]
    if not silent:
        return ""
    states = sorted({one.state for one in silent})
    return f" Its member {silent[0].id} is {', '.join(states)} and is not counted."


def _idle(case: Case) -> bool | None:
    """Whether no worker has a task in hand and no message waits; ``None``: the workers cannot be asked."""
    try:
        fleet = case.fleet
    except Absent:
        return None
    if not fleet.workers:
        return None
    at_work = [one for one in fleet.in_hand if one.name != _UNLOCK]
    return not at_work and not any(number for queue, number in fleet.waiting.items() if queue in fleet.queues)


def _members(unlock: InHand) -> Iterator[str]:
    for one in unlock.kwargs.get("result") or ():
        with suppress(TypeError, IndexError, KeyError):
            yield str(one[0][0])


def _id(unlock: InHand) -> str:
    return str(unlock.args[0]) if unlock.args and isinstance(unlock.args[0], str) else unlock.id


def _ignored(case: Case) -> str:
    worker = next((one for one in case.fleet.workers if one.ignores_results), None)
    return f" {worker.name} runs with task_ignore_result=True." if worker is not None else ""
