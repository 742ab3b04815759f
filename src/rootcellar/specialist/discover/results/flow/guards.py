"""Guards: what a condition says about results: that they are there, so that a get returns at once."""

import ast
from collections.abc import Sequence

from rootcellar.specialist.discover.results.flow.attributes import variable_of

#: Methods that are true only of a result that is there.
_TELLING = frozenset({"ready", "successful", "failed"})
_STATES = frozenset({"state", "status"})
_FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
_FINAL_SETS = frozenset({"READY_STATES", "EXCEPTION_STATES", "PROPAGATE_STATES"})
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_NONE: frozenset[str] = frozenset()


def ready_if(test: ast.expr) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables whose results are there if a test is true, and those whose results are if it is false."""
    match test:
        case ast.Call(func=ast.Attribute(value=of, attr=name), args=[]) if name in _TELLING:
            return _one(of), _NONE
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            if_true, if_false = ready_if(inner)
            return if_false, if_true
        case ast.BoolOp(op=operator, values=values):
            every = [ready_if(value) for value in values]
            first_true, first_false = every[0]
            if isinstance(operator, ast.And):
                return _NONE.union(*(one[0] for one in every)), first_false.intersection(*(one[1] for one in every))
            return first_true.intersection(*(one[0] for one in every)), _NONE.union(*(one[1] for one in every))
        case ast.Compare(left=ast.Attribute(value=of, attr=name), ops=[operator], comparators=[other]):
            if name in _STATES and _is_final(other):
                if isinstance(operator, (ast.Eq, ast.In, ast.Is)):
                    return _one(of), _NONE
                if isinstance(operator, (ast.NotEq, ast.NotIn, ast.IsNot)):
                    return _NONE, _one(of)
    return _NONE, _NONE


def leaves(statements: Sequence[ast.stmt]) -> bool:
    """Whether a block's end is never reached."""
    return bool(statements) and isinstance(statements[-1], _LEAVING)


def _one(node: ast.expr) -> frozenset[str]:
    name = variable_of(node)
    return frozenset({name}) if name else _NONE


def _is_final(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return text in _FINAL
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _FINAL or name in _FINAL_SETS
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return bool(parts) and all(_is_final(part) for part in parts)
    return False
