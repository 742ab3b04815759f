"""``rootcellar check``: what is wrong with the way a project keeps its results."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from rootcellar.cli.check_output import FORMATS, Output, diff_of, explained, list_of, rendered
from rootcellar.cli.extra import require_check_extra
from rootcellar.cli.failure import FOUND, remember_secret
from rootcellar.cli.progress import progress
from rootcellar.errors import ConfigurationError, did_you_mean

#: How often --fix looks again for what it could mend; each time it mends at least one file.
_ROUNDS = 20
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "manage.py", ".git")


@dataclass(frozen=True)
class Asked:
    """What the command line says of how to look at the project."""

    root: Path
    #: path of the one file to report; empty: all
    only: str
    app_name: str
    probe: bool
    history: bool
    timeout_s: float


@click.command(
    epilog="\b\nExamples:\n  rootcellar check\n  rootcellar check services/api --select security\n"
    "  rootcellar check --explain RC204\n  rootcellar check --fix"
)
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path))
@click.option(
    "-A", "--app", "app_name", metavar="APP", help="Also load this Celery app, for what the files do not say."
)
@click.option("--probe", is_flag=True, help="Also ask the servers that the settings name, and only those.")
@click.option("--history", is_flag=True, help="Also look for credentials in git's history.")
@click.option("--timeout", default=5.0, type=click.FloatRange(min=0.1), show_default=True, help="Seconds for a server.")
@click.option("--select", multiple=True, metavar="RULES", help="Only these: ids, beginnings of ids, groups.")
@click.option("--ignore", multiple=True, metavar="RULES", help="Not these.")
@click.option("--fail-on", metavar="SEVERITY", help="Least severity for exit status 1: info, warning, error, never.")
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Do not report what FILE knows.")
@click.option("--update-baseline", is_flag=True, help="Write what is found now to the baseline.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of output.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to FILE.")
@click.option("--statistics", is_flag=True, help="Only count the findings of each rule.")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend, then check again.")
@click.option("--diff", is_flag=True, help="Show what --fix would change.")
@click.option("--explain", metavar="RULE", help="Explain a rule.")
@click.option("--list-rules", is_flag=True, help="List the rules.")
@click.option("--no-color", is_flag=True, help="No colours.")
@click.option("--width", type=click.IntRange(min=40), metavar="COLUMNS", help="Width of the text.")
@click.pass_context
def check(ctx: click.Context, /, path: Path, app_name: str | None, **options: Any) -> None:
    """Find what is wrong with how results are kept.

    PATH is the project's folder, or one of its files: then the whole project is read and that file reported. Nothing
    of the project is imported, unless -A names an app to load.

    Exit status 1 if anything at or above --fail-on is found.
    """
    form = "json" if options["as_json"] else options["form"]
    rules = _rules()
    out = Output(form, options["output"], options["width"], is_plain=options["no_color"])
    if options["explain"]:
        out.write(explained(_rule(options["explain"], rules), out))
    elif options["list_rules"]:
        out.write(list_of(rules, out))
    else:
        asked = _asked(path, app_name or "", options)
        _check(ctx, asked, rules, options, out)


def _check(ctx: click.Context, asked: Asked, rules: Any, options: dict[str, Any], out: Output) -> None:
    from rootcellar.specialist.checking.baseline import read_baseline, write_baseline

    configuration = _configuration(asked, rules, options)
    baseline: Path | None = options["baseline"] or configuration.baseline
    if options["update_baseline"] and baseline is None:
        raise click.UsageError("--update-baseline: say where with --baseline FILE, or baseline in pyproject.toml.", ctx)
    narrowed = [name for name in ("select", "ignore", "fix", "diff") if options[name]]
    if options["update_baseline"] and (narrowed or asked.only):
        with_what = f"--{narrowed[0]}" if narrowed else "a single file"
        raise click.UsageError(f"--update-baseline writes all that is found, and cannot go with {with_what}.", ctx)
    known = read_baseline(baseline) if baseline is not None and not options["update_baseline"] else ()

    def run() -> Any:
        return _report(ctx, asked, rules, configuration, known)

    report = run()
    if options["update_baseline"]:
        for failure in report.failures:
            click.echo(f"{failure.rule} could not be run: {failure.error}", err=True)
        write_baseline(baseline, report.known_now())  # type: ignore[arg-type]
        number = len(report.findings)
        click.echo(f"{baseline} now knows {number} finding{'' if number == 1 else 's'}.", err=True)
        if report.failures:
            ctx.exit(FOUND)
        return
    if options["fix"] or options["diff"]:
        report = _mend(report, run, out, is_written=options["fix"], only=asked.only)
    if asked.only:
        report = report.only_in(asked.only)
    out.write(rendered(report, out, asked.root, is_counted=options["statistics"]))
    if report.is_failed:
        ctx.exit(FOUND)


def _report(ctx: click.Context, asked: Asked, rules: Any, configuration: Any, known: Any) -> Any:
    from rootcellar.cli.source import load_app, mounted_app
    from rootcellar.specialist.check import check as run
    from rootcellar.specialist.inspection import inspection_of

    loaded = load_app(asked.app_name, ctx) if asked.app_name else mounted_app(ctx)
    with progress("Reading the project …") as say:
        seen = inspection_of(asked.root, asked.app_name, loaded, probe=asked.probe, timeout_s=asked.timeout_s)
        for secret in seen.secrets:
            remember_secret(ctx, secret)
        for note in seen.notes:
            click.echo(note, err=True)
        project = seen.project
        if asked.history:
            from rootcellar.specialist.history import credentials_in_history

            say("Reading git's history …")
            project = replace(project, history=tuple(credentials_in_history(asked.root)))
        for probe in project.probes or ():
            if probe.error:
                click.echo(f"{probe.setting} of {probe.app} could not be asked: {probe.error}", err=True)
        say("Checking …")
        return run(project, rules, configuration, known, seen.secrets)


def _mend(report: Any, run: Callable[[], Any], out: Output, *, is_written: bool, only: str) -> Any:
    """Show what can be mended; write it, and return the report of a second check, if ``is_written``."""
    from rootcellar.specialist.mending.mended import mended

    files: set[str] = set()
    for _ in range(_ROUNDS):
        findings = [one for one in report.findings if not only or one.place.path == only]
        done = mended(report.project.profile, findings)
        if done.changes or not files:
            out.say(diff_of(done, report))
        if not is_written or not done.changes:
            break
        done.write()
        files.update(change.path for change in done.changes)
        # What was mended may have hidden another one: a setting that a subclass or a later module sets again.
        report = run()
    for refused in done.refused:
        click.echo(f"Not mended: {refused.place}: {refused.why}", err=True)
    if files:
        mended_now = "1 file was mended." if len(files) == 1 else f"{len(files)} files were mended."
        click.echo(mended_now, err=True)
    return report


def _rules() -> Any:
    require_check_extra("check")
    from rootcellar.specialist.rules import all_rules

    return all_rules()


def _rule(name: str, rules: Any) -> Any:
    """Return the rule of an id or a name."""
    by_name = {rule.page.name: rule for rule in rules.values()}
    rule = rules.get(name.upper()) or by_name.get(name.lower())
    if rule is None:
        raise ConfigurationError(
            f"--explain: there is no rule {name!r}.{did_you_mean(name, [*rules, *by_name])} "
            "`rootcellar check --list-rules` lists them."
        )
    return rule


def _configuration(asked: Asked, rules: Any, options: dict[str, Any]) -> Any:
    from rootcellar.specialist.checking.configuration import configuration_of, fail_on, with_options

    configuration = configuration_of(asked.root, rules)
    configuration = replace(
        configuration, selection=with_options(configuration, options["select"], options["ignore"], rules)
    )
    if options["fail_on"]:
        configuration = replace(configuration, fail_on=fail_on(options["fail_on"], "--fail-on"))
    return configuration


def _asked(path: Path, app_name: str, options: dict[str, Any]) -> Asked:
    root, only = path, ""
    if not path.is_absolute() and not _is_anywhere():
        raise ConfigurationError(f"The current folder is gone, so there is no {path} in it. Change to another one.")
    if path.is_file():
        full = Path(os.path.abspath(path))
        root = next((one for one in full.parents if any((one / name).exists() for name in _PROJECT_FILES)), full.parent)
        only = full.relative_to(root).as_posix()
    elif not path.is_dir():
        raise ConfigurationError(f"{path} does not exist. Name the folder of a project, or one of its files.")
    return Asked(root, only, app_name, options["probe"], options["history"], options["timeout"])


def _is_anywhere() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
