"""The command ``rootcellar``; thin. Also mounted as ``celery cellar``."""

import click

from rootcellar import __version__
from rootcellar.cli.group import CellarGroup


@click.group(
    cls=CellarGroup,
    commands_in={
        "demo": "rootcellar.cli.demo",
        "schema": "rootcellar.cli.schema",
        "spool": "rootcellar.cli.spool",
        "test": "rootcellar.cli.test",
    },
    epilog="\b\nExample: rootcellar test cellar+redis://localhost:6379/0",
)
@click.version_option(__version__, prog_name="rootcellar")
def cellar() -> None:
    """Where Celery keeps its results: try it, make its tables, test it.

    Exit status: 0 all is well, 1 something was found or failed, 2 wrong usage, 130 interrupted.
    """


def main() -> None:
    """Run the command."""
    cellar(prog_name="rootcellar")
