"""Hand-made rules and profiles, for tests of what surrounds the rules."""

from collections.abc import Iterator
from pathlib import Path

from rootcellar.specialist.check import Report, check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.profile import App, Place, Profile, Setting, Value
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.page import parse
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import Rule

PAGE = """+++
name = "{name}"
group = "{group}"
severity = "{severity}"
sources = ["https://example.org/{name}"]
{more}
+++
# Title of {name}

Why of {name}.

## Mend

Mend of {name}.

## Bad

None.

## Good

None.
"""


class HandMade(Rule):
    """A rule whose page is not in the package."""

    __slots__ = ("_text",)

    def __init__(self, rule_id: str, of_app=None, of_project=None, **page: str) -> None:
        super().__init__(rule_id, of_app=of_app, of_project=of_project)
        parts = {"name": rule_id.lower(), "group": "correctness", "severity": "warning", "more": "", **page}
        object.__setattr__(self, "_text", PAGE.format(**parts))

    @property
    def page(self):
        return parse(self.id, self._text)


def finds(*places: Place, message: str = "Something.", edit: Edit | None = None):
    """Return a rule of projects that finds something in each of the places."""

    def find(project: Project) -> Iterator[Finding]:
        for place in places:
            yield Finding("", message, place, mend="Mend it.", edit=edit)

    return find


def comment_rules() -> dict[str, Rule]:
    return {rule_id: rule for rule_id, rule in all_rules().items() if rule.of_comment}


def profile(root: Path, *settings: Setting, **more: object) -> Profile:
    app = App("shop.celery:app", Place("shop/celery.py", 1), settings=settings)
    return Profile(root, **{"apps": (app,), **more})


def setting(name: str, data: object, line: int = 1, path: str = "shop/celery.py") -> Setting:
    return Setting(name, name, Value(data), Place(path, line), "module")


def checked(
    root: Path, *rules: Rule, configuration: Configuration | None = None, of: Profile | None = None, **more: object
) -> Report:
    """Run these rules, and those about comments, over the files in ``root``."""
    named = {**comment_rules(), **{rule.id: rule for rule in rules}}
    return check(Project(of or profile(root)), dict(sorted(named.items())), configuration, **more)


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file
