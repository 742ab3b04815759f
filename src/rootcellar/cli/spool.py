"""``rootcellar spool``: what finished while the store was away, on this host."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from rootcellar.cli.failure import FOUND, secrets_in
from rootcellar.cli.source import is_named, read_source, source_options
from rootcellar.errors import RootcellarError
from rootcellar.specialist.secrets import blot_out

C = TypeVar("C", bound=Callable[..., Any])

#: Whoever waits longer sees how far it has come.
_PATIENCE_S = 2.0
_TEXT_REFUSALS = 20
#: Where the default directories of all users lie.
_COMMON = Path("/var/tmp")  # noqa: S108


@click.group(epilog="\b\nExample: rootcellar spool show")
def spool() -> None:
    """See and deliver what this host holds for a store.

    A result that finishes while the store is away goes to a file on the worker's host, and from there to the store, by
    itself, when that is back. Run these commands on that host, as the user the workers run as.
    """


def _directory_option(command: C) -> C:
    return click.option(
        "--dir",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where the spools lie, if not in cellar_spool_dir.",
    )(command)


@spool.command(epilog="\b\nExamples:\n  rootcellar spool show\n  rootcellar spool show -A proj --json")
@source_options
@_directory_option
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def show(ctx: click.Context, url: str | None, app_name: str | None, *, directory: Path | None, as_json: bool) -> None:
    """List the spools of this host; exit status 1 if one holds anything.

    With an app or the URL of its store: only what is held for that store.
    """
    from rootcellar.spool import Spool
    from rootcellar.stores import open_store

    only: str | None = None
    if is_named(ctx, url, app_name):
        source, settings = _read(ctx, url, app_name)
        only = str(open_store(source.url, settings).url)
        directory = directory or settings.spool.directory
    elif directory is None:
        named = os.environ.get("CELLAR_SPOOL_DIR")
        directory = Path(named) if named else _default_directory()
    others = _others_than(directory)
    found = [_state_of(path) for path in Spool.paths_in(directory)]
    if only is not None:
        found = [one for one in found if "error" in one or (one["url"] == only and _is_of(source.app, one["app"]))]
    if as_json:
        _print_json(directory, found, others)
    else:
        _print(directory, found)
        _print_others(others)
    if any(one.get("error") or one["records"] or one["refused"] for one in found):
        ctx.exit(FOUND)


@spool.command(epilog="\b\nExample: rootcellar spool flush -A proj")
@source_options
@_directory_option
@click.option("--refused", is_flag=True, help="Try again what the store has refused, too.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def flush(
    ctx: click.Context,
    url: str | None,
    app_name: str | None,
    *,
    directory: Path | None,
    refused: bool,
    as_json: bool,
) -> None:
    """Deliver what is held for a store, now; exit status 1 if something is left or refused.

    Workers do this by themselves. URL is a rootcellar URL; with an app, chords that are completed go on at once.
    """
    from rootcellar.spool import Spool, attempt
    from rootcellar.stores import open_store

    source, settings = _read(ctx, url, app_name)
    store = open_store(source.url, settings)
    ctx.call_on_close(store.close)
    directory = directory or settings.spool.directory
    finish = getattr(source.app.backend, "finish_claim", None) if source.app is not None and url is None else None

    def flush_one(held: Any) -> dict[str, Any]:
        if refused:
            held.readmit()
        with _progress(held.depth().records, as_json=as_json) as progress:
            done = attempt(
                held,
                store,
                # Whoever keeps house for the chords finds it due.
                finish or (lambda claim: store.chords.release(claim, 0.0)),
                lambda: os.urandom(16).hex(),
                settings.chords.lease_s,
                on_progress=progress,
            )
        depth = held.depth()
        why = "another process of this host is delivering" if done.is_elsewhere else str(done.stopped_by or "")
        return {
            "name": held.name,
            "app": held.app_name,
            "url": held.store_url,
            "delivered": done.delivered,
            "left": depth.records,
            "refused": depth.refused,
            "reason": blot_out(why, secrets_in(ctx), any_url=False) or None,
        }

    reports: list[dict[str, Any]] = []
    for_others = 0
    for path in Spool.paths_in(directory):
        try:
            held = Spool.at(path)
            ctx.call_on_close(held.close)
            if held.store_url == str(store.url) and _is_of(source.app, held.app_name):
                reports.append(flush_one(held))
            else:
                for_others += 1
        except RootcellarError as exc:  # it must not keep the others from being delivered
            reports.append({"name": path.stem, "error": blot_out(str(exc), secrets_in(ctx), any_url=False)})
    others = _others_than(directory)
    if as_json:
        _print_json(directory, reports, others)
    else:
        _print_reports(reports)
        if not any("url" in report for report in reports):
            click.echo(f"Nothing is held for {store.url} in {directory}.")
            if for_others:
                click.echo(
                    f"Spools for other stores or apps lie there: {for_others}. To see them: rootcellar spool show"
                )
        _print_others(others)
    if any(report.get("error") or report["left"] or report["refused"] for report in reports):
        ctx.exit(FOUND)


def _read(ctx: click.Context, url: str | None, app_name: str | None) -> tuple[Any, Any]:
    from rootcellar.settings import Settings

    source = read_source(ctx, url, app_name)
    return source, Settings.from_celery(source.settings, os.environ)


def _default_directory() -> Path:
    from rootcellar.settings import default_spool_directory

    return default_spool_directory(os.environ)


def _others_than(directory: Path) -> list[str]:
    """Return other users' default directories, where this is the default: their workers' spools lie there."""
    if directory != _default_directory():
        return []
    found = (path for path in _COMMON.glob("rootcellar-*") if re.fullmatch(r"rootcellar-\d+", path.name))
    return [str(path) for path in sorted(found) if path != directory and path.is_dir()]


def _is_of(app: Any, name: str) -> bool:
    """Whether a spool of an app so named may be meant: another app on the same store has chords of its own."""
    return app is None or not app.main or not name or bool(app.main == name)


def _state_of(path: Path) -> dict[str, Any]:
    """Return what there is to say of one spool; ``error`` where it cannot be read."""
    from rootcellar.spool import Spool

    try:
        held = Spool.at(path)
        depth, refusals, now = held.depth(), held.refusals(), time.time()
        held.close()
    except RootcellarError as exc:
        return {"name": path.stem, "path": str(path), "error": str(exc)}
    return {
        "name": held.name,
        "path": str(path),
        "app": held.app_name,
        "url": held.store_url,
        "records": depth.records,
        "bytes": depth.bytes,
        "oldest_at": depth.oldest_at,
        "age_seconds": None if depth.oldest_at is None else max(0.0, now - depth.oldest_at),
        "refused": depth.refused,
        "refusals": [refusal._asdict() for refusal in refusals],
    }


@contextmanager
def _progress(total: int, *, as_json: bool) -> Iterator[Callable[[Any], object]]:
    """Give a function that shows how much has been delivered, on a terminal, once it has taken a while."""
    if as_json or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    started_at = time.monotonic()
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("Delivering", total=total)

    def update(done: Any) -> None:
        if time.monotonic() - started_at > _PATIENCE_S:
            bar.start()
            bar.update(task, completed=done.delivered + done.refused)

    try:
        yield update
    finally:
        bar.stop()


def _print_json(directory: Path, spools: list[dict[str, Any]], others: list[str]) -> None:
    said = {"directory": str(directory), "spools": spools, "other_directories": others}
    click.echo(json.dumps(said, indent=2, ensure_ascii=False))


def _print_others(others: list[str]) -> None:
    if others:
        click.echo(
            f"Other users have directories too: {', '.join(others)}. To see one: run this as its user, or --dir."
        )


def _print_reports(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        if "error" in report:
            click.echo("{name} could not be delivered: {error}".format(**report))
            continue
        click.echo("{name}: delivered {delivered}, left {left}, refused {refused}.".format(**report))
        if report["reason"]:
            click.echo(f"Why something is left: {report['reason']}")
        if report["refused"]:
            click.echo("What was refused, and why: rootcellar spool show. Once that is mended: spool flush --refused")


def _print(directory: Path, found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not found:
        click.echo(f"There is no spool in {directory}: nothing is held.")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(box=None, pad_edge=False)
    for heading in ("spool", "app", "store"):
        table.add_column(heading, overflow="fold")
    for heading in ("waiting", "bytes", "oldest", "refused"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        if "error" in one:
            table.add_row(one["name"], Text("cannot be read", "bold red"))
            continue
        age_s = one["age_seconds"]
        table.add_row(
            one["name"],
            Text(one["app"]),
            Text(one["url"]),
            f"{one['records']:,}",
            f"{one['bytes']:,}",
            "" if age_s is None else _age(age_s),
            f"{one['refused']:,}",
        )
    console.print(table)
    for one in found:
        if "error" in one:
            console.print(Text(f"\n{one['error']}"))
        for refusal in one.get("refusals", ())[:_TEXT_REFUSALS]:
            console.print(Text(f"\n{one['name']}: task {refusal['task_id']} {refusal['state']}: {refusal['reason']}"))
        if one.get("refused", 0) > _TEXT_REFUSALS:
            console.print(Text(f"\n{one['name']}: {one['refused'] - _TEXT_REFUSALS:,} more; --json lists them."))


def _age(seconds: float) -> str:
    """Return a duration to be read at a glance.

    >>> _age(4.2), _age(75), _age(7300), _age(200_000)
    ('4 s', '1 min', '2 h', '2 d')
    """
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
