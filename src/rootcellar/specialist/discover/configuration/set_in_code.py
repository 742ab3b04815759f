"""Environment variables that the project's own code sets: ``os.environ.setdefault("CELERY_RESULT_BACKEND", …)``."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Module
from rootcellar.specialist.profile import Place, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Modules


def set_in_code(modules: "Modules", evaluator: "Evaluator", variable: str) -> tuple[Value, Place] | None:
    """Return what the code sets a variable to, and where: the first place of the first file; ``None``: nowhere.

    Only at the top level of a module, where it happens on import.
    """
    for path in modules.mentioning(variable):
        module = modules.at(path)
        if module is not None:
            for node, expression in _sets(module, variable):
                return evaluator.value(expression, module), module.place(node)
    return None


def _sets(module: Module, variable: str) -> Iterator[tuple[ast.AST, ast.expr]]:
    for statement in module.tree.body:
        match statement:
            case ast.Expr(value=ast.Call(func=function, args=[ast.Constant(value=name), value])) if (
                name == variable and module.dotted(function) in ("os.environ.setdefault", "environ.setdefault")
            ):
                yield statement, value
            case ast.Assign(targets=[ast.Subscript(value=mapping, slice=ast.Constant(value=name))], value=value) if (
                name == variable and module.dotted(mapping) in ("os.environ", "environ")
            ):
                yield statement, value
