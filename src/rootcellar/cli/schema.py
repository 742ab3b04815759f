"""``rootcellar schema``: the tables of a SQL store."""

import json
import os
from typing import Any

import click

from rootcellar.cli.failure import FOUND, secrets_in
from rootcellar.cli.source import read_source, source_options
from rootcellar.specialist.secrets import blot_out


@click.group(epilog="\b\nExample: rootcellar schema upgrade cellar+postgresql://localhost/celery")
def schema() -> None:
    """Make and upgrade a SQL store's tables.

    A store makes its tables by itself when first used, unless database_create_tables_at_setup is off or its login may
    not: this is for those, and for upgrades. SQL stores are those for PostgreSQL and SQLite.
    """


@schema.command(epilog="\b\nExample: rootcellar schema upgrade --dry-run cellar+sqlite:///results.db")
@source_options
@click.option("--dry-run", is_flag=True, help="Show the SQL and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def upgrade(ctx: click.Context, url: str | None, app_name: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Make the tables, or bring them to this release's version, in one transaction.

    URL is a rootcellar URL of a SQL store.
    """
    from rootcellar.specialist import tables

    store = _open(ctx, url, app_name)
    shown = blot_out(str(store.url), secrets_in(ctx))
    version = tables.version_of(store)
    missing = tables.missing(store, version)
    report: dict[str, Any] = {
        "url": shown,
        "before": version.found,
        "latest": version.latest,
        "migrations": [{"version": step.version, "name": step.name} for step in missing],
    }
    if not as_json:
        click.echo(_intention(shown, version, [f"{s.version} ({s.name})" for s in missing], dry_run=dry_run))
    if missing and dry_run:
        report["sql"] = tables.script(store, since=version.found or 0)
        if not as_json:
            click.echo(report["sql"])
    elif missing:
        store.schema_upgrade()
    report["after"] = version.found if dry_run else version.latest
    if as_json:
        click.echo(json.dumps(report, indent=2))
    elif missing and not dry_run:
        click.echo(f"Done: the tables are of version {version.latest}.")


@schema.command(epilog="\b\nExample: rootcellar schema current cellar+sqlite:///results.db || echo upgrade first")
@source_options
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def current(ctx: click.Context, url: str | None, app_name: str | None, *, as_json: bool) -> None:
    """Say which version the tables are of; exit status 1 if it is not this release's.

    URL is a rootcellar URL of a SQL store.
    """
    from rootcellar.specialist import tables

    store = _open(ctx, url, app_name)
    shown = blot_out(str(store.url), secrets_in(ctx))
    version = tables.version_of(store)
    if as_json:
        report = {
            "url": shown,
            "version": version.found,
            "latest": version.latest,
            "current": version.is_current,
        }
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(f"{shown}: version {version.found or 'none'}, latest {version.latest}.")
        if not version.is_current:
            newer = version.found is not None and version.found > version.latest
            click.echo("Upgrade rootcellar." if newer else f"Upgrade with: rootcellar schema upgrade {shown}")
    if not version.is_current:
        ctx.exit(FOUND)


@schema.command(epilog="\b\nExample: rootcellar schema sql cellar+postgresql://localhost/celery > tables.sql")
@source_options
@click.option("--since", type=click.IntRange(0), default=0, metavar="VERSION", help="Only what comes after it.")
@click.pass_context
def sql(ctx: click.Context, url: str | None, app_name: str | None, *, since: int) -> None:
    """Print the SQL of the migrations, for an administrator to run. Nothing is connected.

    URL is a rootcellar URL of a SQL store; its host and login do not matter here.
    """
    from rootcellar.specialist import tables

    click.echo(tables.script(_open(ctx, url, app_name), since=since), nl=False)


def _open(ctx: click.Context, url: str | None, app_name: str | None) -> Any:
    from rootcellar.settings import Settings
    from rootcellar.specialist import tables

    source = read_source(ctx, url, app_name)
    store = tables.open_tables(source.url, Settings.from_celery(source.settings, os.environ))
    ctx.call_on_close(store.close)
    return store


def _intention(url: str, version: Any, steps: list[str], *, dry_run: bool) -> str:
    if not steps:
        return f"{url}: the tables are of version {version.latest}, the latest. Nothing to do."
    verb = "Would apply" if dry_run else "Applying"
    return f"{url}: version {version.found or 'none'}, latest {version.latest}. {verb}: {', '.join(steps)}."
