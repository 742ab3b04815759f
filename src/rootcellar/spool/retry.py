"""Bounded retry: calling an operation again while the store is away, for so many seconds and no longer."""

import time
from collections.abc import Callable, Iterator
from random import random
from typing import TypeVar

from rootcellar.errors import AccessDenied, SchemaError, StoreUnavailable

T = TypeVar("T")

#: The store is not usable now, and there is nothing wrong with what was to be stored.
AWAY = (StoreUnavailable, AccessDenied, SchemaError)

#: The longest pause before the first repetition; it doubles with each, up to :data:`MOST_S`. Each pause is a random
#: part of it ("full jitter"), so that the workers of a fleet do not all come back at the same moment.
START_S = 0.02
MOST_S = 0.5


def retrying(operation: Callable[[], T], retry_s: float) -> T:
    """Return what ``operation`` returns, repeating it on :exc:`StoreUnavailable` until ``retry_s`` seconds are over."""
    started_at = time.monotonic()
    try:
        return operation()
    except StoreUnavailable as exc:
        return again(operation, retry_s, exc, started_at)


def again(
    operation: Callable[[], T],
    retry_s: float,
    error: StoreUnavailable,
    started_at: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] | None = None,
    chance: Callable[[], float] = random,
) -> T:
    """Repeat an operation that failed with ``error``, having been begun at ``started_at``.

    Raises:
        StoreUnavailable: the time is over; the last of the errors.
    """
    sleep = sleep or time.sleep  # looked up now: gevent may have replaced it
    for pause_s in pauses(started_at + retry_s, clock, chance):
        sleep(pause_s)
        try:
            return operation()
        except StoreUnavailable as exc:
            error = exc
    raise error


def pauses(deadline: float, clock: Callable[[], float], chance: Callable[[], float]) -> Iterator[float]:
    """Yield seconds to sleep before each repetition; the last ends at the deadline.

    >>> list(zip(range(6), pauses(1.0, lambda: 0.0, lambda: 1.0)))
    [(0, 0.02), (1, 0.04), (2, 0.08), (3, 0.16), (4, 0.32), (5, 0.5)]
    """
    most_s = START_S
    while (left_s := deadline - clock()) > 0:
        yield min(left_s, chance() * most_s)
        most_s = min(MOST_S, most_s * 2)
