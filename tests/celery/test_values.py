"""Values and exceptions: what goes in comes out, as the same type."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from celery import Celery
from cellar_tasks import OutOfApples

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize(
    "value",
    [
        datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC),
        date(1970, 1, 1),
        Decimal("3.14159265358979323846"),
        uuid.UUID("12345678-1234-5678-1234-567812345678"),
        b"\x00\xff\xfe",
        "snow ☃, an emoji 🥔, a NUL \0 and a lone \x1b",
        {"nested": [1, 2.5, None, True, {"at": datetime(2024, 1, 1, tzinfo=UTC)}]},
        10**30,
        "",
        [],
        None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_as_it_went(app: Celery, value: Any) -> None:
    """There (as an argument) and back (as a result) through kombu's JSON."""
    assert app.tasks["echo"].delay(value).get(timeout=30) == value


def test_a_megabyte_comes_back_whole(app: Celery) -> None:
    """Larger than any one packet."""
    value = "0123456789abcdef" * 65_536
    assert app.tasks["echo"].delay(value).get(timeout=30) == value


def test_a_value_that_cannot_be_written_fails_the_task_and_says_why(app: Celery) -> None:
    """The task becomes a FAILURE whose message names the setting and what to do."""
    result = app.tasks["unspeakable"].delay()
    with pytest.raises(Exception, match="Return only values that result_serializer 'json' can express") as caught:
        result.get(timeout=30)
    assert (type(caught.value).__name__, result.state) == ("EncodeError", "FAILURE")


def test_a_builtin_exception_is_raised_again_as_itself(app: Celery) -> None:
    """Type and arguments."""
    with pytest.raises(KeyError) as caught:
        app.tasks["missing_key"].delay("jam").get(timeout=30)
    assert caught.value.args == ("jam",)


def test_an_exception_of_the_project_is_raised_again_as_itself(app: Celery) -> None:
    """Type, arguments, and what its constructor made of them."""
    with pytest.raises(OutOfApples) as caught:
        app.tasks["out_of_apples"].delay(3, "top").get(timeout=30)
    assert (caught.value.args, caught.value.wanted, caught.value.shelf) == ((3, "top"), 3, "top")


def test_a_failure_can_be_returned_instead_of_raised(app: Celery) -> None:
    """``propagate=False``; the traceback is the worker's, as text."""
    result = app.tasks["missing_key"].delay("jam")
    error = result.get(timeout=30, propagate=False)
    assert (type(error), error.args, result.state, result.failed()) == (KeyError, ("jam",), "FAILURE", True)
    assert "raise KeyError(key)\nKeyError: 'jam'" in result.traceback


@pytest.mark.parametrize("text", ["a\0b", "\ud800 alone", "☃" * 5_000], ids=["NUL", "surrogate", "long"])
def test_an_exception_may_say_anything(app: Celery, text: str) -> None:
    """Characters databases refuse in text are kept, in the message and in the traceback."""
    result = app.tasks["says"].delay(text)
    error = result.get(timeout=30, propagate=False)
    assert (type(error), error.args) == (ValueError, (text,))
    assert text in result.traceback
