"""Comprehensions: loops over something that is known, run round by round."""

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.texts import unknown, unknown_of
from rootcellar.specialist.discover.configuration.placed import PlacedDict, element, is_hashable, made_of, with_holes
from rootcellar.specialist.profile import Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_MOST_ROUNDS = 200


def comprehension(
    evaluator: "Evaluator", node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: "Scope"
) -> Value:
    """Return a comprehension over one known list, dict or ``.items()``."""
    if len(node.generators) != 1:
        return unknown("a comprehension with several loops")
    loop = node.generators[0]
    source = evaluator.evaluate(loop.iter, scope)
    if not isinstance(source.data, (list, tuple, dict, range)) or len(source.data) > _MOST_ROUNDS:
        return unknown_of(source, why="a loop over something that is not known")
    if isinstance(source.data, PlacedDict) and source.data.unknown:
        return unknown(source.data.unknown[0], source)
    result = PlacedDict()
    items: list[Any] = []
    parts: list[Value] = []
    for one in source.data:
        bound = dict(scope.bound)
        if not _bind(loop.target, one, source, bound):
            return unknown("a loop that this reader does not follow", source)
        inner = replace(scope, bound=bound)
        tests = [evaluator.condition(test, inner) for test in loop.ifs]
        if any(not isinstance(test.data, bool) for test in tests):
            return unknown("a loop that leaves some out, by a condition that cannot be known", source)
        if not all(test.data for test in tests):
            continue
        if isinstance(node, ast.DictComp):
            key, value = evaluator.evaluate(node.key, inner), evaluator.evaluate(node.value, inner)
            parts.append(value)
            if not key.is_known or not is_hashable(key.data):
                result.unknown.append(key.why or "a key that is not known")
            else:
                result.put(key.data, value, scope.module.place(node))
        else:
            value = evaluator.evaluate(node.elt, inner)
            parts.append(value)
            items.append(value.data)
    holes = tuple(dict.fromkeys(hole for part in parts for hole in part.holes))
    if isinstance(node, ast.DictComp):
        return made_of(result, source, *parts)
    return with_holes(made_of(items, source, *parts), holes)


def _bind(target: ast.expr, data: Any, source: Value, bound: dict[str, Value]) -> bool:
    match target:
        case ast.Name(id=name):
            bound[name] = element(data, source)
            return True
        case ast.Tuple(elts=parts) if isinstance(data, (list, tuple)) and len(data) == len(parts):
            return all(_bind(part, one, source, bound) for part, one in zip(parts, data, strict=True))
    return False
