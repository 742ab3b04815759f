"""Attributes: ``a.b``, for modules, classes, instances and what else this reader knows."""

import ast
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.env_readers import is_environment
from rootcellar.specialist.discover.configuration.evaluation.members import class_member, instance_member
from rootcellar.specialist.discover.configuration.evaluation.texts import derived, unknown, unknown_of
from rootcellar.specialist.discover.configuration.placed import (
    Bound,
    Definition,
    Instance,
    Made,
    PathText,
    PlacedDict,
    made_of,
)
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
    from rootcellar.specialist.discover.modules import Module

#: Objects that hold their keyword arguments as attributes.
_NAMESPACES = frozenset(
    {"types.SimpleNamespace", "argparse.Namespace", "munch.Munch", "box.Box", "celery.utils.collections.AttributeDict"}
)
_FLASKS = frozenset({"flask.Flask", "flask.current_app", "quart.Quart", "quart.current_app", "flask.app.Flask"})
_DYNACONF = frozenset({"dynaconf.Dynaconf", "dynaconf.LazySettings", "dynaconf.settings"})


def member_of_module(evaluator: "Evaluator", module: "Module", name: str) -> Value | None:
    """Return what a module has under a name: its own, else a module inside it."""
    found = evaluator.find(name, evaluator.module_scope(module))
    if found is not None:
        return found
    inner = f"{module.name}.{name}"
    if evaluator.modules.is_module(inner):
        return Value(Ref(inner))
    if name in ("__name__", "__file__", "__package__"):
        return evaluator.name(name, evaluator.module_scope(module))
    return None


def attribute(evaluator: "Evaluator", base: Value, name: str, scope: "Scope", node: ast.AST) -> Value:
    """Return ``base.name``; ``[x]`` as the name is a subscript."""
    data = base.data
    match data:
        case Definition(node=ast.ClassDef()):
            return class_member(evaluator, base, name, scope)
        case Instance():
            return instance_member(evaluator, base, name, scope)
        case Definition() | Bound() if not name.startswith("["):
            return unknown(f"{name} of a function", base)
        case PlacedDict():
            return unknown("an attribute of a dict", base)
        case PathText():
            return _of_path(base, name)
        case timedelta() if name in ("days", "seconds", "microseconds"):
            return made_of(getattr(data, name), base)
    if isinstance(data, Call):
        return _of_call(evaluator, base, data, name, scope)
    if isinstance(data, Ref):
        return _of_ref(evaluator, base, data, name, scope, node)
    if isinstance(data, Unknown):
        return _of_unknown(evaluator, base, name, scope, node)
    return unknown_of(base, why=f"{name} of something that this reader does not follow")


def _of_ref(evaluator: "Evaluator", base: Value, data: Ref, name: str, scope: "Scope", node: ast.AST) -> Value:
    if data.name == "django.conf.settings":
        from rootcellar.specialist.discover.configuration.django import django_setting

        return django_setting(evaluator, name, scope)
    if data.name in _FLASKS and name == "config":
        return _flask_config(evaluator, scope)
    if data.name in _DYNACONF:
        return unknown(f"{name} is read by dynaconf at run time")
    if name.startswith("["):
        return Value(data) if not is_environment(data) else unknown("a variable of the environment")
    module = evaluator.modules.named(data.name, near=scope.module.path)
    if module is not None:
        found = member_of_module(evaluator, module, name)
        return found if found is not None else unknown(f"{data.name} has no {name} that this reader finds")
    return Value(Ref(f"{data.name}.{name}"), variables=base.variables)


def _of_call(evaluator: "Evaluator", base: Value, data: Call, name: str, scope: "Scope") -> Value:
    if data.name in _NAMESPACES:
        key = name.strip("[]") if name.startswith("[") else name
        if isinstance(data, Made) and key in data.values:
            return data.values[key]
        if key in data.kwargs:
            holes = tuple(hole for hole in base.holes if f"{{{hole}}}" in str(data.kwargs[key]))
            return made_of(data.kwargs[key], base, holes=holes)
        return unknown(f"no {key} is given to it", base)
    if data.name == "enum.member":
        return made_of(data.args[0] if name in ("value", "_value_") else Unknown(f"{name} of an enumeration"), base)
    if data.name in _FLASKS and name == "config":
        return _flask_config(evaluator, scope)
    if data.name in _DYNACONF:
        return unknown(f"{name} is read by dynaconf at run time")
    if name.startswith("["):
        return unknown_of(base, why=f"an entry of what {data.name} returns")
    return unknown(f"{name} of what {data.name} returns", base)


def _of_unknown(evaluator: "Evaluator", base: Value, name: str, scope: "Scope", node: ast.AST) -> Value:
    if name == "config" and isinstance(node, ast.Attribute) and _is_flask_name(node.value, scope):
        return _flask_config(evaluator, scope)
    return unknown_of(base)


def _is_flask_name(node: ast.AST, scope: "Scope") -> bool:
    """Whether this is a Flask app by its name, in code that a Flask app is handed to: ``def init_celery(app)``."""
    if not isinstance(node, ast.Name):
        return False
    module = scope.module
    knows_flask = any(dotted.partition(".")[0] in ("flask", "quart") for dotted in module.names.values())
    return node.id in ("app", "flask_app", "application", "current_app", "_app") or (knows_flask and "app" in node.id)


def _flask_config(evaluator: "Evaluator", scope: "Scope") -> Value:
    from rootcellar.specialist.discover.configuration.flask import flask_config

    return flask_config(evaluator, scope.module.path)


def _of_path(base: Value, name: str) -> Value:
    path = PurePosixPath(base.data)
    found: Any = None
    match name:
        case "parent":
            return derived(str(path.parent), base)
        case "name" | "stem" | "suffix":
            found = getattr(path, name)
        case "parents":
            return made_of([PathText(str(one)) for one in path.parents], base, holes=base.holes)
    return made_of(found, base) if found is not None else unknown(f"{name} of a path", base)
