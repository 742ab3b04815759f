"""From ``delay()`` to ``get()``: a client, a Redis broker and a real prefork worker of two processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.actor import Actor
from benchmarks.comparison import Comparison
from benchmarks.effort import Effort
from benchmarks.services import Services

SECTION = "end to end"
ENGINES = {"redis": "Redis", "postgresql": "PostgreSQL"}
PATIENCE_S = 60.0


class Party:
    """One side: a worker, and a client in a process of its own."""

    def __init__(self, url: str, broker: str, log: Path, stack: ExitStack) -> None:
        places = {"BENCHMARK_BROKER": broker, "BENCHMARK_RESULT_BACKEND": url}
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.app", "worker"]
        command += ["--concurrency=2", "--pool=prefork", "--loglevel=WARNING"]
        with log.open("wb") as output:
            self.worker = subprocess.Popen(
                command,
                env={**os.environ, **places, "C_FORCE_ROOT": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        stack.callback(_stop, self.worker)
        self.client = stack.enter_context(Actor(client, places))


def client(places: dict[str, str]) -> Any:
    """Import the app and return its task."""
    os.environ.update(places)
    from benchmarks.app import echo

    return echo


def call(subject: Any) -> float:
    """Return how many seconds one call takes, from sending the task to having its result."""
    begin = time.perf_counter()
    subject.delay(1).get(timeout=PATIENCE_S)
    return time.perf_counter() - begin


def call_group(subject: Any, size: int) -> float:
    """Return how many seconds a group takes, from sending it to having all results."""
    from celery import group

    signatures = group(subject.s(number) for number in range(size))
    begin = time.perf_counter()
    values = signatures.apply_async().get(timeout=PATIENCE_S)
    took_s = time.perf_counter() - begin
    if values != list(range(size)):
        raise RuntimeError("The group did not return its results.")
    return took_s


def compare(services: Services, effort: Effort, directory: Path) -> Iterator[Comparison]:
    """Measure both sides of Redis and PostgreSQL."""
    for number, (engine, title) in enumerate(ENGINES.items()):
        with ExitStack() as stack:
            parties = [
                Party(url, services.broker(4 + 2 * number + i), directory / f"worker-{engine}-{i}.log", stack)
                for i, url in enumerate(services.sides(engine))
            ]
            for party in parties:
                party.client.call(call)
                party.client.call(call_group, 10)
            theirs, ours = _in_turn(parties, effort.calls, call)
            yield Comparison(SECTION, title, "one call", "s", theirs, ours)
            theirs, ours = _in_turn(parties, effort.called_group_rounds, call_group, effort.called_group_size)
            yield Comparison(SECTION, title, f"group of {effort.called_group_size}", "s", theirs, ours)
            for party in parties:
                party.worker.terminate()  # each takes a second to leave; together that is one


def _in_turn(parties: list[Party], rounds: int, measure: Any, *args: Any) -> list[float]:
    figures: list[list[float]] = [[] for _ in parties]
    for _ in range(rounds):
        for party, own in zip(parties, figures, strict=True):
            own.append(party.client.call(measure, *args))
    return [median(own) for own in figures]


def _stop(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
