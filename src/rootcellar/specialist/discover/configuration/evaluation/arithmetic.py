"""Arithmetic: ``a op b`` for what is not the putting together of texts."""

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rootcellar.specialist.discover.configuration.evaluation.texts import MOST, derived, joined, unknown, unknown_of
from rootcellar.specialist.discover.configuration.placed import PathText, PlacedDict, made_of
from rootcellar.specialist.profile import Place, Unknown, Value

NUMBERS = (int, float, bool, timedelta)
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}


def binary(left: Value, op: ast.operator, right: Value, place: Place) -> Value:
    """Return ``left op right`` for anything but the putting together of texts with unknown parts."""
    one, other = left.data, right.data
    if isinstance(op, ast.Div) and isinstance(one, PathText) and isinstance(other, str):
        return derived(other if other.startswith("/") else f"{one.rstrip('/')}/{other}", left, right)
    if isinstance(op, ast.Add):
        if isinstance(one, str) and isinstance(other, str):
            return joined([left, right])
        if isinstance(one, (list, tuple)) or isinstance(other, (list, tuple)):
            return _added(left, right)
    if isinstance(op, ast.BitOr) and isinstance(one, dict) and isinstance(other, dict):
        result = PlacedDict()
        result.take(one, place)
        result.take(other, place)
        return made_of(result, left, right)
    if not left.is_known or not right.is_known:
        return unknown_of(left, right, why=left.why or right.why)
    if _is_repetition(op, one, other):
        return _repeated(left, right)
    if not (isinstance(one, NUMBERS) and isinstance(other, NUMBERS)) or _is_huge(op, one, other):
        return unknown("arithmetic that this reader does not follow", left, right)
    return made_of(_ARITHMETIC[type(op)](one, other), left, right)


def _added(left: Value, right: Value) -> Value:
    """Two lists, of which one may be unknown: then an unknown entry stands for it."""
    one, other = left.data, right.data
    first = list(one) if isinstance(one, (list, tuple)) else [Unknown(left.why or "no list")]
    second = list(other) if isinstance(other, (list, tuple)) else [Unknown(right.why or "no list")]
    if len(first) + len(second) > MOST:
        return unknown("a list of more than 100,000 entries", left, right)
    both = [*first, *second]
    return made_of(tuple(both) if isinstance(one, tuple) else both, left, right)


def _is_repetition(op: ast.operator, one: Any, other: Any) -> bool:
    pairs = ((one, other), (other, one))
    return isinstance(op, ast.Mult) and any(
        isinstance(a, (str, bytes, list, tuple)) and isinstance(b, int) for a, b in pairs
    )


def _repeated(left: Value, right: Value) -> Value:
    sequence, times = (left, right) if isinstance(right.data, int) else (right, left)
    if len(sequence.data) * max(times.data, 0) > MOST:
        return unknown("a text or list of more than 100,000 parts", left, right)
    return made_of(sequence.data * times.data, left, right)


def _is_huge(op: ast.operator, one: Any, other: Any) -> bool:
    if isinstance(op, (ast.Pow, ast.LShift)):
        return not (isinstance(other, int) and 0 <= other <= 64 and abs(one) <= 2**32)
    return any(isinstance(number, int) and number.bit_length() > 256 for number in (one, other))
