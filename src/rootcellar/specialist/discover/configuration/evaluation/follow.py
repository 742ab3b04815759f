"""Following: what a function of the project returns, by its ``return`` statements."""

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments
from rootcellar.specialist.discover.configuration.evaluation.frames import parameters
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import Definition, made_of
from rootcellar.specialist.profile import Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator

_FOLLOWED = frozenset(
    {
        "lru_cache", "cache", "cached", "memoize", "staticmethod", "classmethod", "property", "cached_property",
        "computed_field", "wraps", "inject", "singleton", "once", "no_type_check", "validator", "field_validator",
    }
)  # fmt: skip


def follow(
    evaluator: "Evaluator", definition: Definition, arguments: Arguments | None, owner: Value | None = None
) -> Value:
    """Return what a function or lambda of the project returns, given these arguments."""
    return follow_with(evaluator, definition, bind(evaluator, definition, arguments, owner))


def bind(
    evaluator: "Evaluator", definition: Definition, arguments: Arguments | None, owner: Value | None = None
) -> Mapping[str, Value]:
    """Return what a function's parameters are bound to."""
    node = definition.node
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    bound: dict[str, Value] = {}
    n = 0
    for parameter, default in parameters(node):
        name = parameter.arg
        if owner is not None and n == 0 and not bound:
            bound[name] = owner
            continue
        given = arguments.get(n, name) if arguments is not None else None
        n += 1
        if given is not None:
            bound[name] = given
        elif default is not None and definition.scope is not None:
            position = (node.lineno, node.col_offset)
            bound[name] = evaluator.evaluate(default, definition.scope.at(position))
        else:
            bound[name] = unknown(f"{name}, which {definition.name} is given when it is called")
    for star in (node.args.vararg, node.args.kwarg):
        if star is not None:
            bound[star.arg] = unknown(f"{star.arg}, which {definition.name} is given when it is called")
    return bound


def follow_with(evaluator: "Evaluator", definition: Definition, bound: Mapping[str, Value]) -> Value:
    """Return what a function returns whose parameters are bound to these values."""
    from rootcellar.specialist.discover.configuration.evaluation.bindings import certainty, one_of
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

    node, outer = definition.node, definition.scope
    why = f"returned by a function that this reader does not follow: {definition.name}"
    if outer is None or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return unknown(why)
    scope = Scope(outer.module, evaluator.frame(outer.module, node), outer, bound)
    if isinstance(node, ast.Lambda):
        return evaluator.evaluate(node.body, scope)
    if scope.frame.is_generator or not all(_is_followed(one) for one in node.decorator_list):
        return unknown(why)
    possible: list[Value] = []
    tried: list[Value] = []
    for statement, guards in scope.frame.returns:
        runs = certainty(evaluator, guards, scope)
        if runs is False:
            continue
        if statement.value is None:
            value = Value(None)
        else:
            value = evaluator.evaluate(statement.value, scope.at((statement.lineno, statement.col_offset)))
        if any(guard.kind == "try" for guard in guards) and isinstance(value.data, Unknown) and value.variables:
            tried.append(value)  # ``try: return os.environ[…] / except KeyError: return default``
            continue
        if any(guard.kind == "except" for guard in guards):
            if not tried:
                continue
            last = tried.pop()
            value = Value(value.data, value.holes, last.variables, value.written_at, is_default=True)
        possible.append(value)
        if runs:
            break
    possible.extend(tried)
    if not possible:
        return Value(None) if not scope.frame.returns else unknown(why)
    found = one_of(possible)
    if isinstance(found.data, Unknown) and not found.variables:
        return made_of(Unknown(found.data.why or why), found)
    return found


def _is_followed(decorator: ast.expr) -> bool:
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
    return name in _FOLLOWED or name in ("setter", "getter")
