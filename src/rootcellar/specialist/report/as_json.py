"""The report as JSON: ``check.schema.json`` says what is in it."""

from collections.abc import Mapping
from typing import Any

from rootcellar import __version__
from rootcellar.specialist.check import Report
from rootcellar.specialist.profile import Place
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.rule import Rule

#: Its number grows when something is taken out or changes its meaning; what is added does not count.
SCHEMA = "rootcellar.check/1"


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain data, without a secret."""
    project = report.project
    return {
        "schema": SCHEMA,
        "tool": {"name": "rootcellar", "version": __version__},
        "ok": not report.is_failed,
        "fail_on": report.fail_on or "never",
        "apps": [
            {"target": app.target, "celery": str(project.version(app)), "engine": project.engine(app).name}
            for app in project.profile.apps
        ],
        "rules": list(report.ran),
        "summary": {
            **{str(severity): count for severity, count in report.counts.items()},
            "ignored": report.ignored,
            "known": report.known,
        },
        "findings": [_finding(report, finding) for finding in report.findings],
        "stale": [{"rule": one.rule, "path": one.path, "fingerprint": one.fingerprint} for one in report.stale],
        "failures": [{"rule": one.rule, "app": one.app or None, "error": one.error} for one in report.failures],
        "unread": [{**_place(one.place), "why": report.source.hide(one.why)} for one in report.unread],
    }


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """Return what a rule is, without its text."""
    page = rule.page
    return {
        "id": rule.id,
        "name": page.name,
        "group": page.group,
        "severity": page.severity,
        "title": page.title,
        "celery": str(page.celery) or None,
        "engines": sorted(page.engines),
        "mends_itself": page.mends_itself,
        "needs": page.needs or None,
        "sources": list(page.sources),
    }


def statistics(report: Report) -> list[Mapping[str, Any]]:
    """Return ``rule``, ``name``, ``severity`` and ``count`` of each rule that was broken, the most frequent first."""
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return [
        {
            "rule": rule,
            "name": report.rules[rule].page.name,
            "severity": report.rules[rule].page.severity,
            "count": count,
        }
        for rule, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    page = report.rules[finding.rule].page
    return {
        "rule": finding.rule,
        "name": page.name,
        "group": page.group,
        "severity": finding.severity,
        "message": finding.message,
        "mend": report.mend(finding),
        **_place(finding.place),
        "source": report.source.shown(finding.place) or None,
        "app": finding.app or None,
        "evidence": finding.evidence or None,
        "related": [_place(place) for place in finding.related],
        "mends_itself": finding.edit is not None,
        "fingerprint": report.prints[finding],
    }


def _place(place: Place) -> dict[str, Any]:
    """``line`` and ``column`` count from 1, the latter in bytes of UTF-8; ``None``: the file as a whole, not known."""
    return {
        "path": place.path,
        "line": place.line or None,
        "column": place.column + 1 if place.line and place.column >= 0 else None,
    }
