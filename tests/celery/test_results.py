"""What a caller sees of a task through ``AsyncResult``, from a real worker."""

from pathlib import Path

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult
from cellar_tasks import open_gate
from versions import HAS_EXISTS
from workers import Worker

from rootcellar.errors import InvalidRecord
from servers import wait_until

pytestmark = pytest.mark.usefixtures("worker")


def test_get_returns_what_the_task_returned(app: Celery) -> None:
    """The plainest case."""
    assert app.tasks["add"].delay(2, 3).get(timeout=30) == 5


def test_a_task_is_pending_and_then_a_success(app: Celery, gate: Path) -> None:
    """The states of a task that nobody tracks."""
    result = app.tasks["wait_at_gate"].delay(str(gate))
    before = (result.state, result.ready(), result.successful(), result.result)
    open_gate(gate)
    result.get(timeout=30)
    assert (before, (result.state, result.ready(), result.successful(), result.result)) == (
        ("PENDING", False, False, None),
        ("SUCCESS", True, True, "through"),
    )


def test_a_finished_task_says_when_it_ended(app: Celery) -> None:
    """``date_done`` is a time with a zone."""
    result = app.tasks["add"].delay(1, 1)
    result.get(timeout=30)
    assert result.date_done.utcoffset() is not None


def test_started_is_seen_where_the_task_is_tracked(app: Celery, worker: Worker, gate: Path) -> None:
    """``track_started``: STARTED comes with the worker's name and process."""
    result = app.tasks["tracked"].delay(str(gate))
    wait_until(lambda: result.state == "STARTED", "the task has started")
    assert result.info["hostname"] == worker.name
    open_gate(gate)
    assert result.get(timeout=30) == "through"


def test_custom_states_are_seen_by_whoever_looks(app: Celery, tmp_path: Path) -> None:
    """``update_state`` stores a state and its meta, which ``state`` and ``info`` return."""
    gates = [tmp_path / "1", tmp_path / "2"]
    result = app.tasks["count_to"].delay([str(gate) for gate in gates])
    seen = []
    for number, gate in enumerate(gates, start=1):
        wait_until(lambda number=number: (result.info or {}).get("done") == number, f"it has counted to {number}")
        seen.append(result.state)
        open_gate(gate)
    assert (seen, result.get(timeout=30)) == (["PROGRESS", "PROGRESS"], 2)


def test_custom_states_reach_on_message(app: Celery, tmp_path: Path) -> None:
    """``get(on_message=)`` hears each state in its order, and the result last."""
    gates = [tmp_path / "1", tmp_path / "2"]
    result = app.tasks["count_to"].delay([str(gate) for gate in gates])
    heard = []

    def on_message(meta: dict) -> None:
        heard.append((meta["status"], meta["result"]))
        if meta["status"] == "PROGRESS":
            open_gate(gates[meta["result"]["done"] - 1])

    assert result.get(timeout=30, on_message=on_message) == 2
    assert heard == [
        ("PROGRESS", {"done": 1, "of": 2}),
        ("PROGRESS", {"done": 2, "of": 2}),
        ("SUCCESS", 2),
    ]


def test_a_retry_is_seen_and_gives_way_to_the_success(app: Celery, gate: Path) -> None:
    """RETRY is no end: it shows what went wrong, and the second attempt's result replaces it."""
    result = app.tasks["fails_once"].delay(str(gate))
    wait_until(lambda: result.state == "RETRY", "the task is being retried")
    assert (result.ready(), repr(result.result), "not yet" in result.traceback) == (
        False,
        "ValueError('not yet')",
        True,
    )
    open_gate(gate)
    assert (result.get(timeout=30), result.state) == ("after 1 retry", "SUCCESS")


def test_a_task_revoked_before_it_starts_raises_that(app: Celery, worker: Worker) -> None:
    """A worker that is told first throws the task away, and the waiter learns of it."""
    task_id = f"revoked-{app.conf.task_default_queue}"
    app.control.revoke(task_id, destination=[worker.name], reply=True, limit=1, timeout=30)
    result = app.tasks["add"].apply_async((1, 1), task_id=task_id)
    with pytest.raises(TaskRevokedError, match="revoked"):
        result.get(timeout=30)
    assert (result.state, isinstance(result.result, TaskRevokedError)) == ("REVOKED", True)


def test_a_running_task_that_is_terminated_raises_that(app: Celery, worker: Worker, gate: Path) -> None:
    """``revoke(terminate=True)`` ends it in the middle; which of the two words it gets is a race inside the worker."""
    result = app.tasks["tracked"].delay(str(gate))
    wait_until(lambda: result.state == "STARTED", "the task has started")
    app.control.revoke(result.id, destination=[worker.name], terminate=True, signal="SIGKILL")
    with pytest.raises(TaskRevokedError, match=r"terminated|revoked"):
        result.get(timeout=30)


def test_a_task_that_ignores_its_result_stores_none(app: Celery, gate: Path) -> None:
    """``ignore_result``: ``get`` returns at once, and nothing lies in the store."""
    result = app.tasks["quiet"].delay(str(gate))
    wait_until(gate.exists, "the task has run")
    app.tasks["add"].delay(1, 1).get(timeout=30)
    assert (result.get(), app.backend.store.get(result.id)) == (None, None)


def test_a_forgotten_result_is_pending_again(app: Celery) -> None:
    """``forget`` removes the record."""
    result = app.tasks["add"].delay(1, 1)
    result.get(timeout=30)
    result.forget()
    assert (app.AsyncResult(result.id).state, app.backend.store.get(result.id)) == ("PENDING", None)


def test_whether_a_result_exists_can_be_asked(app: Celery) -> None:
    """``exists`` tells an unknown task from a known one; PENDING cannot."""
    result = app.tasks["add"].delay(1, 1)
    result.get(timeout=30)
    assert hasattr(AsyncResult, "exists") == HAS_EXISTS
    exists = AsyncResult.exists if HAS_EXISTS else lambda result: result.backend.task_result_exists(result.id)
    assert (exists(result), exists(app.AsyncResult("nobody-sent-this"))) == (True, False)


def test_a_task_id_may_be_any_text(app: Celery) -> None:
    """Ids of the caller's own: other scripts, spaces, quotes, colons."""
    task_id = f"répéter ☃ 'x' \"y\" :*%s {{z}} {app.conf.task_default_queue}"
    result = app.tasks["add"].apply_async((20, 22), task_id=task_id)
    assert (result.get(timeout=30), app.AsyncResult(task_id).state) == (42, "SUCCESS")


@pytest.mark.parametrize("task_id", ["", "x" * 10_240, "a\0b"], ids=["empty", "10 kB", "NUL"])
def test_a_task_id_no_engine_can_hold_is_refused(app: Celery, task_id: str) -> None:
    """Reading, waiting and storing all say so, in the same words."""
    result = app.AsyncResult(task_id)
    for ask in (
        lambda: result.state,
        lambda: result.get(timeout=1),
        result.forget,
        lambda: app.backend.store_result(task_id, 1, "SUCCESS"),
    ):
        with pytest.raises(InvalidRecord, match="Let Celery make the id"):
            ask()


def test_a_task_with_an_id_no_engine_can_hold_does_not_harm_the_worker(app: Celery) -> None:
    """Its result is lost, and the worker says so; the next task runs."""
    app.tasks["add"].apply_async((1, 1), task_id="x" * 300)
    assert app.tasks["add"].delay(1, 1).get(timeout=30) == 2
