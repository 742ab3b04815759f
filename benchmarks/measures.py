"""What is measured on one backend, inside the process that holds it. One turn each; the callers take medians."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from uuid import uuid4

from celery import Celery, states
from celery.result import AsyncResult, GroupResult

from benchmarks.sample import RESULT

PATIENCE_S = 60.0


@dataclass
class Subject:
    """A backend, and the ids stored through it in this process."""

    app: Celery
    backend: Any
    ids: list[str] = field(default_factory=list)


def subject(url: str) -> Subject:
    """Build an app whose results go to ``url``, and its backend."""
    app = Celery("benchmarks", broker="memory://", backend=url, set_as_current=False)
    return Subject(app, app.backend)


def connect(subject: Subject, *, forked: bool) -> None:
    """Have the connections made and the tables created, and see to it that we measure what we say."""
    sessions = getattr(subject.backend, "session_manager", None)
    if sessions is not None and sessions.forked is not forked:
        raise RuntimeError("Celery's database backend does not believe what we say about the fork.")
    for _ in range(3):
        task_id = str(uuid4())
        subject.backend.store_result(task_id, RESULT, states.SUCCESS)
        if AsyncResult(task_id, app=subject.app).get(timeout=PATIENCE_S) != RESULT:
            raise RuntimeError("The backend returned something else than was stored.")


def store(subject: Subject, seconds: float) -> float:
    """Store results under new ids for ``seconds``; return how many a second."""
    ids = [str(uuid4()) for _ in range(int(seconds * 50_000))]
    store_result = subject.backend.store_result
    done = 0
    begin = time.perf_counter()
    end = begin + seconds
    now = begin
    for task_id in ids:
        store_result(task_id, RESULT, states.SUCCESS)
        done += 1
        now = time.perf_counter()
        if now >= end:
            break
    subject.ids.extend(ids[:done])
    return done / (now - begin)


def get(subject: Subject, seconds: float) -> float:
    """Read the results this process has stored for ``seconds``; return how many a second."""
    get_task_meta = subject.backend.get_task_meta
    done = 0
    begin = time.perf_counter()
    end = begin + seconds
    now = begin
    for task_id in cycle(subject.ids):
        meta = get_task_meta(task_id)
        done += 1
        now = time.perf_counter()
        if now >= end:
            break
    if meta["result"] != RESULT:
        raise RuntimeError("The backend returned something else than was stored.")
    return done / (now - begin)


def fill(subject: Subject, ids: Sequence[str]) -> None:
    """Store a result under each id."""
    for task_id in ids:
        subject.backend.store_result(task_id, RESULT, states.SUCCESS)


def join_group(subject: Subject, ids: Sequence[str]) -> float:
    """Return how many seconds ``GroupResult.get()`` takes when all its results are there already."""
    group = GroupResult(str(uuid4()), [AsyncResult(i, app=subject.app) for i in ids], app=subject.app)
    gc.collect()
    begin = time.perf_counter()
    values = group.get(timeout=PATIENCE_S)
    took_s = time.perf_counter() - begin
    if len(values) != len(ids):
        raise RuntimeError("The group did not return all its results.")
    return took_s


def wake_up(subject: Subject, task_id: str) -> float:
    """Wait for a result that says when it was stored; return how many seconds ago that was when we had it."""
    result = AsyncResult(task_id, app=subject.app)
    stored_at = result.get(timeout=PATIENCE_S)
    return time.monotonic() - float(stored_at)  # CLOCK_MONOTONIC is one for the whole machine


def store_after(subject: Subject, task_id: str, pause_s: float) -> None:
    """Store the time of storing, after a pause."""
    time.sleep(pause_s)
    subject.backend.store_result(task_id, time.monotonic(), states.SUCCESS)
