"""The app of these tests: its tasks, and a client or a worker that runs them.

A worker is ``python -m celery -A cellar_tasks worker`` with its configuration, as JSON, in :data:`CONFIG_VARIABLE`.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import Celery
from celery.canvas import StampingVisitor
from chaos_tasks import register_chaos
from noted_tasks import register_notes, register_replacements, register_waits

CONFIG_VARIABLE = "TASKS_CONFIG"


class OutOfApples(Exception):
    """An error of the project's own, with two arguments."""

    def __init__(self, wanted: int, shelf: str) -> None:
        super().__init__(wanted, shelf)
        self.wanted = wanted
        self.shelf = shelf


class Customer(StampingVisitor):
    """Stamps each task with who it is for."""

    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        return {"customer": "Ada", "stamped_headers": ["customer"]}


def make_app(config: Mapping[str, Any]) -> Celery:
    """Return an app with this configuration and all the tasks, which are not shared: there are many apps here.

    What it was configured with is its ``given``, for its worker.
    """
    app = Celery("cellar_tasks", set_as_current=False)
    app.given = dict(config)
    app.conf.update(config)
    _register_values(app)
    _register_failures(app)
    _register_flow(app)
    register_chaos(app)
    register_notes(app, _wait_at)
    register_replacements(app)
    register_waits(app)
    return app


def open_gate(gate: Path) -> None:
    """Let the task that waits at ``gate`` go on."""
    gate.touch()


def _wait_at(gate: str) -> None:
    deadline = time.monotonic() + 60
    while not Path(gate).exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody opened the gate {gate}")
        time.sleep(0.005)


def _register_values(app: Celery) -> None:
    @app.task(shared=False, name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(shared=False, name="total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(shared=False, name="list_with")
    def list_with(numbers: list[int], another: int) -> list[int]:
        return [*numbers, another]

    @app.task(shared=False, name="echo")
    def echo(value: Any) -> Any:
        return value

    @app.task(shared=False, name="unspeakable")
    def unspeakable() -> object:
        return object()

    @app.task(shared=False, name="quiet", ignore_result=True)
    def quiet(gate: str) -> str:
        Path(gate).touch()
        return "never read"


def _register_failures(app: Celery) -> None:
    @app.task(shared=False, name="missing_key")
    def missing_key(key: str) -> None:
        raise KeyError(key)

    @app.task(shared=False, name="out_of_apples")
    def out_of_apples(wanted: int, shelf: str) -> None:
        raise OutOfApples(wanted, shelf)

    @app.task(shared=False, name="says")
    def says(text: str) -> None:
        raise ValueError(text)

    @app.task(shared=False, name="fails_once", bind=True, max_retries=3)
    def fails_once(self: Any, gate: str) -> str:
        if self.request.retries == 0:
            raise self.retry(countdown=0, exc=ValueError("not yet"))
        _wait_at(gate)
        return f"after {self.request.retries} retry"

    @app.task(shared=False, name="note_failure")
    def note_failure(failed_id: str) -> str:
        return failed_id


def _register_flow(app: Celery) -> None:
    @app.task(shared=False, name="wait_at_gate")
    def wait_at_gate(gate: str) -> str:
        _wait_at(gate)
        return "through"

    @app.task(shared=False, name="value_at_gate")
    def value_at_gate(gate: str, value: Any) -> Any:
        _wait_at(gate)
        return value

    @app.task(shared=False, name="tracked", track_started=True)
    def tracked(gate: str) -> str:
        _wait_at(gate)
        return "through"

    @app.task(shared=False, name="count_to", bind=True)
    def count_to(self: Any, gates: list[str]) -> int:
        for number, gate in enumerate(gates, start=1):
            self.update_state(state="PROGRESS", meta={"done": number, "of": len(gates)})
            _wait_at(gate)
        return len(gates)

    @app.task(shared=False, name="spread")
    def spread(how_many: int) -> str:
        for number in range(how_many):
            app.tasks["add"].delay(number, number)
        return "spread"


if CONFIG_VARIABLE in os.environ:
    app = make_app(json.loads(os.environ[CONFIG_VARIABLE]))
