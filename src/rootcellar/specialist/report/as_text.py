"""The report as text, by file, for a person."""

from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rootcellar.specialist.check import Report
from rootcellar.specialist.report.as_json import statistics
from rootcellar.specialist.rules.finding import Finding, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def print_text(report: Report, console: Console) -> None:
    """Print the findings by file, each with its line and its mend; then what else there is to say, and the summary."""
    mended: set[str] = set()
    for path, findings in groupby(report.findings, lambda one: one.place.path):
        console.print(Text(path, "bold underline"))
        for finding in findings:
            # What a rule's page says is said once.
            mend = report.mend(finding) if finding.mend or finding.rule not in mended else ""
            mended.add(finding.rule)
            _print_finding(report, finding, mend, console)
        console.print()
    for failure in report.failures:
        about = f" on {failure.app}" if failure.app else ""
        console.print(
            Text(
                f"{failure.rule} could not be checked{about}: {failure.error}. This is a mistake in rootcellar; please "
                "report it.",
                "bold red",
            )
        )
    for unread in report.unread:
        console.print(Text(f"Not read: {unread.place}: {report.source.hide(unread.why)}.", "dim"))
    for known in report.stale:
        console.print(
            Text(f"{known.path}: the baseline's {known.rule} is not found any more: --update-baseline.", "dim")
        )
    console.print(Text(_summary(report)))


def print_statistics(report: Report, console: Console) -> None:
    """Print how often each rule was broken."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in statistics(report):
        table.add_row(str(row["count"]), Text(str(row["severity"]), STYLES[row["severity"]]), row["rule"], row["name"])
    console.print(table)


def _print_finding(report: Report, finding: Finding, mend: str, console: Console) -> None:
    page = report.rules[finding.rule].page
    line = f"{finding.place.line}" if finding.place.line else "-"
    head = Text.assemble(
        (f"{line:>5}  "),
        (f"{finding.severity} ", STYLES[finding.severity]),
        (f"{finding.rule} ", "bold"),
        (f"{page.name}", "dim"),
        (f"  {finding.app}" if finding.app and len(report.project.profile.apps) > 1 else "", "dim"),
    )
    console.print(head)
    shown = report.source.shown(finding.place)
    for text, style in (
        (finding.message, ""),
        (f"| {shown}" if shown else "", "dim"),
        (f"Seen: {finding.evidence}" if finding.evidence else "", ""),
        (f"Mend: {mend}" if mend else "", "green"),
        (f"See also: {', '.join(map(str, finding.related))}" if finding.related else "", "dim"),
    ):
        if text:
            console.print(Padding(Text(text, style), (0, 0, 0, 7)))


def _summary(report: Report) -> str:
    """Return the last line.

    One of several forms: ``2 errors, 1 warning, 0 infos; 3 ignored by comments; 1 in the baseline.``
    """
    if report.findings:
        said = [", ".join(_counted(count, severity) for severity, count in report.counts.items())]
    else:
        said = ["Nothing found" if report.project.profile.apps else "Nothing found, and no Celery app either"]
    if report.ignored:
        said.append(f"{report.ignored} ignored by comments")
    if report.known:
        said.append(f"{report.known} in the baseline")
    mendable = sum(one.edit is not None for one in report.findings)
    if mendable:
        said.append(f"{mendable} can be mended by --fix")
    return (
        "; ".join(said) + f". {_counted(len(report.ran), 'rule')}, {_counted(len(report.project.profile.apps), 'app')}."
    )


def _counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> _counted(1, "error"), _counted(2, "error")
    ('1 error', '2 errors')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
