"""Failures: what a person reads when a command could not do its work, and the exit status that goes with it."""

import os
from collections.abc import Sequence

import click

from rootcellar.errors import ConfigurationError, MissingDriver, RootcellarError, Unsupported
from rootcellar.specialist.secrets import blot_out

FOUND = 1
WRONG_USAGE = 2
INTERRUPTED = 130

_KEY = "rootcellar.secrets"


def remember_secret(ctx: click.Context, url: str | None) -> None:
    """Keep ``url``, or a bare password, in mind, so that no error message of this run shows what is secret in it."""
    if url:
        ctx.meta.setdefault(_KEY, []).append(url)


def secrets_in(ctx: click.Context) -> list[str]:
    """Return what :func:`remember_secret` was told, and the backend in the environment."""
    return [*ctx.meta.get(_KEY, ()), os.environ.get("CELERY_RESULT_BACKEND", "")]


def status_of(exc: Exception) -> int:
    """Return the exit status for an error: 2 where another command line or setting is needed, else 1.

    >>> status_of(ConfigurationError("no URL")), status_of(MissingDriver("no redis")), status_of(OSError())
    (2, 1, 1)
    """
    wrong_usage = isinstance(exc, (ConfigurationError, Unsupported)) and not isinstance(exc, MissingDriver)
    return WRONG_USAGE if wrong_usage else FOUND


def message_of(exc: Exception, secrets: Sequence[str]) -> str:
    """Return one paragraph on ``exc``, without a secret.

    >>> message_of(ValueError("cannot reach redis://:hunter2@db"), [])
    "ValueError: cannot reach redis://:***@db. This is an error rootcellar has no better words for; if the settings \
are right, please report it with the command's arguments."
    """
    text = " ".join(str(exc).split())
    if isinstance(exc, RootcellarError):
        return blot_out(text, secrets, any_url=False)
    kind = type(exc)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    if isinstance(exc, OSError):
        return blot_out(f"{text or name}.", secrets)
    return (
        f"{name}: {blot_out(text, secrets).rstrip('.')}. This is an error rootcellar has no better words for; if the "
        "settings are right, please report it with the command's arguments."
    )
