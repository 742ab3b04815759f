"""The errors."""

import inspect

import pytest
from kombu.exceptions import DecodeError as KombuDecodeError
from kombu.exceptions import EncodeError as KombuEncodeError

from rootcellar import errors
from rootcellar.errors import RootcellarError, did_you_mean


def test_every_error_has_one_root() -> None:
    """So that ``except RootcellarError`` catches whatever we raise."""
    found = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__}

    assert found == {kind for kind in found if issubclass(kind, RootcellarError)}


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.MissingDriver, errors.ConfigurationError),
        (errors.StoreTimeout, errors.StoreUnavailable),
        (errors.StoreBusy, errors.StoreUnavailable),
        (errors.SpoolFull, errors.SpoolError),
        (errors.PayloadTooLarge, errors.EncodeError),
        (errors.EncodeError, KombuEncodeError),
        (errors.DecodeError, KombuDecodeError),
        (errors.InvalidRecord, ValueError),
    ],
)
def test_an_error_is_also_what_others_already_catch(kind: type, base: type) -> None:
    """Celery's worker knows kombu's errors; callers know the wider ones."""
    assert issubclass(kind, base)


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("cellar_look_intervall", " Did you mean 'cellar_look_interval'?"),
        ("cellar_store_timout", " Did you mean 'cellar_store_timeout'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_word_is_suggested_and_only_if_it_is_near(word: str, suggested: str) -> None:
    """A far-fetched suggestion is worse than none."""
    assert suggested == did_you_mean(word, ["cellar_look_interval", "cellar_store_timeout"])


def test_words_may_come_from_any_iterable() -> None:
    """Also from one that can be read only once."""
    assert did_you_mean("reds", iter(["redis", "sqlite"])) == " Did you mean 'redis'?"
