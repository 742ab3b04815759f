"""Waiting for a condition, which is what tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, *, timeout_s: float = 30.0, every_s: float = 0.005) -> T:
    """Call ``condition`` until what it returns is true, and return that.

    Raises:
        AssertionError: it was not within ``timeout_s``; a bound for a test that hangs, not a figure to be met.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain: {what}")
        time.sleep(every_s)
