"""The report as GitHub annotations: workflow commands on stdout, which mark lines of a pull request."""

from collections.abc import Iterator

from rootcellar.specialist.check import Report
from rootcellar.specialist.rules.finding import Finding, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github_lines(report: Report, prefix: str = "") -> Iterator[str]:
    """Yield a command for each finding and failure; ``prefix`` leads from the repository's root to the project."""
    for finding in report.findings:
        yield _command(report, finding, prefix)
    for failure in report.failures:
        said = f"{failure.rule} could not be checked: {failure.error}"
        yield f"::error title={_property(failure.rule)}::{_data(said)}"


def _command(report: Report, finding: Finding, prefix: str) -> str:
    page = report.rules[finding.rule].page
    properties = {"file": prefix + finding.place.path}
    if finding.place.line:
        properties["line"] = str(finding.place.line)
    properties["title"] = f"{finding.rule} {page.name}"
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = "\n".join(part for part in (finding.message, finding.evidence, report.mend(finding)) if part)
    return f"::{_COMMANDS[finding.severity]} {told}::{_data(text)}"


def _data(text: str) -> str:
    """Escape a command's message.

    >>> _data("100%\\nof it")
    '100%25%0Aof it'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property's value.

    >>> _property("a:b,c")
    'a%3Ab%2Cc'
    """
    return _data(text).replace(":", "%3A").replace(",", "%2C")
