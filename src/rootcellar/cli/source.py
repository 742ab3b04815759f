"""The source: which result backend a command is about, and under which settings."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from rootcellar.cli.failure import remember_secret
from rootcellar.errors import ConfigurationError
from rootcellar.specialist.secrets import blot_out, in_settings

C = TypeVar("C", bound=Callable[..., Any])

VARIABLE = "CELERY_RESULT_BACKEND"


@dataclass(frozen=True)
class Source:
    """A result backend's URL (with its password) and the Celery settings that go with it, by lower-case name."""

    url: str = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    #: the app they are from, if they are from one
    app: Any = field(default=None, repr=False)


def source_options(command: C) -> C:
    """Give a command the argument ``URL`` and the option ``-A``; :func:`read_source` makes sense of them."""
    argument = click.argument("url", required=False)
    option = click.option(
        "-A", "--app", "app_name", metavar="APP", help="A Celery app (as for `celery -A`) whose settings to use."
    )
    return option(argument(command))


def read_source(ctx: click.Context, url: str | None, app_name: str | None) -> Source:
    """Return the backend that the command line means: URL, else the app's, else the environment's.

    Raises:
        click.UsageError: none of them names one.
        ConfigurationError: the app cannot be loaded.
    """
    remember_secret(ctx, url)
    app = load_app(app_name, ctx) if app_name else mounted_app(ctx)
    settings: dict[str, Any] = {}
    if app is not None:
        settings = {str(name): app.conf[name] for name in app.conf}
        for secret in in_settings(settings):
            remember_secret(ctx, secret)
        url = url or app.conf.result_backend
    url = url or os.environ.get(VARIABLE)
    remember_secret(ctx, url)
    if not url:
        raise click.UsageError(
            "No result backend is named. Give its URL, or a Celery app with -A whose result_backend to use, or set "
            f"{VARIABLE}.",
            ctx,
        )
    return Source(url, settings, app)


def is_named(ctx: click.Context, url: str | None, app_name: str | None) -> bool:
    """Whether the command line names a backend; the environment does not count."""
    return bool(url or app_name or mounted_app(ctx))


def mounted_app(ctx: click.Context) -> Any:
    """Return the app of ``celery -A proj cellar …``, or ``None``."""
    root = ctx.find_root()
    return getattr(root.obj, "app", None) if root.params.get("app") else None


def load_app(name: str, ctx: click.Context) -> Any:
    """Import the Celery app that ``-A name`` means.

    Raises:
        ConfigurationError: it cannot be loaded.
    """
    from celery.app.utils import find_app

    try:
        app = find_app(name)
        if hasattr(app, "conf"):
            len(app.conf)  # Celery reads its configuration only now, and may refuse it
    except Exception as exc:
        reason = blot_out(" ".join(str(exc).split()), ctx.meta.get("rootcellar.secrets", ()))
        raise ConfigurationError(
            f"-A {name}: the Celery app cannot be loaded ({type(exc).__name__}: {reason}). Run the command where "
            f"`celery -A {name} report` works."
        ) from exc
    if not hasattr(app, "conf"):
        raise ConfigurationError(f"-A {name}: that is a {type(app).__name__}, not a Celery app. Try -A {name}.app.")
    return app
