"""Beat: what an app's schedule has in it."""

import ast
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.arguments import arguments_of
from rootcellar.specialist.discover.configuration.placed import Definition, plain_value
from rootcellar.specialist.profile import BeatEntry, Place, Ref, Setting, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.changes import Periodic
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator

_SIGNATURES = frozenset({"s", "si", "signature", "subtask", "clone"})


def scheduled(evaluator: "Evaluator", setting: Setting | None) -> list[BeatEntry]:
    """Return the entries of a ``beat_schedule``."""
    mapping = evaluator.mapping(setting.value) if setting is not None else None
    found: list[BeatEntry] = []
    for name, value, place, _ in mapping.placed() if mapping is not None else ():
        entry = evaluator.mapping(value)
        if entry is None:
            continue
        task = entry.get("task")
        schedule = entry.values_of.get("schedule", Value(Unknown("no schedule is written")))
        at = place if place.path or setting is None else setting.place
        found.append(BeatEntry(str(name), task if isinstance(task, str) else _task_name(task), schedule, at))
    return found


def added(evaluator: "Evaluator", periodic: "Periodic") -> BeatEntry:
    """Return what an ``add_periodic_task`` adds."""
    call, scope = periodic.call, periodic.scope
    arguments = arguments_of(evaluator, call, scope)
    schedule = arguments.get(0, "schedule") or Value(Unknown("no schedule is written"))
    node = call.args[1] if len(call.args) > 1 else None
    node = next((one.value for one in call.keywords if one.arg == "sig"), node)
    inner = node
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _SIGNATURES:
        inner = inner.func.value
    task = _task_name(evaluator.evaluate(inner, scope).data) if inner is not None else ""
    place: Place = scope.module.place(call)
    return BeatEntry(arguments.text(-1, "name") or task, task, plain_value(schedule), place)


def _task_name(data: object) -> str:
    """Return the name of a task: its decorator's, else where it is defined."""
    if isinstance(data, Definition) and isinstance(data.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for decorator in data.node.decorator_list:
            for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return data.name if isinstance(data, Ref) else ""
