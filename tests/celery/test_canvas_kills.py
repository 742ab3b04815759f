"""A worker is killed while members of chords run on it, and another one takes over: each body runs once."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis
from canvas_forms import FORMS, Canvas, Form
from celery import Celery
from celery.exceptions import ChordError
from celery.result import ResultBase
from cellar_tasks import open_gate
from noted_tasks import notes
from workers import Worker, worker_of

from servers import wait_until

_VISIBILITY_S = 1


class Fleet(NamedTuple):
    """A client of a worker whose tasks are acknowledged late, and their broker, which nobody else uses."""

    app: Celery
    worker: Worker
    broker: redis.Redis


@pytest.fixture(scope="module")
def fleet(
    new_store_url: Callable[[], str],
    new_redis_url: Callable[[], str],
    open_app: Callable[..., Celery],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    """One on each engine."""
    app = open_app(
        f"cellar+{new_store_url()}",
        broker_url=new_redis_url(),
        broker_transport_options={"visibility_timeout": _VISIBILITY_S},
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_lost_wait=0.1,
    )
    with ExitStack() as stack:
        broker = stack.enter_context(redis.Redis.from_url(app.conf.broker_url))
        worker = stack.enter_context(worker_of(app, tmp_path_factory.mktemp("kills"), concurrency=len(FORMS) + 1))
        yield Fleet(app, worker, broker)


class Survivor(NamedTuple):
    """A canvas whose member was running when its worker was killed."""

    result: ResultBase
    path: Path


@pytest.fixture(scope="module")
def survivors(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Survivor]:
    """Each form, after one kill for all of them."""
    directory = tmp_path_factory.mktemp("survivors")
    gate, found = directory / "gate", {}
    for number, (name, form) in enumerate(FORMS.items()):
        path = directory / str(number)
        member = fleet.app.tasks["note_at_gate"].si(str(path), str(gate), 1)
        canvas = form.build(Canvas(fleet.app, path, member, fleet.app.tasks["echo"].si(2)))
        found[name] = Survivor(canvas.apply_async(), path)
    wait_until(lambda: all(notes(one.path, "at gate") for one in found.values()), "all members run")
    wait_until(lambda: fleet.broker.hlen("unacked") == len(FORMS), "all else has been done")
    fleet.worker.kill()
    open_gate(gate)

    def is_visible() -> bool:
        before = time.time() - _VISIBILITY_S
        return fleet.broker.zcount("unacked_index", "-inf", before) == len(FORMS)

    wait_until(is_visible, "the broker takes their worker for dead")
    fleet.worker.start()
    return found


@pytest.mark.parametrize("name", FORMS)
def test_a_killed_workers_canvas_is_finished_by_the_next(survivors: dict[str, Survivor], name: str) -> None:
    """The member runs again, and each body once."""
    form, (result, path) = FORMS[name], survivors[name]
    assert result.get(timeout=60) == form.value
    assert [note.value for note in notes(path, "at gate")] == [1, 1]
    assert _bodies(form, path) == form.bodies
    assert notes(path, "error") == []


def _bodies(form: Form, path: Path) -> dict[str, list[Any]]:
    return {tag: [note.value for note in notes(path, tag)] for tag in form.bodies}


@pytest.fixture(scope="module")
def orphans(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Survivor]:
    """Two chords, after the children that ran a member of each were killed: at once, since it takes its time."""
    directory, form, found, firsts = tmp_path_factory.mktemp("orphans"), FORMS["a chord"], {}, {}
    gate = directory / "gate"
    for task in ("note_at_gate", "note_at_gate_once"):
        path = directory / task
        member = fleet.app.tasks[task].si(str(path), str(gate), 1)
        canvas = form.build(Canvas(fleet.app, path, member, fleet.app.tasks["echo"].si(2)))
        found[task] = Survivor(canvas.apply_async(), path)
    for task, one in found.items():
        (firsts[task],) = wait_until(lambda path=one.path: notes(path, "at gate"), "the member runs")
    for first in firsts.values():
        fleet.worker.kill_child(first.pid)
    open_gate(gate)
    return found


def test_a_killed_childs_member_runs_in_another(orphans: dict[str, Survivor]) -> None:
    """Its message is put back at once, since the worker itself lives."""
    form, (result, path) = FORMS["a chord"], orphans["note_at_gate"]
    assert result.get(timeout=60) == form.value
    first, second = notes(path, "at gate")
    assert first.pid != second.pid
    assert (_bodies(form, path), notes(path, "error")) == (form.bodies, [])


def test_a_lost_member_that_is_not_to_be_repeated_fails_its_chord(orphans: dict[str, Survivor]) -> None:
    """The worker's main process reports, on behalf of the child that is gone."""
    form, (result, path) = FORMS["a chord"], orphans["note_at_gate_once"]
    with pytest.raises(ChordError, match=r"Dependency .* raised WorkerLostError"):
        result.get(timeout=60, follow_parents=False)
    wait_until(lambda: notes(path, "error"), "the errback was called")
    assert (_bodies(form, path), len(notes(path, "error"))) == ({"body": []}, 1)
