"""From ``delay()`` to ``get()``: a client, a Redis broker and a real prefork worker of two processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.actor import Actor
from benchmarks.comparison import NO_TARGET, Comparison
from benchmarks.effort import Effort
from benchmarks.services import Services
from benchmarks.targets import CHORD, CHORD_ACROSS, GROUP

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


def call_chord(subject: Any, size: int) -> float:
    """Return how many seconds a chord takes, from sending its header to having its body's result."""
    from celery import chord

    signatures = [subject.s(number) for number in range(size)]
    begin = time.perf_counter()
    total = chord(signatures)(subject.app.signature("benchmarks.total")).get(timeout=PATIENCE_S)
    took_s = time.perf_counter() - begin
    if total != sum(range(size)):
        raise RuntimeError("The chord did not return its total.")
    return took_s


def compare(services: Services, effort: Effort, directory: Path) -> Iterator[Comparison]:
    """Measure both sides of Redis and PostgreSQL, all four in turn."""
    with ExitStack() as stack:
        parties = {}
        for engine in ENGINES:
            for side, url in services.sides(engine)._asdict().items():
                log = directory / f"worker-{engine}-{side}.log"
                parties[engine, side] = Party(url, services.broker(4 + len(parties)), log, stack)
        for party in parties.values():
            party.client.call(call)
            party.client.call(call_group, 10)
            party.client.call(call_chord, 10)
        group, chord = f"group of {effort.called_group_size}", f"chord of {effort.called_chord_size}"
        calls = _in_turn(parties, effort.calls, call)
        groups = _in_turn(parties, effort.called_group_rounds, call_group, effort.called_group_size)
        chords = _in_turn(parties, effort.called_chord_rounds, call_chord, effort.called_chord_size)
        for engine, title in ENGINES.items():
            for column, figures, targets in (
                ("one call", calls, {}),
                (group, groups, GROUP),
                (chord, chords, CHORD),
            ):
                theirs, ours = figures[engine, "celery"], figures[engine, "ours"]
                yield Comparison(SECTION, title, column, "s", theirs, ours, targets.get(engine, NO_TARGET))
        yield Comparison(
            SECTION,
            "PostgreSQL against Celery's Redis",
            chord,
            "s",
            chords["redis", "celery"],
            chords["postgresql", "ours"],
            CHORD_ACROSS,
        )


def _in_turn(
    parties: Mapping[tuple[str, str], Party], rounds: int, measure: Any, *args: Any
) -> dict[tuple[str, str], float]:
    figures: dict[tuple[str, str], list[float]] = {name: [] for name in parties}
    for _ in range(rounds):
        for name, party in parties.items():
            figures[name].append(party.client.call(measure, *args))
    return {name: median(own) for name, own in figures.items()}


def _stop(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
