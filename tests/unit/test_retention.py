"""Retention: how long a record is kept."""

from datetime import timedelta
from typing import Any

import pytest

from rootcellar.errors import ConfigurationError
from rootcellar.retention import Retention, seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (0, None),
        (0.0, None),
        (timedelta(0), None),
        (60, 60.0),
        (0.5, 0.5),
        (timedelta(days=1), 86_400.0),
        (timedelta(milliseconds=1), 0.001),
    ],
)
def test_a_setting_is_read_as_seconds_and_none_and_zero_mean_for_ever(value: object, expected: float | None) -> None:
    """As Celery documents ``result_expires``."""
    assert expected == seconds(value, "result_expires")


@pytest.mark.parametrize(
    "value", [-1, timedelta(days=-1), float("inf"), float("nan"), "60", True, False, [60], b"60", {"days": 1}]
)
def test_anything_else_is_refused_by_name(value: object) -> None:
    """The message says which setting, and what to give."""
    with pytest.raises(ConfigurationError, match=r"^result_expires is ") as caught:
        seconds(value, "result_expires")

    assert "keep results for ever" in str(caught.value)


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "SUCCESS", "REVOKED", "PROGRESS"])
def test_every_state_but_a_failure_is_kept_as_long_as_results_are(state: str) -> None:
    """``result_expires``."""
    assert Retention(expires_s=1.0, failure_expires_s=2.0).seconds_for(state) == 1.0


def test_a_failure_may_have_a_time_of_its_own() -> None:
    """``result_failure_expires``, of Celery 5.7."""
    assert Retention(expires_s=1.0, failure_expires_s=2.0).seconds_for("FAILURE") == 2.0


def test_without_settings_everything_is_kept_for_a_day() -> None:
    """Celery's default."""
    day: Any = 86_400.0

    assert (day, day) == (Retention().seconds_for("SUCCESS"), Retention().seconds_for("FAILURE"))
