"""The output of ``rootcellar check``: its forms, as text that goes to a file or to stdout."""

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rootcellar.errors import ConfigurationError

FORMATS = ("text", "json", "sarif", "github")

#: Columns where the output is no terminal.
_WIDTH = 120


@dataclass(frozen=True)
class Output:
    """Where a report goes, and in which form."""

    form: str
    file: Path | None = None
    width: int | None = None
    is_plain: bool = False

    def write(self, text: str) -> None:
        """Write a whole report.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        # A path may hold bytes that are no text.
        data = text.encode("utf-8", "backslashreplace")
        if self.file is None:
            click.echo(data, nl=False, color=True)
        else:
            try:
                self.file.write_bytes(data)
            except OSError as exc:
                raise ConfigurationError(
                    f"--output {self.file}: it cannot be written ({exc.strerror or type(exc).__name__}). Name a file "
                    "in a folder that exists and is yours to write in."
                ) from exc

    def say(self, text: str) -> None:
        """Write what is no part of the report: before it where that is text on stdout, else to stderr."""
        is_apart = self.form != "text" or self.file is not None
        click.echo(text.encode("utf-8", "backslashreplace"), nl=False, err=is_apart)

    def printed(self, show: Callable[[Any], None]) -> str:
        """Return what ``show`` prints on a console as wide and as colourful as the output."""
        from rich.console import Console

        is_terminal = self.file is None and sys.stdout.isatty()
        file = io.StringIO()
        console = Console(
            file=file,
            width=self.width or (None if is_terminal else _WIDTH),
            force_terminal=is_terminal,
            no_color=self.is_plain or None,
            highlight=False,
        )
        show(console)
        # Rich pads with blanks what it wraps.
        return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def rendered(report: Any, out: Output, root: Path, *, is_counted: bool) -> str:
    """Return a report in the form that is asked for; ``is_counted``: its statistics, where the form has them."""
    if out.form == "sarif":
        from rootcellar.specialist.report.sarif import as_sarif

        return _json(as_sarif(report))
    if out.form == "github":
        from rootcellar.specialist.report.github import github_lines

        return "".join(f"{line}\n" for line in github_lines(report, _prefix(root)))
    if out.form == "json":
        from rootcellar.specialist.report.as_json import as_json, statistics

        return _json(statistics(report) if is_counted else as_json(report))
    from rootcellar.specialist.report.as_text import print_statistics, print_text

    show = print_statistics if is_counted else print_text
    return out.printed(lambda console: show(report, console))


def explained(rule: Any, out: Output) -> str:
    """Return a rule's page."""
    page = rule.page
    if out.form == "json":
        from rootcellar.specialist.report.as_json import rule_as_json

        return _json({**rule_as_json(rule), "text": page.text})
    from rich.markdown import Markdown
    from rich.text import Text

    from rootcellar.specialist.rules.page import with_captions

    held = [f"Celery {page.celery}" if str(page.celery) else "", ", ".join(sorted(page.engines))]

    def show(console: Any) -> None:
        console.print(
            Text(f"{rule.id} {page.name}   {page.group}, {page.severity}", "bold"),
            Text("Holds for: " + ("; ".join(one for one in held if one) or "every Celery and engine")),
            Markdown(with_captions(page.text)),
            Text("\nSources: " + ", ".join(page.sources)),
            sep="\n",
        )

    return out.printed(show)


def list_of(rules: Mapping[str, Any], out: Output) -> str:
    """Return all rules, one a line."""
    if out.form == "json":
        from rootcellar.specialist.report.as_json import rule_as_json

        return _json([rule_as_json(rule) for rule in rules.values()])
    from rich.table import Table
    from rich.text import Text

    from rootcellar.specialist.report.as_text import STYLES

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "group", "severity"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it says")
    for rule in rules.values():
        page = rule.page
        table.add_row(
            rule.id,
            page.name,
            page.group,
            Text(page.severity, STYLES[page.severity]),
            Text(page.title.replace("`", "")),
        )
    return out.printed(lambda console: console.print(table))


def diff_of(done: Any, report: Any) -> str:
    """Return the changes as a diff whose lines are shown without what could be a secret."""
    from rootcellar.specialist.mending.diff import shown_diff

    text = shown_diff(done.changes, report.source.hide)
    return f"{text}\n" if text else "Nothing can be mended automatically.\n"


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _prefix(root: Path) -> str:
    """Return the path from the repository's root, where GitHub looks, to the project: ``services/api/`` or empty."""
    try:
        start = os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
        relative = os.path.relpath(root.resolve(), os.path.realpath(start)).replace(os.sep, "/")
    except OSError:  # the current folder is gone
        return ""
    return "" if relative == "." or relative.startswith("..") else f"{relative}/"
