"""Calls of what Celery has: tasks sent, signatures made and piped, results waited for and looked up."""

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.results.flow import celery_names as names
from rootcellar.specialist.discover.results.flow.attributes import variable_of
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
    Row,
    Signature,
    TaskMaker,
    TaskThing,
    Thing,
    either,
    element,
    tasks_in,
    union,
)

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow


@dataclass(frozen=True, slots=True)
class Called:
    """A call: what is called, and what is given to it."""

    func: Thing
    node: ast.Call
    things: list[Thing]
    keywords: dict[str, Thing]

    def given(self, n: int, name: str) -> Thing:
        """Return an argument by its position or its name."""
        return self.things[n] if n < len(self.things) else self.keywords.get(name)

    def text(self, n: int, name: str) -> str:
        """Return an argument that is a text literal; empty otherwise."""
        found = self.node.args[n] if n < len(self.node.args) else None
        found = found or next((one.value for one in self.node.keywords if one.arg == name), None)
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else ""


def called(flow: "Flow", frame: Frame, call: Called) -> Thing:
    """Return what a call gives."""
    match call.func:
        case Dotted(name=name):
            return _named(flow, frame, call, name)
        case Method():
            return _method(flow, frame, call, call.func)
        case TaskMaker():
            return flow.maker_called(frame, call.func, call.node, call.things)
        case Signature(tasks=tasks, is_canvas=True, is_group=is_group):
            flow.uses.add(frame, "send", call.node, "__call__", tasks, variable_of(call.node.func))
            return Result(tasks, is_group)
        case ChordHeader():
            return _chord_sent(flow, frame, call, call.given(0, "body"), "__call__")
        case Function():
            return flow.function_called(frame, call.func, call)
        case Class(is_app=True):
            return AppThing()
        case Class():
            return Instance(call.func)
    return None


def piped(flow: "Flow", frame: Frame, node: ast.AST, left: Thing, right: Thing) -> Thing:
    """Return what ``left | right`` gives: a chain; a chord, where a group is on the left."""
    if isinstance(left, ChordHeader):
        return Signature(tasks_in(right), is_canvas=True)
    if not isinstance(left, Signature) and not isinstance(right, Signature):
        return Many(either(left.item, right.item), True) if isinstance(left, Many) and isinstance(right, Many) else None
    if isinstance(left, Signature) and left.is_group:
        flow.uses.add(frame, "chord", node, "|", left.tasks)
    if isinstance(right, Signature):
        return Signature(right.tasks, is_canvas=True, is_group=right.is_group)
    return Signature((), is_canvas=True)


def _named(flow: "Flow", frame: Frame, call: Called, name: str) -> Thing:
    found: Thing = None
    if name.startswith("celery."):
        found = flow.resolve(name)  # a project may have a module of that name at its root
        is_own = found is not None and not isinstance(found, Dotted)
        return called(flow, frame, replace(call, func=found)) if is_own else _celerys(flow, frame, call, name)
    if name in names.OURS:
        flow.uses.ours(frame, names.OURS[name], name.rpartition(".")[2], call.node, tasks_in(call.given(0, "result")))
        return None
    owner, _, last = name.rpartition(".")
    if last in names.SENDS or last in names.TASK_METHODS:
        # A task of a package that is not the project's: by its module's name it is Celery's.
        if "tasks" in owner.split(".")[:-1] and not flow.scan.is_of_project(owner):
            return _method(flow, frame, call, Method(TaskThing(), last))
        return None
    found = flow.resolve(name, is_frugal=True)
    if isinstance(found, Dotted):
        return _celerys(flow, frame, call, found.name) if found.name.startswith("celery.") else None
    return called(flow, frame, replace(call, func=found)) if found is not None else None


def _celerys(flow: "Flow", frame: Frame, call: Called, name: str) -> Thing:
    node = call.node
    if name in names.APP_CLASSES:
        return AppThing()
    if name in names.RESULT_CLASSES:
        flow.uses.add(frame, "lookup", node, "AsyncResult")
        return Result()
    if name in names.GROUP_RESULT_CLASSES:
        return Result(tasks_in(call.given(0 if name.endswith("ResultSet") else 1, "results")), is_group=True)
    if name in names.RESTORERS:
        flow.uses.add(frame, "lookup", node, name.rpartition(".")[2])
        return Result(is_group=name.endswith("restore"))
    if name in names.APP_GETTERS:
        return AppThing()
    if name in names.GROUPS:
        tasks = union(*(tasks_in(one) for one in _flat(call.things)))
        flow.uses.add(frame, "group", node, "group", tasks)
        return Signature(tasks, is_canvas=True, is_group=True)
    if name in names.CHAINS:
        return _chain(flow, frame, call)
    if name in names.CHORDS:
        return _chord(flow, frame, call)
    if name in names.CHUNKS:
        return Signature(tasks_in(call.given(0, "task")), is_canvas=True, is_group=True)
    if name in names.SIGNATURES:
        return _signature(call)
    if name in names.ALLOW_JOINS:
        flow.uses.add(frame, "allow_join", node, "allow_join_result")
        return None
    if name in names.SHARED_TASKS:
        return flow.maker_called(frame, TaskMaker(), node, call.things)
    return None


def _signature(call: Called) -> Thing:
    name, given = call.text(0, "task"), call.given(0, "task")
    if name:
        return Signature((name,))
    return given if isinstance(given, Signature) else Signature(tasks_in(given))


def _flat(things: list[Thing]) -> list[Thing]:
    """The items of canvas arguments: those given one by one, or as one list."""
    flat: list[Thing] = []
    for one in things:
        flat.extend(one.items if isinstance(one, Row) else [element(one)] if isinstance(one, Many) else [one])
    return flat


def _chain(flow: "Flow", frame: Frame, call: Called) -> Thing:
    nodes = call.node.args
    if len(nodes) == 1 and isinstance(nodes[0], (ast.List, ast.Tuple)):
        # Their kinds again, one by one: a list has forgotten the order.
        with flow.silence():
            steps = [flow.thing_of(frame, one) for one in nodes[0].elts]
    else:
        steps = _flat(call.things)
    made: Thing = Signature(is_canvas=True)
    for n, step in enumerate(steps):
        made = piped(flow, frame, call.node, made, step) if n else step
    return Signature(tasks_in(made), is_canvas=True, is_group=isinstance(made, Signature) and made.is_group)


def _chord(flow: "Flow", frame: Frame, call: Called) -> Thing:
    header, body = call.given(0, "header"), call.given(1, "body")
    tasks = tasks_in(header)
    flow.uses.add(frame, "chord", call.node, "chord", tasks)
    has_body = len(call.node.args) > 1 or "body" in call.keywords
    return Signature(tasks_in(body), is_canvas=True) if has_body else ChordHeader(tasks)


def _chord_sent(flow: "Flow", frame: Frame, call: Called, body: Thing, how: str) -> Thing:
    flow.uses.add(frame, "send", call.node, how, tasks_in(body))
    return Result(tasks_in(body))


def _method(flow: "Flow", frame: Frame, call: Called, method: Method) -> Thing:
    match method.of:
        case TaskThing() | Signature() | ChordHeader():
            return _sender_method(flow, frame, call, method, method.of)
        case AppThing():
            return _app_method(flow, frame, call, method, method.of)
        case Result():
            return _result_method(flow, frame, call, method, method.of)
        case Registry():
            name = call.text(0, "key")
            return TaskThing((name,) if name else ())
        case Many():
            return _container_method(flow, frame, call, method, method.of)
    return None


def _sender_method(
    flow: "Flow", frame: Frame, call: Called, method: Method, of: TaskThing | Signature | ChordHeader
) -> Thing:
    match method.name:
        case "delay" | "apply_async" if isinstance(of, ChordHeader):
            return _chord_sent(flow, frame, call, call.given(0, "body"), method.name)
        case "delay" | "apply_async":
            flow.uses.sent(frame, method, call.node, of.tasks)
            return Result(of.tasks, isinstance(of, Signature) and of.is_group)
        case "delay_on_commit" | "apply_async_on_commit":
            flow.uses.sent(frame, method, call.node, of.tasks)
            return None
        case "s" | "si" | "signature" | "subtask" | "map" | "starmap":
            return Signature(of.tasks)
        case "chunks":
            return Signature(of.tasks, is_canvas=True, is_group=True)
        case "AsyncResult":
            flow.uses.add(frame, "lookup", call.node, "AsyncResult", of.tasks)
            return Result(of.tasks)
        case "freeze":
            return Result(of.tasks, isinstance(of, Signature) and of.is_group)
    return of  # set(), clone() and the like


def _app_method(flow: "Flow", frame: Frame, call: Called, method: Method, of: AppThing) -> Thing:
    match method.name:
        case "send_task":
            name = call.text(0, "name")
            given = tasks_in(call.given(0, "name"))
            tasks = (name,) if name else given
            flow.uses.sent(frame, method, call.node, tasks)
            return Result(tasks)
        case "setup_security":
            flow.app_touched(frame, "setup_security", call.node, call.node.args, call.node)
        case "task":
            return flow.maker_called(frame, TaskMaker(of.target), call.node, call.things)
        case "register_task":
            task = call.given(0, "task")
            cls = task.of if isinstance(task, Instance) else task
            return flow.registered(cls) if isinstance(cls, Class) else TaskThing(tasks_in(task))
    return None


def _result_method(flow: "Flow", frame: Frame, call: Called, method: Method, of: Result) -> Thing:
    name = method.name
    if name in names.WAITS:
        flow.uses.waited(frame, method, call.node, of)
    elif name in names.LOOKS:
        flow.uses.looked(frame, method, call.node, of)
    else:
        flow.uses.add(frame, name, call.node, name, of.tasks, method.variable)
    return None


def _container_method(flow: "Flow", frame: Frame, call: Called, method: Method, of: Many) -> Thing:
    given: Thing
    match method.name:
        case "append" | "add" | "appendleft":
            given = call.given(0, "")
        case "insert":
            given = call.given(1, "")
        case "setdefault":
            given = call.given(1, "default")
        case "extend" | "update":
            given = element(call.given(0, ""))
        case "values" | "copy":
            return Many(of.item, of.is_mapping and method.name == "copy")
        case "items":
            return Many(Row((None, of.item)))
        case "popitem":
            return Row((None, of.item))
        case _:
            return of.item
    if given is not None and isinstance(call.node.func, ast.Attribute):
        flow.rebind(frame, call.node.func.value, Many(either(of.item, given), of.is_mapping))
    return given if method.name == "setdefault" else None
