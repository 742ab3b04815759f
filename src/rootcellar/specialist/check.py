"""The check: runs rules over a project and says what they found."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

from rootcellar.specialist.checking.baseline import Known, stale
from rootcellar.specialist.checking.comments import Comments
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.fingerprint import fingerprints
from rootcellar.specialist.checking.loaded import as_loaded
from rootcellar.specialist.discover.tree import Tree, tree_of
from rootcellar.specialist.profile import App, Place, Unread
from rootcellar.specialist.profile.secrets import names_in
from rootcellar.specialist.report.source_line import SourceFile
from rootcellar.specialist.rules.comment import Comment
from rootcellar.specialist.rules.finding import Finding, Severity
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import Rule
from rootcellar.specialist.secrets import Hider, blot_out, hideable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that raised: a mistake of rootcellar's own, and not of the project's."""

    rule: str
    #: target of the app it looked at; empty: none
    app: str
    #: kind of the error and where, without its text, which may repeat what stands in the project's files
    error: str


@dataclass(frozen=True, slots=True)
class Source:
    """What reports show of the project's files: lines without secrets."""

    tree: Tree
    hider: Hider = field(repr=False)
    _files: dict[str, SourceFile] = field(default_factory=dict, repr=False)

    def shown(self, place: Place) -> str:
        """Return the line at a place, safe to be shown; empty for a file as a whole, or one that cannot be read."""
        return self.hide(self._file(place).shown(place.line)) if place.line else ""

    def skeleton(self, place: Place) -> str:
        """Return what the line is recognised by when it has moved."""
        return self._file(place).skeleton(place.line) if place.line else ""

    def hide(self, text: str) -> str:
        """Return a text without the project's secrets and without any URL's password."""
        return self.hider.hide(blot_out(text))

    def _file(self, place: Place) -> SourceFile:
        if place.path not in self._files:
            is_there = (self.tree.root / place.path).is_file()
            self._files[place.path] = SourceFile(place.path, (is_there and self.tree.text(place.path)) or "")
        return self._files[place.path]


@dataclass(frozen=True)
class Report:
    """What a check found. ``findings`` are sorted by path, line and rule; what is ignored or known is not in it."""

    project: Project
    rules: Mapping[str, Rule]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    source: Source
    prints: Mapping[Finding, str]
    #: ids of the rules that ran
    ran: tuple[str, ...] = ()
    #: number of findings that comments ignore
    ignored: int = 0
    #: number of findings that the baseline knows
    known: int = 0
    #: entries of the baseline that were not found any more
    stale: tuple[Known, ...] = ()
    fail_on: Severity | None = Severity.WARNING

    @property
    def is_failed(self) -> bool:
        """Whether the exit status is 1."""
        worst = max((finding.severity.rank for finding in self.findings), default=-1)
        return bool(self.failures) or (self.fail_on is not None and worst >= self.fail_on.rank)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What of the project was not read, and why."""
        return self.project.profile.unread

    @cached_property
    def counts(self) -> Mapping[Severity, int]:
        """Number of findings by severity, the worst first; all severities are there."""
        return {one: sum(found.severity is one for found in self.findings) for one in reversed(Severity)}

    def mend(self, finding: Finding) -> str:
        """Return what to do: what the finding says, else the first paragraph of what its rule's page says."""
        return finding.mend or " ".join(self.rules[finding.rule].page.mend.partition("\n\n")[0].split())

    def known_now(self) -> Iterator[Known]:
        """Yield what a baseline of this state would hold."""
        return (Known(one.place.path, one.rule, self.prints[one]) for one in self.findings)

    def only_in(self, path: str) -> "Report":
        """Return the same with the findings of one file."""
        return replace(self, findings=tuple(one for one in self.findings if one.place.path == path), stale=())


def check(
    project: Project,
    rules: Mapping[str, Rule],
    configuration: Configuration | None = None,
    known: Sequence[Known] = (),
    secrets: Iterable[str] = (),
) -> Report:
    """Run the rules that the configuration selects, of ``rules``, which are all there are.

    ``known`` is the baseline. ``secrets`` are shown as little as those of the profile. A rule that raises is a
    :class:`Failure`; the others go on.
    """
    configuration = configuration or Configuration()
    project = as_loaded(project)
    tree = tree_of(project.profile.root)
    source = Source(tree, Hider(hideable({*project.profile.secrets, *secrets}, names_in(project.profile))))
    comments = Comments(tree, rules)
    selected = [rule for rule in rules.values() if configuration.selection.takes(rule)]
    ran = tuple(rule.id for rule in selected)
    failures: list[Failure] = []

    found = _merged((one for rule in selected for one in _found_by(rule, project, failures)), source)
    kept = [finding for finding in found if not comments.ignore(finding)]
    judged = list(comments.judged(ran, _needs_met(project)))
    on_comments = _merged((one for rule in selected for one in _found_in(rule, judged, failures)), source)
    kept += [finding for finding in on_comments if not comments.ignore(finding)]
    ignored = len(found) + len(on_comments) - len(kept)

    kept = [finding for finding in kept if not configuration.leaves_out(finding, rules[finding.rule])]
    kept.sort(key=lambda one: (one.place.path, one.place.line, one.rule, one.message))
    prints = fingerprints(kept, source.skeleton)
    of_old = {one.fingerprint for one in known}
    reported = tuple(finding for finding in kept if prints[finding] not in of_old)
    return Report(
        project,
        rules,
        reported,
        tuple(failures),
        source,
        prints,
        ran=ran,
        ignored=ignored,
        known=len(kept) - len(reported),
        stale=stale((one for one in known if one.rule in ran), set(prints.values())),
        fail_on=configuration.fail_on,
    )


def apps_of(rule: Rule, project: Project) -> Iterator[App]:
    """Yield the apps that a rule of apps looks at: those whose Celery version and result engine its page names."""
    page = rule.page
    for app in project.profile.apps:
        is_engine = not page.engines or project.engine(app).name in page.engines
        if is_engine and project.version(app) in page.celery:
            yield app


def _found_by(rule: Rule, project: Project, failures: list[Failure]) -> Iterator[Finding]:
    if rule.of_project is not None:
        yield from _run(rule, "", rule.of_project, (project,), failures)
    if rule.of_app is not None:
        for app in _collected(rule, "", apps_of, (rule, project), failures):
            yield from _run(rule, app.target, rule.of_app, (app, project), failures)


def _found_in(rule: Rule, comments: Sequence[Comment], failures: list[Failure]) -> Iterator[Finding]:
    if rule.of_comment is not None:
        for comment in comments:
            yield from _run(rule, "", rule.of_comment, (comment,), failures)


def _run(
    rule: Rule, app: str, finder: Callable[..., Iterator[Finding]], arguments: tuple[Any, ...], failures: list[Failure]
) -> Iterator[Finding]:
    """Yield what a finder found, with the rule's id, its severity and the app."""
    for one in _collected(rule, app, finder, arguments, failures):
        yield replace(one.of(rule.id, rule.page.severity), app=one.app or app)


def _collected(
    rule: Rule, app: str, function: Callable[..., Iterator[T]], arguments: tuple[Any, ...], failures: list[Failure]
) -> list[T]:
    """Return all that a function of a rule yields; nothing if it raises, which is added to ``failures``."""
    try:
        return list(function(*arguments))
    except Exception as exc:
        where = extract_tb(exc.__traceback__)[-1]
        failures.append(Failure(rule.id, app, f"{type(exc).__name__} in {Path(where.filename).name}:{where.lineno}"))
        return []


def _merged(findings: Iterable[Finding], source: Source) -> list[Finding]:
    """Return the findings without those that say the same of the same line, and without secrets."""
    merged: dict[tuple[str, str, int, str], Finding] = {}
    for one in findings:
        safe = replace(
            one, message=source.hide(one.message), mend=source.hide(one.mend), evidence=source.hide(one.evidence)
        )
        merged.setdefault((one.rule, one.place.path, one.place.line, safe.message), safe)
    return list(merged.values())


def _needs_met(project: Project) -> tuple[str, ...]:
    needs = {"probe": project.probes, "history": project.history}
    return tuple(need for need, brought in needs.items() if brought is not None)
