"""The report as SARIF 2.1.0, the form in which code scanning takes findings.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from typing import Any
from urllib.parse import quote

from rootcellar import __version__
from rootcellar.specialist.check import Report
from rootcellar.specialist.profile import Place
from rootcellar.specialist.rules.finding import Finding, Group, Severity
from rootcellar.specialist.rules.page import with_captions
from rootcellar.specialist.rules.rule import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
#: What GitHub ranks security findings by, 0 to 10.
_SECURITY = {Severity.ERROR: "8.0", Severity.WARNING: "5.0", Severity.INFO: "2.0"}
_FINGERPRINT = "rootcellar/v1"


def as_sarif(report: Report) -> dict[str, Any]:
    """Return the report as a SARIF log with one run, without a secret."""
    rules = [report.rules[rule_id] for rule_id in report.ran]
    index = {rule.id: at for at, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "rootcellar",
                        "semanticVersion": __version__,
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "originalUriBaseIds": {
                    "%SRCROOT%": {"description": {"text": "The folder that was given to rootcellar check."}}
                },
                "results": [_result(report, finding, index[finding.rule]) for finding in report.findings],
                "invocations": [
                    {
                        "executionSuccessful": not report.failures,
                        "toolExecutionNotifications": _notifications(report),
                    }
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    page = rule.page
    properties: dict[str, Any] = {"tags": [str(page.group), "celery"]}
    if page.group is Group.SECURITY:
        properties["security-severity"] = _SECURITY[page.severity]
    described = {
        "id": rule.id,
        "name": page.name,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.why},
        "help": {"text": f"{page.why}\n\n{page.mend}", "markdown": with_captions(page.text)},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
        "properties": properties,
    }
    address = next((source for source in page.sources if source.startswith("https://")), None)
    return described if address is None else {**described, "helpUri": address}


def _result(report: Report, finding: Finding, index: int) -> dict[str, Any]:
    said = " ".join(part for part in (finding.message, finding.evidence, finding.mend) if part)
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": said},
        "locations": [_location(finding.place)],
        "partialFingerprints": {_FINGERPRINT: report.prints[finding]},
    }
    if finding.related:
        result["relatedLocations"] = [{"id": at, **_location(place)} for at, place in enumerate(finding.related)]
    return result


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(_utf8(place.path)), "uriBaseId": "%SRCROOT%"}}
    if place.line:
        # Columns are counted in bytes here, and in characters there.
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical}


def _notifications(report: Report) -> list[dict[str, Any]]:
    failed = [
        {
            "level": "error",
            "message": {"text": f"{one.rule} could not be checked: {one.error}"},
            "associatedRule": {"id": one.rule},
        }
        for one in report.failures
    ]
    unread = [
        {
            "level": "note",
            "message": {"text": f"Not read: {report.source.hide(one.why)}"},
            "locations": [_location(one.place)],
        }
        for one in report.unread
    ]
    return failed + unread


def _utf8(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
