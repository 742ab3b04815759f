"""pydantic-settings: what a field of a ``BaseSettings`` class comes to. Versions 1 and 2."""

import ast
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.env_readers import casted
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import Definition, Made, made_of
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.frames import Binding
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_BASES = frozenset(
    {
        "pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings",
        "pydantic_settings.main.BaseSettings", "pydantic.env_settings.BaseSettings",
    }
)  # fmt: skip
_FIELDS = frozenset({"pydantic.Field", "pydantic.fields.Field", "pydantic.v1.Field"})
_NUMBERS = {"int": int, "float": float, "bool": bool}
_VALIDATORS = frozenset({"validator", "field_validator"})


def is_settings_class(names: Iterable[str]) -> bool:
    """Whether a class with these bases reads its fields from the environment."""
    return any(name in _BASES for name in names)


def field_value(
    evaluator: "Evaluator", name: str, inside: "Scope", classes: Sequence[Definition | Ref]
) -> Value | None:
    """Return what an annotated field comes to without arguments; ``None`` if it is no field: a method, a property."""
    binding = inside.frame.bindings[name][-1]
    if binding.kind not in ("assign", "declare") or name == "model_config":
        return None
    default: Value | None = None
    options: dict[str, Any] = {}
    if binding.kind == "assign" and isinstance(binding.node, ast.expr):
        default = evaluator.evaluate(binding.node, inside.at(binding.position))
        if isinstance(default.data, Call) and default.data.name in _FIELDS:
            default, options = _of_field(evaluator, default, default.data, inside)
    prefix = str(_option(evaluator, classes, "env_prefix") or "")
    for variable in _variables(name, prefix, options):
        for spelling in dict.fromkeys((variable, variable.upper(), variable.lower())):
            found = evaluator.environment.get(spelling, inside.module.path)
            if found is not None:
                value = made_of(found[0], Value(None, (), (spelling,), (found[1],)))
                return casted(value, _type_name(binding))
    variable = _variables(name, prefix, options)[0]
    shown = variable if variable.isupper() or options else variable.upper()
    if default is None:
        nested = _nested(evaluator, binding, inside)
        if nested is not None:
            return nested
        why = f"the environment variable {shown}, which no env file or process of the project sets"
        return Value(Unknown(why), variables=(shown,))
    return Value(
        default.data, default.holes, tuple(dict.fromkeys([shown, *default.variables])), default.written_at, True
    )


def _of_field(evaluator: "Evaluator", found: Value, data: Call, inside: "Scope") -> tuple[Value | None, dict[str, Any]]:
    from rootcellar.specialist.discover.configuration.evaluation.members import call_of

    options = {key: data.kwargs[key] for key in ("env", "alias", "validation_alias") if key in data.kwargs}
    default = data.values.get(0, data.values.get("default")) if isinstance(data, Made) else None
    if default is None or default.data is Ellipsis:
        if "default_factory" in data.kwargs:
            return call_of(evaluator, data.kwargs["default_factory"], found, inside), options
        return None, options
    return default, options


def _variables(name: str, prefix: str, options: dict[str, Any]) -> list[str]:
    """Return the variables a field is read from, the first one first."""
    for key in ("validation_alias", "env", "alias"):
        given = options.get(key)
        if isinstance(given, str):
            return [given]
        if isinstance(given, (list, tuple)):
            return [str(one) for one in given] or [prefix + name]
        if isinstance(given, Call):
            return [one for one in given.args if isinstance(one, str)] or [prefix + name]
    return [prefix + name]


def _option(evaluator: "Evaluator", classes: Sequence[Definition | Ref], name: str) -> Any:
    """Return an option of ``model_config = SettingsConfigDict(…)`` or of ``class Config``."""
    from rootcellar.specialist.discover.configuration.evaluation.members import class_scope

    for one in classes:
        inside = class_scope(evaluator, one) if isinstance(one, Definition) else None
        if inside is None:
            continue
        if "model_config" in inside.frame.bindings:
            config = evaluator.find("model_config", inside)
            data = config.data if config is not None else None
            options = data.kwargs if isinstance(data, Call) else data
            if isinstance(options, dict) and name in options:
                return options[name]
        if "Config" in inside.frame.bindings:
            config = evaluator.find("Config", inside)
            if config is not None and isinstance(config.data, Definition):
                body = class_scope(evaluator, config.data)
                if body is not None and name in body.frame.bindings:
                    found = evaluator.find(name, body)
                    return found.data if found is not None else None
    return None


def _type_name(binding: "Binding") -> str:
    """Return the cast that a field's annotation stands for."""
    annotation = binding.annotation
    text = ast.unparse(annotation) if annotation is not None else ""
    text = text.replace("Optional[", "").replace("]", "").split("|")[0].strip().rpartition(".")[2]
    if text in _NUMBERS:
        return text
    return "json" if text.lower().startswith(("list[", "dict[", "tuple[", "set[", "list", "dict")) else "str"


def _nested(evaluator: "Evaluator", binding: "Binding", inside: "Scope") -> Value | None:
    """Return an instance of the class that a field without default is annotated with: a group of settings."""
    from rootcellar.specialist.discover.configuration.evaluation.members import bases, call_of

    if binding.annotation is None:
        return None
    value = evaluator.evaluate(binding.annotation, inside.at(binding.position))
    if isinstance(value.data, Definition) and isinstance(value.data.node, ast.ClassDef):
        names = [one.name for one in bases(evaluator, value.data)]
        if is_settings_class(names) or any(name.startswith("pydantic.") for name in names):
            return call_of(evaluator, value.data, value, inside)
    return None


def made_by_validator(evaluator: "Evaluator", name: str, field: Value, inside: "Scope", base: Value) -> Value:
    """Return a field as its validator leaves it, where it has one that makes a value out of others."""
    if not field.is_default or field.data is not None:
        return field
    for bindings in inside.frame.bindings.values():
        node = bindings[-1].node
        if isinstance(node, ast.FunctionDef) and _validates(node, name):
            from rootcellar.specialist.discover.configuration.evaluation.follow import follow_with

            definition = evaluator.definition(node, node.name, inside)
            names = [one.arg for one in node.args.args]
            bound = dict(zip(names, (Value(definition), field, base, base), strict=False))
            found = follow_with(evaluator, definition, bound)
            if isinstance(found.data, Unknown):
                return unknown(f"{name} is made by a validator", found)
            return made_of(found.data, found, Value(None, (), field.variables, (), True), holes=found.holes)
    return field


def _validates(node: ast.FunctionDef, name: str) -> bool:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            func = decorator.func
            called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if called in _VALIDATORS and any(
                isinstance(one, ast.Constant) and one.value == name for one in decorator.args
            ):
                return True
    return False
