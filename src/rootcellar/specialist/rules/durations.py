"""Durations, as settings give them: a number of seconds or a ``timedelta``."""

from datetime import timedelta
from typing import Any

DAY_S = 24 * 60 * 60


def seconds_of(data: Any) -> float | None:
    """Return seconds; ``None`` for what is no duration.

    >>> seconds_of(timedelta(days=1)), seconds_of(60), seconds_of(True), seconds_of("60")
    (86400.0, 60.0, None, None)
    """
    if isinstance(data, timedelta):
        return data.total_seconds()
    return float(data) if isinstance(data, (int, float)) and not isinstance(data, bool) else None
