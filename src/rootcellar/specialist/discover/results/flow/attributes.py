"""Attributes: what ``x.y`` stands for, and the uses that reading it is."""

import ast
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.results.flow.celery_names import (
    APP_METHODS,
    EXTENDED,
    LOOKS,
    READS,
    TASK_METHODS,
    WAITS,
)
from rootcellar.specialist.discover.results.flow.frames import Frame
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    ChordHeader,
    Class,
    Dotted,
    Function,
    Instance,
    Many,
    Method,
    Registry,
    Result,
    Signature,
    TaskThing,
    Thing,
)

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow

#: attributes for which it is worth finding out what an imported name is
_TELLING = READS | EXTENDED | LOOKS | APP_METHODS | TASK_METHODS | frozenset(WAITS) | {"forget", "then", "results"}
_OF_APP: dict[str, Thing] = {
    "AsyncResult": Dotted("celery.result.AsyncResult"),
    "GroupResult": Dotted("celery.result.GroupResult"),
    "ResultSet": Dotted("celery.result.ResultSet"),
    "signature": Dotted("celery.signature"),
    "Task": Dotted("celery.Task"),
    "current_task": TaskThing(),
    "tasks": Registry(),
}
_OF_SIGNATURE = frozenset(
    {"delay", "apply_async", "set", "clone", "replace", "on_error", "stamp", "freeze", "skew", "group"}
)
_OF_CONTAINER = frozenset(
    {
        "append", "add", "insert", "extend", "update", "setdefault", "appendleft",
        "pop", "popleft", "popitem", "get", "values", "items", "copy",
    }
)  # fmt: skip


def variable_of(node: ast.AST) -> str:
    """Return the name of the variable that an expression is: ``r``, ``self.result``; empty if it is none."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            owner = variable_of(value)
            return f"{owner}.{attribute}" if owner else ""
        case ast.NamedExpr(target=target):
            return variable_of(target)
        case ast.Await(value=value):
            return variable_of(value)
    return ""


def attribute_of(flow: "Flow", frame: Frame, of: Thing, node: ast.Attribute) -> Thing:
    """Return what an attribute of a thing stands for."""
    name = node.attr
    match of:
        case Dotted(name=owner):
            if name in _TELLING:
                known = flow.resolve(owner)
                if known is not None and not isinstance(known, (Dotted, Function)):
                    return attribute_of(flow, frame, known, node)
            return Dotted(f"{owner}.{name}")
        case AppThing():
            return of_app(of, name)
        case Registry():
            return Method(of, name) if name == "get" else None
        case TaskThing():
            return _of_task(of, name)
        case Signature() | ChordHeader():
            return _of_signature(of, name)
        case Result():
            return _of_result(flow, frame, of, node)
        case Many():
            return Method(of, name) if name in _OF_CONTAINER else None
        case Instance(of=cls) | (Class() as cls):
            return _of_class(flow, cls, name)
    return None


def of_app(app: AppThing, name: str) -> Thing:
    """Return what an attribute of an app stands for."""
    return _OF_APP.get(name) or (Method(app, name) if name in APP_METHODS else None)


def _of_task(of: TaskThing, name: str) -> Thing:
    if name in TASK_METHODS:
        return Method(of, name)
    return AppThing() if name in ("app", "_app") else None


def _of_signature(of: Signature | ChordHeader, name: str) -> Thing:
    if name in _OF_SIGNATURE:
        return Method(of, name)
    if name == "type":
        return TaskThing(of.tasks)
    return Many(Signature(of.tasks)) if name == "tasks" else None


def _of_result(flow: "Flow", frame: Frame, of: Result, node: ast.Attribute) -> Thing:
    name, variable = node.attr, variable_of(node.value)
    if name in WAITS or name in LOOKS or name in ("forget", "then"):
        return Method(of, name, variable)
    if name in READS:
        flow.uses.read(frame, node, of)
        return Many(Result()) if name == "children" else None
    if name in EXTENDED and not of.is_group:
        flow.uses.add(frame, "extended", node, name, of.tasks, variable)
    if name == "results":
        return Many(Result(of.tasks))
    return Result() if name == "parent" else None


def _of_class(flow: "Flow", cls: Class, name: str) -> Thing:
    found = cls.attribute(name)
    if isinstance(found, Function) and found.is_property:
        return flow.returned_by(found)
    if found is not None:
        return found
    if cls.is_task:
        return _of_task(TaskThing((cls.task,) if cls.task else ()), name)
    return None
