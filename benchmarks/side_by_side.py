"""Celery's own backend and ours, in turn, on the same server: store, get, group, wake-up."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from benchmarks import measures, targets
from benchmarks.actor import Actor
from benchmarks.comparison import NO_TARGET, Comparison, Unit
from benchmarks.effort import Effort
from benchmarks.services import Services

SECTION = "side by side"


class Row(NamedTuple):
    """An engine, and the kind of process that uses it."""

    title: str
    engine: str
    forked: bool


#: A web process imports the app and is never forked by billiard; a forked worker is a child of Celery's prefork pool.
ROWS = {
    "redis": Row("Redis", "redis", forked=False),
    "postgresql-web": Row("PostgreSQL, web process", "postgresql", forked=False),
    "postgresql-forked": Row("PostgreSQL, forked worker", "postgresql", forked=True),
    "sqlite-web": Row("SQLite, web process", "sqlite", forked=False),
    "sqlite-forked": Row("SQLite, forked worker", "sqlite", forked=True),
}

# A task of 20 to 80 ms; and one that may end at any moment of the half second in which Celery's own backend polls once.
_SHORT_TASK_S = (0.02, 0.08)
_ANY_TASK_S = (0.05, 0.55)


class Contestant:
    """One side: the process that is measured, and a worker of its own that stores what is waited for."""

    def __init__(self, url: str, forked: bool, stack: ExitStack) -> None:
        self.reader = stack.enter_context(Actor(measures.subject, url, forked=forked))
        self.worker = stack.enter_context(Actor(measures.subject, url, forked=True))
        self.group_ids: list[str] = []
        self._forked = forked

    def connect(self) -> None:
        self.reader.call(measures.connect, forked=self._forked)
        self.worker.call(measures.connect, forked=True)

    def fill_group(self, size: int) -> None:
        self.group_ids = [str(uuid4()) for _ in range(size)]
        self.worker.call(measures.fill, self.group_ids)

    def wake_up(self, pause_s: float) -> float:
        task_id = str(uuid4())
        self.reader.ask(measures.wake_up, task_id)
        self.worker.call(measures.store_after, task_id, pause_s)
        waited_s: float = self.reader.answer()
        return waited_s


def compare(name: str, services: Services, effort: Effort) -> Iterator[Comparison]:
    """Measure one of :data:`ROWS`."""
    row = ROWS[name]
    with ExitStack() as stack:
        sides = [Contestant(url, row.forked, stack) for url in services.sides(row.engine)]

        def compared(column: str, unit: Unit, theirs: Sequence[float], ours: Sequence[float]) -> Comparison:
            target = targets.SIDE_BY_SIDE[name].get(column, NO_TARGET)
            return Comparison(SECTION, row.title, column, unit, median(theirs), median(ours), target)

        for side in sides:
            side.connect()
            side.reader.call(measures.store, effort.turn_s)
        for column, measure in (("store", measures.store), ("get", measures.get)):
            yield compared(column, "/s", *_in_turn(sides, effort.rounds, measure, effort.turn_s))

        for side in sides:
            side.fill_group(effort.group_size)
        yield compared("group", "s", *_groups(sides, effort))

        kinds = (("wake-up", _SHORT_TASK_S, effort.wake_ups), ("wake-up, any task", _ANY_TASK_S, effort.any_wake_ups))
        for column, (least_s, most_s), count in kinds:
            pauses = _spread(least_s, most_s, count)
            yield compared(column, "s", *([side.wake_up(pause) for pause in pauses] for side in sides))


def _in_turn(
    sides: list[Contestant], rounds: int, measure: Callable[[measures.Subject, float], float], seconds: float
) -> list[list[float]]:
    figures: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, own in zip(sides, figures, strict=True):
            own.append(side.reader.call(measure, seconds))
    return figures


def _groups(sides: list[Contestant], effort: Effort) -> list[list[float]]:
    figures: list[list[float]] = [[] for _ in sides]
    for _ in range(effort.group_rounds):
        for side, own in zip(sides, figures, strict=True):
            if not own or sum(own) < effort.group_budget_s:
                own.append(side.reader.call(measures.join_group, side.group_ids))
    return figures


def _spread(least: float, most: float, count: int) -> list[float]:
    """Return random numbers that cover the range evenly, in random order."""
    step = (most - least) / count
    numbers = [least + step * (i + random.random()) for i in range(count)]
    random.shuffle(numbers)
    return numbers
