"""When the housekeeper comes, what it does, and when it goes."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rootcellar.backend.housekeeper import Housekeeper
from rootcellar.errors import StoreUnavailable
from servers import in_child, wait_until


class Work:
    """Counts the rounds, and is done after some deliveries."""

    def __init__(self, deliveries: int = 1) -> None:
        self.left = deliveries
        self.delivered = 0
        self.reconciled = 0

    def deliver(self) -> bool:
        self.delivered += 1
        self.left -= 1
        return self.left <= 0

    def reconcile(self) -> None:
        self.reconciled += 1


@pytest.fixture
def employ() -> Iterator[Callable[..., Housekeeper]]:
    """Make housekeepers, which are sent away when the test is over."""
    with ExitStack() as stack:

        def employ_one(
            deliver: Callable[[], bool], reconcile: Callable[[], object], interval_s: float = 0.01
        ) -> Housekeeper:
            housekeeper = Housekeeper(deliver, reconcile, interval_s)
            stack.callback(housekeeper.close)
            return housekeeper

        yield employ_one


def _threads() -> int:
    return sum(thread.name == "rootcellar-housekeeper" for thread in threading.enumerate())


def test_it_goes_when_the_spool_is_empty(employ: Callable[..., Housekeeper]) -> None:
    """A process that had to spool something needs it no longer than that."""
    work = Work(deliveries=3)
    housekeeper = employ(work.deliver, work.reconcile)

    housekeeper.come()

    wait_until(lambda: not housekeeper.is_running and _threads() == 0, "it has gone")
    assert work.delivered >= 3
    assert work.reconciled == 0


def test_it_comes_once_however_often_it_is_called(employ: Callable[..., Housekeeper]) -> None:
    """Each entry in the spool calls it."""
    work = Work(deliveries=1_000_000)
    housekeeper = employ(work.deliver, work.reconcile)

    for _ in range(100):
        housekeeper.come()

    assert _threads() == 1


def test_a_resident_looks_after_chords_until_it_is_sent_away(employ: Callable[..., Housekeeper]) -> None:
    """In a worker's main process."""
    work = Work()
    housekeeper = employ(work.deliver, work.reconcile)

    housekeeper.reside()
    wait_until(lambda: work.reconciled >= 3, "it has looked a few times")
    housekeeper.close()

    assert not housekeeper.is_running
    housekeeper.come()
    assert not housekeeper.is_running
    housekeeper.reside()  # the next worker of this process
    assert housekeeper.is_running


def test_chords_are_looked_after_no_more_often_than_was_asked_for(employ: Callable[..., Housekeeper]) -> None:
    """However often the spool is."""
    work = Work(deliveries=20)
    housekeeper = employ(work.deliver, work.reconcile, interval_s=3600)

    housekeeper.reside()
    wait_until(lambda: work.delivered >= 4, "it has tried to deliver a few times")

    assert work.reconciled == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a defect")])
def test_an_error_does_not_end_it(
    employ: Callable[..., Housekeeper], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """A store that is away is no news; a defect is logged."""
    work = Work()

    def reconcile() -> None:
        work.reconcile()
        raise error

    housekeeper = employ(work.deliver, reconcile)
    with caplog.at_level(logging.ERROR, "rootcellar"):
        housekeeper.reside()
        wait_until(lambda: work.reconciled >= 3, "it goes on")

    assert bool(caplog.records) is isinstance(error, RuntimeError)


def test_a_forked_child_has_none_until_it_calls_one(employ: Callable[..., Housekeeper]) -> None:
    """The thread stays with the parent."""
    work = Work(deliveries=1_000_000)
    housekeeper = employ(work.deliver, work.reconcile)
    housekeeper.reside()

    def child() -> tuple[bool, bool, bool]:
        before = housekeeper.is_running
        housekeeper.come()
        return before, housekeeper.is_running, os.getpid() != parent

    parent = os.getpid()
    assert in_child(child) == (False, True, True)
    assert housekeeper.is_running
