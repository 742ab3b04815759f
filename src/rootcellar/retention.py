"""Retention: how long a record is kept.

Celery's global settings, for now: ``result_expires`` and, from Celery 5.7, ``result_failure_expires``. As Celery
documents them, ``None`` and ``0`` both mean: for ever. (Celery's database backend deletes everything at ``0`` and
raises at ``None``, celery/celery#6295.)
"""

from dataclasses import dataclass
from datetime import timedelta

from rootcellar.errors import ConfigurationError
from rootcellar.record import FAILURE

DAY_S = 86_400.0
#: A thousand years: what every engine's clock can add to today.
LONGEST_S = 1000 * 365 * DAY_S


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds a record is kept from the moment it is stored; ``None`` is for ever.

    >>> Retention(expires_s=60.0).seconds_for("SUCCESS")
    60.0
    >>> Retention(expires_s=60.0, failure_expires_s=120.0).seconds_for("FAILURE")
    120.0
    """

    expires_s: float | None = DAY_S
    failure_expires_s: float | None = DAY_S

    def seconds_for(self, state: str) -> float | None:
        """Return how long a record that enters ``state`` now is kept, in seconds, or ``None`` for ever."""
        return self.failure_expires_s if state == FAILURE else self.expires_s


def seconds(value: object, setting: str) -> float | None:
    """Return a retention setting as seconds; ``None`` and ``0`` become ``None``, for ever.

    Raises:
        ConfigurationError: negative, or neither a number nor a ``timedelta``.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(
            f"{setting} is {value!r}, a {type(value).__name__}. Give seconds as a number, a datetime.timedelta, or "
            "None to keep results for ever."
        )
    if not 0 <= value <= LONGEST_S:
        raise ConfigurationError(
            f"{setting} is {value!r}. Give 0 to {LONGEST_S:.0f} seconds (1,000 years); 0 and None keep results "
            "for ever."
        )
    return float(value) or None
