"""The command ``rootcellar``; thin. Also mounted as ``celery cellar``."""

import sys
from typing import Any

import click

from rootcellar import __version__
from rootcellar.cli.group import CellarGroup
from rootcellar.cli.streams import ready_streams
from rootcellar.urls import PREFIX


@click.group(
    cls=CellarGroup,
    commands_in={
        "check": "rootcellar.cli.check",
        "demo": "rootcellar.cli.demo",
        "doctor": "rootcellar.cli.doctor",
        "inspect": "rootcellar.cli.inspect",
        "schema": "rootcellar.cli.schema",
        "spool": "rootcellar.cli.spool",
        "test": "rootcellar.cli.test",
    },
    epilog="\b\nExample: rootcellar test cellar+redis://localhost:6379/0",
)
@click.version_option(__version__, prog_name="rootcellar")
def cellar() -> None:
    """Where Celery keeps its results: look at a project and check it, try a store, test it, make its tables.

    Exit status: 0 all is well, 1 something was found or failed, 2 wrong usage, 130 interrupted.
    """


def main() -> None:
    """Run the command."""
    ready_streams()
    cellar(prog_name="rootcellar")


def _meet_backend(sender: Any, **_: Any) -> None:
    if str(sender.app.conf.result_backend or "").startswith(PREFIX):
        _ = sender.app.backend


# `celery` imports this module with all its commands. A worker looks its backend up to print it in its banner, and with
# `--quiet` not before the first task ends: its spool and its chords would wait until then.
if "celery.bin.celery" in sys.modules:
    from celery.signals import worker_init

    worker_init.connect(_meet_backend, dispatch_uid="rootcellar.worker_init", weak=False)
