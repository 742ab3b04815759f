"""Telling whoever wants to know how full a spool is: the hook for metrics."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from rootcellar.spool.entry import Depth

logger = logging.getLogger(__name__)


class SpoolReport(NamedTuple):
    """How much lies in a spool now."""

    #: of the spool: its file's name without the suffix
    name: str
    #: entries that wait for delivery
    records: int
    #: of all payloads
    bytes: int
    #: how long the oldest has waited, in seconds; 0 where nothing waits
    age_s: float
    #: entries that the store refused
    refused: int


Observer = Callable[[SpoolReport], object]

_observers: list[Observer] = []


def observe(callback: Observer) -> Callable[[], None]:
    """Call ``callback`` after each append to a spool of this process, and after each delivery from one.

    It is called by whichever thread did that, and must be quick. Returns a function that ends it.
    """
    _observers.append(callback)

    def end() -> None:
        if callback in _observers:
            _observers.remove(callback)

    return end


def tell(name: str, depth: Callable[[], Depth]) -> None:
    """Tell the observers; ``depth`` is asked only if there are any. What an observer raises is logged."""
    if not _observers:
        return
    try:
        found = depth()
        age_s = 0.0 if found.oldest_at is None else max(0.0, time.time() - found.oldest_at)
        report = SpoolReport(name, found.records, found.bytes, age_s, found.refused)
    except Exception:
        logger.exception("How much lies in the spool %s could not be found out", name)
        return
    for observer in tuple(_observers):
        try:
            observer(report)
        except Exception:
            logger.exception("An observer of the spool %s failed", name)
