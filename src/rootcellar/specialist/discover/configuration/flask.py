"""Flask: what is put into ``app.config``."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.arguments import arguments_of, as_mapping
from rootcellar.specialist.discover.configuration.evaluation.bindings import certainty
from rootcellar.specialist.discover.configuration.evaluation.frames import Body, Guard
from rootcellar.specialist.discover.configuration.placed import PlacedDict
from rootcellar.specialist.discover.configuration.settings_object import members, why_not
from rootcellar.specialist.discover.module_names import project_root
from rootcellar.specialist.profile import Ref, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
    from rootcellar.specialist.discover.modules import Module

#: What is read only where the project is deployed.
_ELSEWHERE = frozenset({"from_pyfile", "from_envvar", "from_file", "from_json"})
Body_ = ast.FunctionDef | ast.AsyncFunctionDef


def flask_config(evaluator: "Evaluator", near: str) -> Value:
    """Return the configuration of the Flask app around the path ``near``, as one dict with the places of its entries.

    The parts are taken in the order of the files' paths and of the lines in them.
    """
    root = project_root(near, evaluator.modules.tree)
    key = ("flask", root)
    kept = evaluator.memory.get(key)
    if kept is None:
        result = PlacedDict()
        kept = evaluator.memory[key] = Value(result)
        for path in evaluator.modules.mentioning("Flask", "flask"):
            module = evaluator.modules.at(path) if not root or path.startswith(root + "/") else None
            if module is not None and not _is_test(path):
                _read(evaluator, module, result)
    return kept


def _is_test(path: str) -> bool:
    return path.rpartition("/")[2].startswith(("test_", "conftest")) or "tests" in path.split("/")[:-1]


def _bodies(module: "Module") -> Iterator[Body]:
    yield module.tree
    for node in module.nodes:
        if isinstance(node, Body_):
            yield node


def _read(evaluator: "Evaluator", module: "Module", result: PlacedDict) -> None:
    for body in _bodies(module):
        scope = evaluator.scope_of(module, body)
        for call, guards in scope.frame.calls:
            func = call.func
            if isinstance(func, ast.Attribute) and _is_config(func.value, module):
                _take_call(evaluator, call, func.attr, guards, scope, result)
        for bindings in scope.frame.bindings.values():
            for binding in bindings:
                target = binding.target
                if not isinstance(target, ast.Subscript) or not _is_config(target.value, module):
                    continue
                runs = certainty(evaluator, binding.guards, scope)
                here = scope.at(binding.position)
                key = evaluator.evaluate(target.slice, here)
                value = getattr(binding.node, "value", None)
                if runs is False or not isinstance(key.data, str) or not isinstance(value, ast.expr):
                    continue
                result.put(key.data, evaluator.evaluate(value, here), module.place(target), is_conditional=runs is None)


def _is_config(node: ast.AST, module: "Module") -> bool:
    """Whether this is ``app.config``, for some ``app`` in a module that knows Flask."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "config"
        and isinstance(node.value, ast.Name)
        and "app" in node.value.id.lower()
        and any(dotted.partition(".")[0] in ("flask", "quart") for dotted in module.names.values())
    )


def _take_call(
    evaluator: "Evaluator",
    call: ast.Call,
    method: str,
    guards: tuple[Guard, ...],
    scope: "Scope",
    result: PlacedDict,
) -> None:
    runs = certainty(evaluator, guards, scope)
    if runs is False:
        return
    here = scope.at((call.lineno, call.col_offset))
    place = scope.module.place(call)
    conditional = runs is None
    if method in _ELSEWHERE:
        result.unknown.append(f"Flask's configuration is also read from a file, by {method}()")
        return
    if method not in ("update", "from_mapping", "from_object"):
        return
    arguments = arguments_of(evaluator, call, here)
    for value in arguments.args[:1]:
        if method == "from_object":
            _take_object(evaluator, value, here, result, conditional=conditional)
            continue
        taken = evaluator.mapping(value)
        if taken is None:
            result.unknown.append(value.why or "a part of Flask's configuration is no dict that this reader follows")
        else:
            result.take(taken, place, is_conditional=conditional)
    result.take(as_mapping(arguments, place), place, is_conditional=conditional)


def _take_object(
    evaluator: "Evaluator", value: Value, scope: "Scope", result: PlacedDict, *, conditional: bool
) -> None:
    if isinstance(value.data, str) and value.is_known:
        value = evaluator.resolve(value.data, scope.module.path)
    why = why_not(value)
    if why and not (isinstance(value.data, Ref) and evaluator.modules.is_module(value.data.name)):
        result.unknown.append(why)
        return
    for member in members(evaluator, value, scope, str.isupper):
        result.put(member.name, member.value, member.place, is_conditional=conditional or member.is_conditional)
