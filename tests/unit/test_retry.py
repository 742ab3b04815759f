"""Bounded retry, on a clock of the test's own."""

import pytest

from rootcellar.errors import StoreBusy, StoreError, StoreUnavailable
from rootcellar.spool.retry import MOST_S, again, pauses, retrying


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Failing:
    """An operation that fails so many times."""

    def __init__(self, times: int, kind: type[Exception] = StoreUnavailable) -> None:
        self.times = times
        self.kind = kind
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.kind(f"failure {self.calls}")
        return "done"


def repeat(operation: Failing, retry_s: float, clock: Clock, chance: float = 1.0) -> str:
    first = StoreUnavailable("the first")
    return again(operation, retry_s, first, clock(), clock=clock, sleep=clock.sleep, chance=lambda: chance)


def test_the_pauses_double_up_to_a_limit() -> None:
    """From 20 ms to half a second; the last one ends with the time there is."""
    clock = Clock()
    with pytest.raises(StoreUnavailable):
        repeat(Failing(1000), 3.0, clock)
    assert clock.slept[:6] == pytest.approx([0.02, 0.04, 0.08, 0.16, 0.32, 0.5])
    assert max(clock.slept) == MOST_S
    assert sum(clock.slept) == pytest.approx(3.0)


def test_a_pause_is_a_random_part_of_it() -> None:
    """So that a fleet does not come back all at once."""
    clock = Clock()
    repeat(Failing(3), 3.0, clock, chance=0.5)
    assert clock.slept == pytest.approx([0.01, 0.02, 0.04, 0.08])


def test_the_last_error_is_the_one_that_is_raised() -> None:
    """It says how things are now."""
    operation = Failing(1000, StoreBusy)
    with pytest.raises(StoreBusy, match=r"^failure \d+$") as caught:
        repeat(operation, 1.0, Clock())
    assert str(caught.value) == f"failure {operation.calls}"


def test_no_time_means_no_repetition() -> None:
    """``cellar_retry_timeout = 0``."""
    operation = Failing(1)
    with pytest.raises(StoreUnavailable, match="failure 1"):
        retrying(operation, 0.0)
    assert operation.calls == 1


def test_what_the_first_attempt_took_counts() -> None:
    """A server that hung for as long as the retry may last is not asked again."""
    clock, operation = Clock(), Failing(1)
    began = clock()
    clock.now += 30
    with pytest.raises(StoreUnavailable, match="the first"):
        again(operation, 3.0, StoreUnavailable("the first"), began, clock=clock, sleep=clock.sleep, chance=lambda: 1.0)
    assert operation.calls == 0


def test_only_an_outage_is_waited_out() -> None:
    """What the store says about the value itself, it would say again."""
    operation = Failing(1, StoreError)
    with pytest.raises(StoreError):
        retrying(operation, 3.0)
    assert operation.calls == 1
    operation = Failing(1, StoreError)
    with pytest.raises(StoreError):
        repeat(operation, 3.0, Clock())
    assert operation.calls == 1


def test_success_ends_it() -> None:
    """At the first attempt, or at a later one."""
    assert retrying(Failing(0), 3.0) == "done"
    assert retrying(Failing(2), 30.0) == "done"


def test_there_is_no_pause_once_the_time_is_over() -> None:
    """Also where the clock jumps past the end."""
    assert list(pauses(1.0, lambda: 2.0, lambda: 1.0)) == []
