"""``rootcellar doctor``: which of many causes explains a symptom."""

import json
from pathlib import Path

import click

from rootcellar.cli.extra import require_check_extra
from rootcellar.cli.failure import FOUND, remember_secret
from rootcellar.cli.progress import progress
from rootcellar.cli.source import load_app, mounted_app


@click.command(
    epilog="\b\nExamples:\n  rootcellar doctor\n  rootcellar doctor not-persisting\n"
    "  rootcellar doctor pending-forever services/api -A shop --task-id 0c2f…"
)
@click.argument("symptom", required=False)
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path))
@click.option(
    "-A", "--app", "app_name", metavar="APP", help="Load this Celery app, and go by its settings: imports the project."
)
@click.option("--task-id", default="", metavar="ID", help="A task that has the symptom.")
@click.option("--no-probe", is_flag=True, help="Look at the files only: ask neither servers nor workers.")
@click.option("--timeout", default=5.0, type=click.FloatRange(min=0.1), show_default=True, help="Seconds for a call.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def doctor(
    ctx: click.Context,
    symptom: str | None,
    path: Path,
    app_name: str | None,
    *,
    task_id: str,
    no_probe: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Say what explains a symptom, with the evidence and what to do.

    Without SYMPTOM they are listed. PATH is the project's folder; its files are read. The result store, the broker and
    the workers that its settings name are asked, unless --no-probe says not to. Nothing is changed: what is stored for
    a test is deleted.

    Exit status 1 if an explanation was found.
    """
    require_check_extra("doctor")
    from rootcellar.specialist.doctor import diagnose
    from rootcellar.specialist.doctor import symptom as by_name
    from rootcellar.specialist.doctor.as_json import as_json as json_of
    from rootcellar.specialist.inspection import inspection_of
    from rootcellar.specialist.rules import all_rules
    from rootcellar.specialist.secrets import blot_out

    if symptom is None:
        _list(is_json=as_json)
        return
    wanted = by_name(symptom)
    rules = all_rules()
    loaded = load_app(app_name, ctx) if app_name else mounted_app(ctx)
    with progress("Reading the project …") as say:
        seen = inspection_of(path, app_name or "", loaded)
        for secret in seen.secrets:
            remember_secret(ctx, secret)
        found = diagnose(wanted, seen, rules, loaded, task_id=task_id, is_live=not no_probe, timeout_s=timeout, say=say)
    if as_json:
        text = json.dumps(json_of(found), indent=2, ensure_ascii=False)
        click.echo(blot_out(text, found.secrets, any_url=False))
    else:
        from rootcellar.cli.doctor_view import show

        show(found)
    if found.explanation is not None:
        ctx.exit(FOUND)


def _list(*, is_json: bool) -> None:
    from rootcellar.specialist.doctor import SYMPTOMS

    if is_json:
        click.echo(json.dumps([{"symptom": one.name, "meaning": one.meaning} for one in SYMPTOMS], indent=2))
        return
    width = max(len(one.name) for one in SYMPTOMS)
    for one in SYMPTOMS:
        click.echo(f"{one.name:<{width}}  {one.meaning}")
