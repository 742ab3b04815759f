"""``rootcellar test``: tries everything a Celery project relies on, on the live result backend."""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from rootcellar.cli.failure import FOUND
from rootcellar.cli.progress import progress
from rootcellar.cli.source import read_source, source_options


@click.command(
    epilog="\b\nExamples:\n  rootcellar test cellar+redis://localhost:6379/0\n"
    "  rootcellar test db+postgresql://localhost/celery"
)
@source_options
@click.option("--timeout", default=5.0, type=click.FloatRange(min=0.1), show_default=True, help="Seconds for a step.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.pass_context
def test(ctx: click.Context, url: str | None, app_name: str | None, *, timeout: float, as_json: bool) -> None:
    """Try a live backend, step by step.

    Stores, reads, waits for and deletes results, and reports each step with its time.

    URL is a result_backend: with cellar+ rootcellar's, without it Celery's own. What is stored has ids that start with
    rootcellar-test-, and is deleted at the end.
    """
    from rootcellar.specialist.secrets import blot_out
    from rootcellar.specialist.step import Outcome
    from rootcellar.specialist.verify import STEPS, verify
    from rootcellar.urls import redact

    source = read_source(ctx, url, app_name)
    steps = []
    with (
        closing(verify(source.url, source.settings, timeout_s=timeout)) as running,
        progress("", is_quiet=as_json) as say,
    ):
        say(f"{STEPS[0]} …")
        for step in running:
            steps.append(step)
            say(f"{STEPS[min(len(steps), len(STEPS) - 1)]} …")
    failed = [step for step in steps if step.outcome is Outcome.FAILED]
    if as_json:
        report = {
            "url": blot_out(redact(source.url), [source.url]),
            "ok": not failed,
            "steps": [asdict(step) for step in steps],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _show(steps)
    if failed:
        ctx.exit(FOUND)


def _show(steps: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "failed": "bold red", "skipped": "yellow"}
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    table = Table(box=None, pad_edge=False)
    for heading in ("step", "outcome"):
        table.add_column(heading, no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for step in steps:
        ms = f"{step.seconds * 1000:.1f}" if step.seconds else ""
        table.add_row(step.name, Text(step.outcome, styles[step.outcome]), ms, Text(step.detail))
    console.print(table)
    for step in steps:
        if step.advice:
            console.print(Text(f"\n{step.name}: {step.advice}"))
    counts = ", ".join(f"{sum(step.outcome == name for step in steps)} {name}" for name in styles)
    console.print(Text(f"\n{counts}."))
