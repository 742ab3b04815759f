"""Four PostgreSQL writers at once: what it costs them that storing a record also looks for somebody who waits."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

import psycopg

from benchmarks import targets
from benchmarks.actor import Actor
from benchmarks.bare import put_statement
from benchmarks.comparison import Comparison
from benchmarks.effort import Effort
from benchmarks.sample import record
from benchmarks.services import Services
from rootcellar.stores import open_store

SECTION = "four writers"
WRITERS = 4
# What the writers need to get their records ready, so that they begin together.
_HEAD_START_S = 0.1


def connection(url: str) -> psycopg.Connection[Any]:
    """Open a connection that commits each statement."""
    return psycopg.connect(url.removeprefix("cellar+"), autocommit=True, cursor_factory=psycopg.RawCursor)


def write(subject: psycopg.Connection[Any], statement: str, begin_at: float, seconds: float) -> float:
    """Store records from ``begin_at`` (monotonic) on; return how many a second."""
    records = [record() for _ in range(int(seconds * 20_000))]
    time.sleep(max(0.0, begin_at - time.monotonic()))
    done = 0
    begin = now = time.monotonic()
    for one in records:
        subject.execute(statement, one, prepare=True)
        done += 1
        now = time.monotonic()
        if now >= begin_at + seconds:
            break
    return done / (now - begin)


def compare(services: Services, effort: Effort) -> Iterator[Comparison]:
    """Measure with the notification part of the statement and without it."""
    url = services.postgresql.ours
    store = open_store(url)
    store.put(record())
    whole = put_statement(store)
    store.close()
    silent, notifying, _ = whole.rpartition("\nRETURNING")
    if "pg_notify" not in whole[len(silent) :] or not notifying:
        raise RuntimeError("The put statement no longer notifies in its RETURNING clause; teach this benchmark how.")
    with ExitStack() as stack:
        writers = [stack.enter_context(Actor(connection, url)) for _ in range(WRITERS)]
        figures: dict[str, list[float]] = {silent: [], whole: []}
        order = [silent, whole]
        for _ in range(effort.writer_rounds + 1):
            for statement in order:
                begin_at = time.monotonic() + _HEAD_START_S
                for writer in writers:
                    writer.ask(write, statement, begin_at, effort.writer_turn_s)
                figures[statement].append(sum(writer.answer() for writer in writers))
            order.reverse()  # the table grows: neither side is always the second
        theirs, ours = (median(own[1:]) for own in figures.values())  # the first round warms up
    yield Comparison(SECTION, "PostgreSQL", "put", "/s", theirs, ours, targets.WRITERS)
