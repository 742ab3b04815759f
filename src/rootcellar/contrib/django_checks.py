"""Django system checks: ``manage.py check`` reports what ``rootcellar check`` finds in the project's files.

Put ``"rootcellar.contrib.django_checks"`` into ``INSTALLED_APPS``, or import this module in an ``AppConfig.ready()``.
The checks carry the tag ``rootcellar``; a finding's id is ``rootcellar.RC204``, which ``SILENCED_SYSTEM_CHECKS`` takes
too. What ``[tool.rootcellar.check]`` of ``pyproject.toml`` says holds here as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rootcellar.errors import MissingPackage, RootcellarError

try:
    from django import conf
    from django.core.checks import CheckMessage, Error, Info, Warning, register
except ImportError as exc:
    raise MissingPackage(
        f"rootcellar.contrib.django_checks needs Django, which cannot be imported ({exc}). Install it: "
        "pip install 'rootcellar[django]'"
    ) from exc

try:
    import yaml  # noqa: F401

    from rootcellar.specialist.check import Report, check
    from rootcellar.specialist.checking.baseline import read_baseline
    from rootcellar.specialist.checking.configuration import configuration_of
    from rootcellar.specialist.discover.assemble import profile_of
    from rootcellar.specialist.rules import all_rules
    from rootcellar.specialist.rules.finding import Severity
    from rootcellar.specialist.rules.project import Project
except ImportError as exc:
    raise MissingPackage(
        f"rootcellar.contrib.django_checks needs a package that cannot be imported ({exc}). Install it: "
        "pip install 'rootcellar[check]'"
    ) from exc

TAG = "rootcellar"

_KINDS: dict[Severity, type[CheckMessage]] = {
    Severity.ERROR: Error,
    Severity.WARNING: Warning,
    Severity.INFO: Info,
}


@register(TAG)
def check_results(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check the project's files; only when all of the project is checked, and not some of its apps."""
    if app_configs is not None:
        return []
    root = Path(getattr(conf.settings, "BASE_DIR", None) or Path.cwd())
    rules = all_rules()
    try:
        configuration = configuration_of(root, rules)
        # A baseline that is missing must not keep a site from starting.
        known = read_baseline(configuration.baseline) if configuration.baseline is not None else ()
        report = check(Project(profile_of(root)), rules, replace(configuration, fail_on=None), known)
    except RootcellarError as exc:
        return [Warning(f"rootcellar could not check how results are kept: {exc}", id=f"{TAG}.failed")]
    return [*_findings(report), *_failures(report)]


def _findings(report: Report) -> list[CheckMessage]:
    return [
        _KINDS[finding.severity](
            finding.message,
            hint=report.mend(finding),
            obj=_At(str(finding.place)),
            id=f"{TAG}.{finding.rule}",
        )
        for finding in report.findings
    ]


def _failures(report: Report) -> list[CheckMessage]:
    return [
        Warning(f"{failure.rule} could not be checked: {failure.error}", id=f"{TAG}.failed")
        for failure in report.failures
    ]


class _At:
    """What Django prints in front of a message: ``shop/settings.py:12``."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __str__(self) -> str:
        return self._place
