"""The rule: its text, which stands in a page of its own, and the function that finds what breaks it.

A rule's module registers functions::

    @app_rule("RC221")
    def chord_on_rpc(app: App, project: Project) -> Iterator[Finding]:
        ...
        yield found(place, "…")

:func:`app_rule` functions are called once for each app whose Celery version and result engine the rule's page names;
:func:`project_rule` functions once; :func:`comment_rule` functions once for each comment, after all the others. The
page ``pages/RC221.md`` holds everything that is said of the rule.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rootcellar.specialist.profile import App, Place
from rootcellar.specialist.rules.comment import Comment
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.page import Page, page
from rootcellar.specialist.rules.project import Project

AppFinder = Callable[[App, Project], Iterator[Finding]]
ProjectFinder = Callable[[Project], Iterator[Finding]]
CommentFinder = Callable[[Comment], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: exactly one of ``of_app``, ``of_project`` and ``of_comment`` is set."""

    id: str
    of_app: AppFinder | None = None
    of_project: ProjectFinder | None = None
    of_comment: CommentFinder | None = None

    @property
    def page(self) -> Page:
        """All that is said of it; read when first asked for."""
        return page(self.id)


#: id → rule, of all that are registered so far; :func:`rootcellar.specialist.rules.all_rules` registers all of them
REGISTERED: dict[str, Rule] = {}


def app_rule(rule_id: str) -> Callable[[AppFinder], AppFinder]:
    """Register a function that looks at one app."""

    def register(finder: AppFinder) -> AppFinder:
        _add(Rule(rule_id, of_app=finder))
        return finder

    return register


def project_rule(rule_id: str) -> Callable[[ProjectFinder], ProjectFinder]:
    """Register a function that looks at the project as a whole."""

    def register(finder: ProjectFinder) -> ProjectFinder:
        _add(Rule(rule_id, of_project=finder))
        return finder

    return register


def comment_rule(rule_id: str) -> Callable[[CommentFinder], CommentFinder]:
    """Register a function that looks at one ``# rootcellar:`` comment, once it is known what that one ignored."""

    def register(finder: CommentFinder) -> CommentFinder:
        _add(Rule(rule_id, of_comment=finder))
        return finder

    return register


def found(
    place: Place,
    message: str,
    *,
    mend: str = "",
    edit: Edit | None = None,
    evidence: str = "",
    related: tuple[Place, ...] = (),
) -> Finding:
    """Return a finding; the runner fills in rule, app and severity."""
    return Finding("", message, place, mend=mend, edit=edit, evidence=evidence, related=related)


def _add(rule: Rule) -> None:
    if rule.id in REGISTERED:
        raise ValueError(f"two rules are called {rule.id}")
    REGISTERED[rule.id] = rule
