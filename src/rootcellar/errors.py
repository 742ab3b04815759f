"""Every error a user can meet, on one page.

One root, :exc:`RootcellarError`. A message is one paragraph: what happened, which setting or argument it concerns, and
what to do next. No message ever holds a password: URLs are redacted with :func:`rootcellar.urls.redact` first.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from kombu.exceptions import DecodeError as KombuDecodeError
from kombu.exceptions import EncodeError as KombuEncodeError


class RootcellarError(Exception):
    """Something rootcellar was asked to do could not be done."""


class ConfigurationError(RootcellarError):
    """A setting or a URL is wrong."""


class MissingDriver(ConfigurationError):
    """The Python package that talks to this engine is not installed."""


class StoreUnavailable(RootcellarError):
    """The store's server could not be reached, or went away in the middle of an operation."""


class StoreTimeout(StoreUnavailable):
    """The store, or its connection pool, did not answer in the time the settings allow."""


class StoreBusy(StoreUnavailable):
    """The server is there and refuses for now: it starts, fails over, is overloaded or full, or another transaction is
    in the way."""


class AccessDenied(RootcellarError):
    """The store refused the login, or the login lacks a privilege."""


class SchemaError(RootcellarError):
    """The store's tables are missing, of another version, or not rootcellar's."""


class StoreError(RootcellarError):
    """The store answered with an error that has no more precise name here."""


class SpoolError(RootcellarError):
    """The spool's file cannot be read or written, or was made by another version of rootcellar."""


class SpoolFull(SpoolError):
    """A finished record could be kept neither in the store nor in the spool. It stands in the log, in full."""


class TaskStopped(RootcellarError):
    """A task ended with an exception that would end this program too, or cancel what waits in it, if it were raised
    here: ``SystemExit``, ``KeyboardInterrupt``, ``asyncio.CancelledError``. It is the ``__cause__``."""


class InvalidRecord(RootcellarError, ValueError):
    """A record cannot be kept as it is: its id is empty, too long, or holds a NUL byte."""


class EncodeError(RootcellarError, KombuEncodeError):
    """A task's return value cannot be serialized.

    Also kombu's ``EncodeError``, which is what makes Celery's worker turn the task into a FAILURE that says so.
    """


class DecodeError(RootcellarError, KombuDecodeError):
    """A stored payload cannot be read back."""


class PayloadTooLarge(EncodeError):
    """An encoded result is larger than ``cellar_max_payload_bytes``."""


class UnknownGroup(RootcellarError, LookupError):
    """No group is saved under this id."""


class MissingPackage(ConfigurationError, ImportError):
    """The Python package that a part of rootcellar is for is not installed."""


class Unsupported(RootcellarError):
    """The engine, or the app's result backend, cannot do what was asked of it."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the known word nearest to ``word``, or an empty string.

    >>> did_you_mean("cellar_look_intervall", ["cellar_look_interval", "cellar_store_timeout"])
    " Did you mean 'cellar_look_interval'?"
    >>> did_you_mean("zzz", ["cellar_look_interval"])
    ''
    """
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
