"""``rootcellar inspect``: what a project has, read from its files."""

import json
from pathlib import Path

import click

from rootcellar.cli.extra import require_check_extra
from rootcellar.cli.failure import remember_secret
from rootcellar.cli.source import load_app, mounted_app


@click.command(
    epilog="\b\nExamples:\n  rootcellar inspect\n  rootcellar inspect services/api --json\n  rootcellar inspect -A shop"
)
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path))
@click.option(
    "-A", "--app", "app_name", metavar="APP", help="Also load this Celery app and compare: it imports the project."
)
@click.option("--probe", is_flag=True, help="Also ask the servers that the settings name, and only those.")
@click.option("--timeout", default=5.0, type=click.FloatRange(min=0.1), show_default=True, help="Seconds for a server.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def inspect(
    ctx: click.Context, path: Path, app_name: str | None, *, probe: bool, timeout: float, as_json: bool
) -> None:
    """Show what a project has: its Celery apps, how they are configured, what its tasks do with results.

    PATH is the project's folder. Its files are read and nothing of it is imported, unless -A names an app to load.
    Credentials are never shown.
    """
    require_check_extra("inspect")
    from rootcellar.specialist.inspection import inspection_of

    loaded = load_app(app_name, ctx) if app_name else mounted_app(ctx)
    seen = inspection_of(path, app_name or "", loaded, probe=probe, timeout_s=timeout)
    for secret in seen.secrets:
        remember_secret(ctx, secret)
    if as_json:
        text = json.dumps(seen.as_json(), indent=2, ensure_ascii=False)
        click.echo(text.encode("utf-8", "backslashreplace"))  # a path may hold bytes that are no text
    else:
        from rootcellar.cli.inspect_view import show

        show(seen)
