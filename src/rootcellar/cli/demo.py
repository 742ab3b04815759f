"""``rootcellar demo``: see it work on this machine, without a server and without a project."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rootcellar.cli.failure import FOUND

_INTRODUCTION = """\
This starts a real Celery worker with two processes on this machine, sends it work of seven kinds through a directory \
of files, and keeps the results in a SQLite store (cellar+sqlite:///). It needs no server, touches nothing of yours, \
and takes some seconds. {end}"""
_GONE = "At the end the worker is stopped and everything is deleted."
_KEPT = "At the end the worker is stopped; the store stays in {keep}, all else is deleted."


@click.command(epilog="\b\nExamples:\n  rootcellar demo\n  rootcellar demo --keep ./cellar-demo")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Leave the store in this directory, which is made if need be.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON, at the end.")
@click.pass_context
def demo(ctx: click.Context, keep: Path | None, *, as_json: bool) -> None:
    """Run real tasks on a real worker, and look.

    Shows what happens to each call, and what then lies in the store. Needs no server and no project.
    """
    from rootcellar.cli.demo_view import LiveView, PlainView, report_of, show_played
    from rootcellar.demo.play import STORE_FILE, play
    from rootcellar.demo.trouble import DemoFailed

    if keep is not None:
        if (keep / STORE_FILE).exists():
            raise click.UsageError(f"There is a {STORE_FILE} in {keep} already. Name another directory.", ctx)
        keep.mkdir(parents=True, exist_ok=True)
    if not as_json:
        click.echo(_INTRODUCTION.format(end=_KEPT.format(keep=keep) if keep else _GONE) + "\n")
    view: Any = PlainView(silent=as_json) if as_json or not sys.stdout.isatty() else LiveView()
    try:
        with _ended_by_sigterm(), view:
            played = play(keep, view.update)
    except DemoFailed as exc:
        if as_json:
            click.echo(json.dumps({"ok": False, "error": str(exc), "worker_log": exc.log_tail}, indent=2))
        else:
            click.echo(f"Error: {exc} The worker's last words:\n\n{exc.log_tail}", err=True)
        ctx.exit(FOUND)
    if as_json:
        click.echo(json.dumps(report_of(played, is_kept=keep is not None), indent=2, ensure_ascii=False))
    else:
        show_played(played, is_kept=keep is not None)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that the worker is stopped and the directory removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        raise click.exceptions.Exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
