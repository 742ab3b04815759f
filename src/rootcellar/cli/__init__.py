"""The command ``rootcellar``; thin. Also mounted as ``celery cellar``."""

import click

from rootcellar import __version__


@click.group()
@click.version_option(__version__, prog_name="rootcellar")
def cellar() -> None:
    """Where Celery keeps its results: look after it."""


def main() -> None:
    """Run the command."""
    cellar()
