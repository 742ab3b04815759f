"""The order: an edit at the place where it counts, and why it is not made where it would do more than it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from rootcellar.specialist.check import apps_of
from rootcellar.specialist.mending.mention import Mentions
from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.profile import App, Profile, Setting
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import REGISTERED

#: Where settings come from that stand in no file that can be edited.
_NOWHERE = ("live", "environment")


@dataclass(frozen=True, slots=True)
class Order:
    """``why`` says why the edit is not made; empty: nothing is known that speaks against it."""

    edit: Edit
    naming: Naming
    why: str = ""


def orders_of(profile: Profile, findings: Iterable[Finding]) -> Iterator[Order]:
    """Yield the orders that the findings' edits come to."""
    orders = _Orders(profile)
    for finding in findings:
        if finding.edit is not None:
            yield from orders.of(finding, finding.edit)


class _Orders:
    def __init__(self, profile: Profile) -> None:
        self._project = Project(profile)
        self._apps = profile.apps

    @cached_property
    def _mentions(self) -> Mentions:
        return Mentions(self._project.profile.root)

    def of(self, finding: Finding, edit: Edit) -> Iterator[Order]:
        app = self._app(finding, edit)
        if app is None or edit.action not in ("set", "rename", "remove"):
            yield Order(edit, Naming())
            return
        naming = Naming(app.namespace)
        for placed in _placed(edit, app):
            why = _moved(placed, edit, app) or _taken(placed, app) or self._shared(placed, finding, app)
            yield Order(placed, naming, why or self._used(placed, app))

    def _app(self, finding: Finding, edit: Edit) -> App | None:
        """Return the finding's app; of several with that target, in folders of their own, the one that is set there."""
        named = [app for app in self._apps if app.target == finding.app]
        there = (app for app in named if edit.place in (app.place, *(one.place for one in app.settings)))
        return next(there, next(iter(named), None))

    def _shared(self, edit: Edit, finding: Finding, app: App) -> str:
        """Say which other app is configured there too, and would not be edited so for its own sake."""
        rule = REGISTERED.get(finding.rule)
        for other in self._apps:
            if other is app or not any(one.place == edit.place for one in other.settings):
                continue
            agrees = False
            if rule is not None and rule.of_app is not None and other in apps_of(rule, self._project):
                agrees = any(one.edit == finding.edit for one in rule.of_app(other, self._project))
            if not agrees:
                return f"{other.target} is configured there too, and may need it as it is"
        return ""

    def _used(self, edit: Edit, app: App) -> str:
        """Say where a name that goes is used."""
        if edit.action == "set":
            return ""
        names = {edit.setting, *(one.name for one in app.settings if _is(one, edit))}
        place = self._mentions.first_use(names)
        return f"{edit.setting} is also used in {place}" if place is not None else ""


def _is(setting: Setting, edit: Edit) -> bool:
    return setting.place == edit.place and edit.setting in (setting.written, setting.name)


def _placed(edit: Edit, app: App) -> list[Edit]:
    """Return an edit once for each place that it has to be made at."""
    if edit.action == "set":
        counts = app.get(edit.setting)
        is_there = counts is not None and counts.origin not in _NOWHERE
        return [replace(edit, place=counts.place) if counts is not None and is_there else edit]
    if edit.action == "remove":
        # Without the one that counts, the one before it would: what does nothing does it everywhere.
        names = {one.name for one in app.settings if _is(one, edit)}
        there = [one for one in app.settings if one.name in names and one.origin not in _NOWHERE]
        return [replace(edit, place=one.place, setting=one.written) for one in there] or [edit]
    return [edit]


def _moved(edit: Edit, wanted: Edit, app: App) -> str:
    counts = app.get(edit.setting)
    if edit.action == "set" and edit.place != wanted.place and counts is not None and counts.is_conditional:
        return f"{counts.written} is set in {counts.place} under a condition"
    return ""


def _taken(edit: Edit, app: App) -> str:
    """Say where the new name of a setting is set already: whichever comes last would prevail."""
    if edit.action != "rename":
        return ""
    naming = Naming(app.namespace)
    there = (one for one in app.settings if one.written == edit.value or naming.means(edit.value, one.name))
    return next((f"{one.written} is set in {one.place}" for one in there), "")
