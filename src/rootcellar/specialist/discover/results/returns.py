"""What a task visibly returns."""

import ast
from collections.abc import Iterator

from rootcellar.specialist.discover.modules import Module, Modules
from rootcellar.specialist.discover.results.kind import Kind
from rootcellar.specialist.discover.results.kinds import Kinds
from rootcellar.specialist.profile import Returned


def returns_of(node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module, modules: Modules) -> tuple[Returned, ...]:
    """Return what each ``return`` gives, a conditional one both of its ways. A generator is one as a whole."""
    own = list(own_nodes(node))
    first = next((one for one in own if isinstance(one, (ast.Yield, ast.YieldFrom))), None)
    if first is not None:
        return (Returned("types.GeneratorType", module.place(first)),)
    kinds = Kinds(module, modules, own)
    found: list[Returned] = []
    for statement in sorted((one for one in own if isinstance(one, ast.Return)), key=lambda one: one.lineno):
        for value in _ways(statement.value):
            kind = kinds.of(value) if value is not None else Kind("None")
            returned = Returned(kind.name, module.place(statement), kind.inside)
            if returned not in found:
                found.append(returned)
    return tuple(found)


def own_nodes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, those of functions, classes and lambdas in it left out."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(one))


def _ways(value: ast.expr | None) -> Iterator[ast.expr | None]:
    match value:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _ways(body)
            yield from _ways(orelse)
        case ast.BoolOp(values=values):
            for one in values:
                yield from _ways(one)
        case _:
            yield value
