"""Expressions: one rule for each kind of syntax."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.arithmetic import NUMBERS, binary
from rootcellar.specialist.discover.configuration.evaluation.comprehensions import comprehension
from rootcellar.specialist.discover.configuration.evaluation.env_readers import is_environment, read_variable
from rootcellar.specialist.discover.configuration.evaluation.texts import (
    MOST,
    hole_name,
    joined,
    percent,
    text_of,
    unknown,
    unknown_of,
)
from rootcellar.specialist.discover.configuration.placed import (
    Definition,
    Instance,
    PlacedDict,
    element,
    is_hashable,
    made_of,
    plain,
    with_holes,
)
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: lambda one, other: one is other,
    ast.IsNot: lambda one, other: one is not other,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


def expression(evaluator: "Evaluator", node: ast.expr, scope: "Scope") -> Value:
    """Return what an expression comes to."""
    match node:
        case ast.Constant(value=data):
            return Value(data, written_at=(scope.module.place(node),))
        case ast.Name(id=name):
            return evaluator.name(name, scope)
        case ast.Attribute(value=inner, attr=name):
            return evaluator.attribute(evaluator.evaluate(inner, scope), name, scope, node)
        case ast.Call():
            return evaluator.call(node, scope)
        case ast.JoinedStr(values=parts):
            return joined([_piece(evaluator, part, scope) for part in parts])
        case ast.BinOp():
            return _binary(evaluator, node, scope)
        case ast.Subscript(value=inner, slice=key):
            return subscript(evaluator, evaluator.evaluate(inner, scope), key, scope, node)
        case ast.Dict():
            return _dict(evaluator, node, scope)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return _sequence(evaluator, node, items, scope)
        case ast.NamedExpr(value=inner) | ast.Await(value=inner) | ast.Starred(value=inner):
            return evaluator.evaluate(inner, scope)
        case ast.Lambda():
            return Value(evaluator.definition(node, "<lambda>", scope))
    return _choosing(evaluator, node, scope)


def _choosing(evaluator: "Evaluator", node: ast.expr, scope: "Scope") -> Value:
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _if(evaluator, test, body, orelse, scope)
        case ast.BoolOp(op=op, values=values):
            return _or_and(evaluator, values, scope, is_or=isinstance(op, ast.Or))
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(evaluator, op, operand, scope)
        case ast.Compare():
            return _compare(evaluator, node, scope)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return comprehension(evaluator, node, scope)
    return unknown("an expression that this reader does not follow")


def _piece(evaluator: "Evaluator", part: ast.expr, scope: "Scope") -> Value:
    if isinstance(part, ast.FormattedValue):
        value = evaluator.evaluate(part.value, scope)
        return text_of(value, hole_name(part.value, value))
    value = evaluator.evaluate(part, scope)
    return text_of(value, hole_name(part, value))


def combined(value: Value) -> Any:
    """Return what two values are compared by."""
    data = plain(value.data)
    return (type(data).__name__, repr(data)) if isinstance(data, (Call, dict, list, tuple)) else (data.__class__, data)


def _binary(evaluator: "Evaluator", node: ast.BinOp, scope: "Scope") -> Value:
    # ``a + b + c + …`` stands as deep in the tree as it has parts, so it is taken from the left without recursion.
    chain = [node]
    while isinstance(chain[-1].left, ast.BinOp):
        chain.append(chain[-1].left)
    if len(chain) > 2_000:
        return unknown("put together from more than 2,000 parts")
    left_node: ast.expr = chain[-1].left
    result = evaluator.evaluate(left_node, scope)
    for one in reversed(chain):
        right = evaluator.evaluate(one.right, scope)
        place = scope.module.place(one)
        if isinstance(one.op, ast.Mod) and isinstance(result.data, str):
            names = _names_of(evaluator, one.right, right, scope)
            result = percent(result, right, names)
        elif isinstance(one.op, ast.Add) and (isinstance(result.data, str) or isinstance(right.data, str)):
            result = _concatenated(one.left, result, one.right, right)
        else:
            result = binary(result, one.op, right, place)
    return result


def _names_of(evaluator: "Evaluator", node: ast.expr, value: Value, scope: "Scope") -> list[str]:
    if isinstance(node, ast.Tuple):
        return [hole_name(one, evaluator.evaluate(one, scope)) for one in node.elts]
    return [hole_name(node, value)]


def _concatenated(left_node: ast.expr, left: Value, right_node: ast.expr, right: Value) -> Value:
    texts = []
    for node, value in ((left_node, left), (right_node, right)):
        if not isinstance(value.data, (str, Unknown, Ref, Call)):
            return unknown("a text and something else are added", left, right)
        texts.append(text_of(value, hole_name(node, value)))
    return joined(texts)


def subscript(evaluator: "Evaluator", base: Value, key: ast.expr, scope: "Scope", node: ast.AST) -> Value:
    """Return ``base[key]``."""
    if isinstance(key, ast.Slice):
        return _slice(evaluator, base, key, scope)
    wanted = evaluator.evaluate(key, scope)
    data = base.data
    if is_environment(data) and isinstance(wanted.data, str) and wanted.is_known:
        return read_variable(evaluator, wanted.data, scope)
    if not wanted.is_known:
        return unknown_of(base, wanted, why="looked up by something that is not known")
    match data:
        case PlacedDict() if isinstance(wanted.data, (str, int, bool, float, type(None), tuple, Ref)):
            if wanted.data in data.values_of:
                found = data.values_of[wanted.data]
                return made_of(found.data, found, Value(None, is_default=wanted.is_default), holes=found.holes)
            return unknown(data.unknown[0] if data.unknown else "no such key in the dict", base)
        case dict() if wanted.data in data:
            return element(data[wanted.data], base)
        case list() | tuple() | str() | bytes() if isinstance(wanted.data, int) and not base.holes:
            return element(data[wanted.data], base)
        case Instance() | Definition() | Call() | Ref():
            return evaluator.attribute(base, f"[{wanted.data}]", scope, node)
    return unknown_of(base, wanted, why="looked up in something that this reader does not follow")


def _slice(evaluator: "Evaluator", base: Value, key: ast.Slice, scope: "Scope") -> Value:
    parts = [evaluator.evaluate(one, scope) if one else Value(None) for one in (key.lower, key.upper, key.step)]
    if isinstance(base.data, (str, bytes, list, tuple)) and all(part.is_known for part in parts) and not base.holes:
        return made_of(base.data[slice(*(part.data for part in parts))], base)
    return unknown_of(base, *parts, why="a part of something that is not known")


def _dict(evaluator: "Evaluator", node: ast.Dict, scope: "Scope") -> Value:
    result = PlacedDict()
    parts: list[Value] = []
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluator.evaluate(value_node, scope)
        parts.append(value)
        if key_node is None:
            taken = evaluator.mapping(value)
            if is_environment(value.data) and len(node.keys) > 1 and all(one is None for one in node.keys):
                return value  # ``{**dotenv_values(".env"), **os.environ}``
            if taken is None:
                result.unknown.append(value.why or "a part that is no dict")
            else:
                result.take(taken, scope.module.place(value_node))
            continue
        key = evaluator.evaluate(key_node, scope)
        if (
            key.is_known
            and isinstance(key.data, (str, int, float, bool, type(None), tuple, Ref))
            and is_hashable(key.data)
        ):
            result.put(key.data, value, scope.module.place(key_node))
        else:
            result.unknown.append(key.why or "a key that is not known")
    return made_of(result, *parts, at=scope.module.place(node))


def _sequence(evaluator: "Evaluator", node: ast.expr, items: Sequence[ast.expr], scope: "Scope") -> Value:
    data: list[Any] = []
    parts: list[Value] = []
    for item in items[:MOST]:
        value = evaluator.evaluate(item, scope)
        parts.append(value)
        if not isinstance(item, ast.Starred):
            data.append(value.data)
        elif isinstance(value.data, (list, tuple)):
            data.extend(value.data)
        else:
            data.append(Unknown(value.why or "entries that are not known"))
    holes = tuple(dict.fromkeys(hole for part in parts for hole in part.holes))
    at = scope.module.place(node)
    if isinstance(node, ast.Tuple):
        return with_holes(made_of(tuple(data), *parts, at=at), holes)
    if isinstance(node, ast.Set):
        if all(is_hashable(one) for one in data):
            return made_of(set(data), *parts, at=at)
        return unknown("a set of things that are not known", *parts)
    return with_holes(made_of(data, *parts, at=at), holes)


def _if(evaluator: "Evaluator", test: ast.expr, body: ast.expr, orelse: ast.expr, scope: "Scope") -> Value:
    from rootcellar.specialist.discover.configuration.evaluation.bindings import one_of

    decided = evaluator.condition(test, scope)
    if isinstance(decided.data, bool):
        value = evaluator.evaluate(body if decided.data else orelse, scope)
        return Value(
            value.data,
            value.holes,
            tuple(dict.fromkeys([*value.variables, *decided.variables])),
            value.written_at,
            value.is_default or decided.is_default,
        )
    first, second = evaluator.evaluate(body, scope), evaluator.evaluate(orelse, scope)
    # ``X if X else "default"``: the variable is the same one.
    if isinstance(first.data, Unknown) and first.variables and set(first.variables) <= set(decided.variables):
        return Value(
            second.data,
            second.holes,
            tuple(dict.fromkeys([*first.variables, *second.variables])),
            second.written_at,
            is_default=True,
        )
    return one_of([first, second])


def _or_and(evaluator: "Evaluator", nodes: Sequence[ast.expr], scope: "Scope", *, is_or: bool) -> Value:
    passed: list[Value] = []
    for n, node in enumerate(nodes):
        value = evaluator.evaluate(node, scope)
        is_last = n == len(nodes) - 1
        if is_or and isinstance(value.data, Unknown) and value.variables and not is_last:
            # An environment variable that nothing in the project sets: what stands behind the ``or`` is its default.
            passed.append(Value(None, (), value.variables, value.written_at, is_default=True))
            continue
        if isinstance(value.data, Unknown) or is_last:
            return made_of(
                value.data,
                value,
                *(Value(None, (), one.variables, (), one.is_default) for one in passed),
                holes=value.holes,
            )
        if (bool(value.data) if not value.holes else True) is is_or:
            return made_of(
                value.data,
                value,
                *(Value(None, (), one.variables, (), one.is_default) for one in passed),
                holes=value.holes,
            )
        passed.append(Value(None, (), value.variables, (), value.is_default))
    return unknown("an empty condition")


def _unary(evaluator: "Evaluator", op: ast.unaryop, operand: ast.expr, scope: "Scope") -> Value:
    if isinstance(op, ast.Not):
        test = evaluator.condition(operand, scope)
        return made_of(not test.data, test) if isinstance(test.data, bool) else test
    value = evaluator.evaluate(operand, scope)
    if isinstance(value.data, NUMBERS):
        return made_of(-value.data if isinstance(op, ast.USub) else value.data, value)
    return unknown_of(value, why="arithmetic that this reader does not follow")


def _compare(evaluator: "Evaluator", node: ast.Compare, scope: "Scope") -> Value:
    if len(node.ops) != 1:
        return unknown("a chain of comparisons")
    left, right = evaluator.evaluate(node.left, scope), evaluator.evaluate(node.comparators[0], scope)
    op = type(node.ops[0])
    if op in (ast.In, ast.NotIn) and is_environment(right.data) and isinstance(left.data, str):
        found = evaluator.environment.get(left.data, scope.module.path) is not None
        return Value(found is (op is ast.In), variables=(left.data,), is_default=not found)
    if op in (ast.In, ast.NotIn) and isinstance(right.data, (list, tuple)):
        if any(isinstance(one, Unknown) for one in right.data):
            return unknown("a list that is known in part", left, right)
    elif op in (ast.In, ast.NotIn) and isinstance(right.data, PlacedDict) and right.data.unknown:
        return unknown("a dict that is known in part", left, right)
    if not left.is_known or not right.is_known:
        return unknown_of(left, right, why=left.why or right.why)
    if any(isinstance(one, (Call, Ref)) for one in (left.data, right.data)) and (
        left.data is not None and right.data is not None
    ):
        same = combined(left) == combined(right)
        if op in (ast.Eq, ast.Is) and same:
            return made_of(True, left, right)
        return unknown("a comparison of objects", left, right)
    return made_of(bool(_COMPARISONS[op](left.data, right.data)), left, right)
