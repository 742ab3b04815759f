"""Tasks that leave a note each time they run, in a file that outlives them: who ran, how often, and with what."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from celery import Celery, chain, chord, group
from celery.result import AsyncResult, GroupResult

#: for tasks a dead worker's successor is to run again
_TO_BE_REPEATED = {"acks_late": True, "reject_on_worker_lost": True}


class Note(NamedTuple):
    """One run of a task."""

    tag: str
    task_id: str | None
    value: Any
    pid: int


def leave_note(path: str, tag: str, task_id: str | None, value: Any) -> None:
    """Append a line, in one write, which no other process's can get into."""
    line = json.dumps([tag, task_id, value, os.getpid()]).encode() + b"\n"
    fileno = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(fileno, line)
    finally:
        os.close(fileno)


def notes(path: Path | str, tag: str | None = None) -> list[Note]:
    """Return the notes in their order, or those with one tag."""
    if not Path(path).exists():
        return []
    found = [Note(*json.loads(line)) for line in Path(path).read_text().splitlines()]
    return [note for note in found if tag in (None, note.tag)]


def register_notes(app: Celery, wait_at: Callable[[str], None]) -> None:
    """Give ``app`` the tasks that leave notes."""

    @app.task(shared=False, name="note", bind=True)
    def note(self: Any, path: str, value: Any) -> Any:
        leave_note(path, "note", self.request.id, value)
        return value

    @app.task(shared=False, name="note_all", bind=True)
    def note_all(self: Any, values: Any, path: str, tag: str = "body") -> Any:
        leave_note(path, tag, self.request.id, values)
        return values

    @app.task(shared=False, name="note_error")
    def note_error(request: Any, exc: BaseException, traceback: Any, path: str) -> None:
        leave_note(path, "error", request.id, f"{type(exc).__name__}: {exc}")

    @app.task(shared=False, name="note_run", bind=True)
    def note_run(self: Any, path: str) -> int:
        """Return how often it has run under this id."""
        leave_note(path, "run", self.request.id, None)
        return sum(note.task_id == self.request.id for note in notes(path, "run"))

    @app.task(shared=False, name="note_failure_of", bind=True)
    def note_failure_of(self: Any, path: str, text: str) -> None:
        leave_note(path, "failing", self.request.id, text)
        raise ValueError(text)

    @app.task(shared=False, name="note_at_gate", bind=True, **_TO_BE_REPEATED)
    def note_at_gate(self: Any, path: str, gate: str, value: Any) -> Any:
        leave_note(path, "at gate", self.request.id, value)
        wait_at(gate)
        return value

    @app.task(shared=False, name="note_at_gate_once", bind=True, reject_on_worker_lost=False)
    def note_at_gate_once(self: Any, path: str, gate: str, value: Any) -> Any:
        leave_note(path, "at gate", self.request.id, value)
        wait_at(gate)
        return value


def register_replacements(app: Celery) -> None:
    """Give ``app`` the tasks that change the canvas they are part of."""

    @app.task(shared=False, name="becomes", bind=True)
    def becomes(self: Any, what: str) -> Any:
        add, total = app.tasks["add"], app.tasks["total"]
        return self.replace(
            {
                "a chord": chord([add.s(1, 1), add.s(2, 2)], total.s()),
                "a group": group(add.s(1, 1), add.s(2, 2)),
                "a chain": chain(add.s(1, 1), add.s(10)),
            }[what]
        )

    @app.task(shared=False, name="adds_members", bind=True)
    def adds_members(self: Any, values: list[Any]) -> str:
        for value in values:
            self.add_to_chord(app.tasks["echo"].s(value))
        return "added"


def register_waits(app: Celery) -> None:
    """Give ``app`` a task that waits for other tasks, in every way there is."""

    @app.task(shared=False, name="wait_for")
    def wait_for(how: str, task_ids: list[str]) -> Any:
        return waited(app, how, task_ids)


def waited(app: Celery, how: str, task_ids: list[str]) -> list[Any]:
    """Return the results of tasks, having waited for them by ``get``, ``join``, ``aio`` or ``then``."""
    results = [AsyncResult(task_id, app=app) for task_id in task_ids]
    group_result = GroupResult(task_ids[0] + "-group", results, app=app)
    # Not `allow_join_result()`, which is for one task in a process at a time.
    within_a_task = {"timeout": 60, "disable_sync_subtasks": False}
    if how == "get":
        return [result.get(**within_a_task) for result in results]
    if how == "join":
        return group_result.join(**within_a_task) if len(results) % 2 else group_result.join_native(**within_a_task)
    if how == "aio":
        return _awaited(results, group_result)
    return _called_back(results, group_result)


def _awaited(results: list[AsyncResult], group_result: GroupResult) -> list[Any]:
    import asyncio

    from rootcellar import aio

    async def main() -> list[Any]:
        first, several = await asyncio.gather(aio.get(results[0], timeout=60), aio.gather(group_result))
        assert first == several[0]
        return list(several)

    return asyncio.run(main())


def _called_back(results: list[AsyncResult], group_result: GroupResult) -> list[Any]:
    called: dict[str, Any] = {}
    done, all_done = threading.Event(), threading.Event()

    def on_ready(result: AsyncResult) -> None:
        called[result.id] = result.result
        if len(called) == len(results):
            done.set()

    for result in results:
        result.then(on_ready)
    # To members of its own nobody listens but the group.
    alone = GroupResult(group_result.id, [AsyncResult(one.id, app=one.app) for one in results], app=group_result.app)
    alone.then(lambda ready: all_done.set())
    assert done.wait(60), "the members' listeners were not called"
    assert all_done.wait(60), "the group's listener was not called"
    return [called[result.id] for result in results]
