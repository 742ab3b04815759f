"""The bindings: what has happened to a name in its frame by the time it is asked for."""

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.expressions import combined
from rootcellar.specialist.discover.configuration.evaluation.frames import Binding, Guard, Star
from rootcellar.specialist.discover.configuration.evaluation.mutations import mutated
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import Definition, made_of
from rootcellar.specialist.profile import Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_MUTATIONS = frozenset({"item", "attribute", "method", "augment"})
_MOST_BINDINGS = 200


def value_of_name(evaluator: "Evaluator", name: str, scope: "Scope") -> Value | None:
    """Return what a name is bound to in a scope's own frame; ``None`` if it is not bound there."""
    events: list[Binding | Star] = [*scope.frame.bindings.get(name, ())[:_MOST_BINDINGS], *scope.frame.stars]
    if scope.before is not None:
        events = [event for event in events if event.position < scope.before]
    events.sort(key=lambda event: event.position)
    current: list[Value] = []
    for event in events:
        runs = certainty(evaluator, event.guards, scope)
        if runs is False:
            continue
        if isinstance(event, Star):
            found = _starred(evaluator, event, name, scope)
            if found is not None:
                current = [found] if runs else [*current, found]
        elif event.kind in _MUTATIONS:
            current = [mutated(evaluator, one, event, scope, is_conditional=not runs) for one in current]
        elif event.kind == "delete":
            if runs and isinstance(event.node, ast.Name):
                current = []
        elif event.kind != "declare":
            current = _assigned(current, value_of_binding(evaluator, event, scope), event.guards, runs=bool(runs))
    return one_of(current, name) if current else None


def _starred(evaluator: "Evaluator", star: Star, name: str, scope: "Scope") -> Value | None:
    module = evaluator.modules.named(star.dotted, near=scope.module.path)
    if module is None or name.startswith("_"):
        return None
    return evaluator.find(name, evaluator.module_scope(module))


def _assigned(current: list[Value], value: Value, guards: Sequence[Guard], *, runs: bool) -> list[Value]:
    if guards and guards[-1].kind == "except":
        # ``try: X = os.environ["X"] / except KeyError: X = "…"``: the second one is the default of the first.
        last = current[-1] if current else None
        if last is None:
            return [value]
        if isinstance(last.data, Unknown) and last.variables:
            is_default = Value(value.data, value.holes, value.variables, value.written_at, is_default=True)
            return [*current[:-1], made_of(is_default.data, is_default, last, holes=value.holes)]
        return current
    return [value] if runs else [*current, value]


def certainty(evaluator: "Evaluator", guards: Sequence[Guard], scope: "Scope") -> bool | None:
    """Return whether statements behind these guards run; ``None``: that cannot be known.

    What is tried counts as run, and so do its handlers: what each binds is judged one by one.
    """
    result: bool | None = True
    for guard in guards:
        if guard.kind in ("try", "except"):
            continue
        if guard.kind != "if" or not isinstance(guard.node, ast.expr):
            result = None
            continue
        test = evaluator.condition(guard.node, scope.at((guard.node.lineno, guard.node.col_offset)))
        if not isinstance(test.data, bool):
            result = None
        elif test.data is not guard.wanted:
            return False
    return result


def value_of_binding(evaluator: "Evaluator", binding: Binding, scope: "Scope") -> Value:
    """Return what one binding binds its name to."""
    here = scope.at(binding.position)
    node = binding.node
    match binding.kind:
        case "assign" | "with" if isinstance(node, ast.expr):
            return evaluator.evaluate(node, here)
        case "unpack" if isinstance(node, ast.expr):
            return _unpacked(evaluator, binding, here)
        case "import":
            return evaluator.resolve(binding.dotted, scope.module.path)
        case "function" | "class":
            return Value(evaluator.definition(node, binding.name, scope))
        case "loop":
            return unknown(f"{binding.name} changes in a loop")
    return unknown(f"{binding.name} is bound in a way that this reader does not follow")


def _unpacked(evaluator: "Evaluator", binding: Binding, scope: "Scope") -> Value:
    node, n = binding.node, binding.path[0]
    if isinstance(node, (ast.Tuple, ast.List)):
        return evaluator.evaluate(node.elts[n], scope) if n < len(node.elts) else unknown("too few values to unpack")
    assert isinstance(node, ast.expr)
    value = evaluator.evaluate(node, scope)
    if isinstance(value.data, (list, tuple)) and n < len(value.data):
        return made_of(value.data[n], value)
    return unknown(value.why or "one of several values of a call", value)


def one_of(values: Sequence[Value], name: str = "") -> Value:
    """Return the value that several possible ones come to: if they are the same, that one."""
    distinct: list[Value] = []
    for value in values:
        if not any(combined(value) == combined(other) for other in distinct):
            distinct.append(value)
    if len(distinct) == 1:
        return distinct[0]
    if all(isinstance(one.data, (Definition, Ref)) for one in distinct):
        # Of classes and functions any one tells more than none; the last one is what the file ends with.
        known = [one for one in distinct if isinstance(one.data, Definition)]
        return (known or distinct)[-1]
    what = f"{name} is" if name else "it is"
    return unknown(f"{what} one of {len(distinct)} values, by a condition that cannot be known", *distinct)
