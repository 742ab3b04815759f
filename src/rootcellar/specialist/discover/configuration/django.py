"""Django: which settings module a project runs with, and what is in it."""

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import Definition
from rootcellar.specialist.discover.configuration.settings_object import Member, Wanted, members, module_members
from rootcellar.specialist.discover.module_names import project_root
from rootcellar.specialist.profile import Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
    from rootcellar.specialist.discover.modules import Module, Modules

_VARIABLE = "DJANGO_SETTINGS_MODULE"
#: Files that name the settings, the one that runs workers first.
_FILES = ("celery.py", "celery_app.py", "celeryapp.py", "worker.py", "wsgi.py", "asgi.py", "manage.py")


@dataclass(frozen=True)
class DjangoSettings:
    """The settings of a Django project: ``module``, and for django-configurations a class in it."""

    name: str
    module: "Module"
    configuration: str = ""

    def members(self, evaluator: "Evaluator", wanted: Wanted) -> list[Member]:
        """Return the settings under the names that are wanted; Django keeps upper-case ones only."""
        if self.configuration:
            scope = evaluator.module_scope(self.module)
            found = evaluator.find(self.configuration, scope)
            if found is not None and isinstance(found.data, Definition):
                return members(evaluator, found, scope, lambda name: name.isupper() and wanted(name))
        return module_members(evaluator, self.module, lambda name: name.isupper() and wanted(name))


def django_settings(modules: "Modules", evaluator: "Evaluator", near: str = "") -> DjangoSettings | None:
    """Return the settings that the Django project around the path ``near`` runs with; ``None`` if there are none.

    What the environment of the project's workers says comes first. Of what the code itself names as its default,
    settings for production come before the ones that ``celery.py``, ``wsgi.py`` and ``manage.py`` name, in that order.
    """
    for name in _candidates(modules, evaluator, near):
        module = modules.named(name, near=near)
        if module is not None:
            return DjangoSettings(name, module, _default(modules, evaluator, "DJANGO_CONFIGURATION", near))
    return None


def _candidates(modules: "Modules", evaluator: "Evaluator", near: str) -> list[str]:
    said = evaluator.environment.get(_VARIABLE, near)
    named = [said[0]] if said is not None else []
    written = _defaults(modules, evaluator, _VARIABLE, near)
    written.sort(key=lambda one: "prod" not in one.lower() and "live" not in one.lower())
    return named + written


def _default(modules: "Modules", evaluator: "Evaluator", variable: str, near: str) -> str:
    if not modules.mentioning(variable):
        return ""
    said = evaluator.environment.get(variable, near)
    return said[0] if said is not None else next(iter(_defaults(modules, evaluator, variable, near)), "")


def _defaults(modules: "Modules", evaluator: "Evaluator", variable: str, near: str) -> list[str]:
    """Return what the code near a path gives a variable as its default, the likeliest first."""
    root = project_root(near, modules.tree) if near else ""
    written = evaluator.memory.get(("django", variable))
    if written is None:
        found: list[tuple[int, str, str]] = []
        for path in modules.mentioning(variable):
            file = path.rpartition("/")[2]
            module = None if _is_test(path) else modules.at(path)
            rank = _FILES.index(file) if file in _FILES else len(_FILES)
            values = _set_in(module, evaluator, variable) if module is not None else []
            found.extend((rank, path, value) for value in values)
        written = evaluator.memory["django", variable] = Value(sorted(found))
    within = [one for one in written.data if not root or one[1].startswith(root + "/")]
    within.sort(key=lambda one: one[1] != near)
    return list(dict.fromkeys(value for *_, value in within))


def _is_test(path: str) -> bool:
    parts = path.split("/")
    return parts[-1].startswith("test_") or parts[-1] == "conftest.py" or "tests" in parts[:-1]


def _set_in(module: "Module", evaluator: "Evaluator", variable: str) -> list[str]:
    found: list[str] = []
    for node in module.nodes:
        value: ast.expr | None = None
        match node:
            case ast.Call(func=func, args=[ast.Constant(value=name), default, *_]) if name == variable:
                if module.dotted(func) in ("os.environ.setdefault", "os.environ.get", "os.getenv"):
                    value = default
            case ast.Assign(targets=[ast.Subscript(value=where, slice=ast.Constant(value=name))]) if name == variable:
                value = node.value if module.dotted(where) == "os.environ" else None
        if value is not None:
            known = evaluator.value(value, module)
            if isinstance(known.data, str) and known.is_known:
                found.append(known.data)
    return found


def django_setting(evaluator: "Evaluator", name: str, scope: "Scope") -> Value:
    """Return ``django.conf.settings.NAME``, as code in this scope sees it."""
    settings = django_settings(evaluator.modules, evaluator, scope.module.path)
    if settings is None:
        return Value(Unknown(f"{name} of Django's settings, whose module this reader does not find"))
    found = settings.members(evaluator, lambda one: one == name)
    definite = [member for member in found if not member.is_conditional] or found
    if not definite:
        return unknown(f"{settings.name} has no {name}")
    if not settings.configuration:
        value = evaluator.find(name, evaluator.module_scope(settings.module))
        if value is not None:
            return value
    return definite[-1].value


def installed_apps(modules: "Modules", evaluator: "Evaluator") -> tuple[str, ...]:
    """Return Django's INSTALLED_APPS of all Django projects here, as far as they are written."""
    roots = {project_root(path, modules.tree): path for path in modules.mentioning(_VARIABLE) if not _is_test(path)}
    found: dict[str, None] = {}
    for near in roots.values():
        settings = django_settings(modules, evaluator, near)
        if settings is None:
            continue
        for member in settings.members(evaluator, lambda name: name == "INSTALLED_APPS"):
            if isinstance(member.value.data, (list, tuple)):
                found.update(dict.fromkeys(one for one in member.value.data if isinstance(one, str)))
    return tuple(found)
