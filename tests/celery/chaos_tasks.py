"""Tasks for the tests that kill workers: each says in a file that it ran, and on whose behalf."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

from celery import Celery


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Return what has been noted so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _note(path: str, **facts: Any) -> None:
    line = json.dumps(facts).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)  # one write: a killed worker leaves no half line
    finally:
        os.close(descriptor)


def register_chaos(app: Celery) -> None:
    """Register them."""

    @app.task(shared=False, name="chaos.member")
    def member(value: int, fails: bool = False) -> int:
        time.sleep(random.uniform(0, 0.004))
        if fails:
            raise ValueError(value)
        return value

    @app.task(shared=False, name="chaos.body", bind=True)
    def body(self: Any, values: list[int], path: str) -> int:
        chord_id, token, _ = self.request.cellar_chord
        _note(path, what="body", chord=chord_id, token=token, id=self.request.id, total=sum(values))
        return sum(values)

    @app.task(shared=False, name="chaos.error")
    def error(request: Any, exc: BaseException, traceback: Any, path: str) -> None:
        _note(path, what="error", id=request.id, error=str(exc))

    @app.task(shared=False, name="chaos.number", bind=True)
    def number(self: Any, value: int, path: str) -> int:
        _note(path, what="number", id=self.request.id, value=value)
        return value
