"""The stores' share of what their bare driver does: how much of the time is ours."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from typing import Any

from benchmarks import targets
from benchmarks.actor import Actor
from benchmarks.bare import Bare, bare
from benchmarks.comparison import Comparison
from benchmarks.effort import Effort
from benchmarks.sample import record
from benchmarks.services import Services
from rootcellar.stores import open_store
from rootcellar.stores.base import Store

SECTION = "share of the bare driver"
ENGINES = {"redis": "Redis", "postgresql": "PostgreSQL", "sqlite": "SQLite"}


@dataclass
class Pair:
    """A store and its bare driver, in one process."""

    store: Store
    driver: Bare
    ids: list[str] = field(default_factory=list)

    def side(self, name: str) -> Any:
        return getattr(self, name)


def pair(url: str) -> Pair:
    """Open both."""
    store = open_store(url)
    store.put(record())
    return Pair(store, bare(store))


def put(subject: Pair, name: str, seconds: float) -> float:
    """Store records under new ids; return how many a second."""
    records = [record() for _ in range(int(seconds * 60_000))]
    done, rate = _timed(subject.side(name).put, records, seconds)
    subject.ids.extend(one.id for one in records[:done])
    return rate


def get(subject: Pair, name: str, seconds: float) -> float:
    """Read records that are there; return how many a second."""
    return _timed(subject.side(name).get, cycle(subject.ids), seconds)[1]


def compare(services: Services, effort: Effort) -> Iterator[Comparison]:
    """Measure every engine."""
    for engine, title in ENGINES.items():
        with Actor(pair, services.sides(engine).ours) as actor:
            actor.call(put, "store", 0.1)
            for column, measure in (("put", put), ("get", get)):
                figures: dict[str, list[float]] = {"driver": [], "store": []}
                for _ in range(effort.rounds):
                    for name, own in figures.items():
                        own.append(actor.call(measure, name, effort.turn_s))
                theirs, ours = (median(own) for own in figures.values())
                yield Comparison(SECTION, title, column, "/s", theirs, ours, targets.DRIVER)


def _timed(operation: Callable[[Any], object], arguments: Any, seconds: float) -> tuple[int, float]:
    done = 0
    begin = time.perf_counter()
    end = begin + seconds
    now = begin
    for argument in arguments:
        operation(argument)
        done += 1
        now = time.perf_counter()
        if now >= end:
            break
    return done, done / (now - begin)
