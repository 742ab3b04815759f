"""Expressions: what each stands for, and the uses of results that stand in it. Each is walked through once."""

import ast
import builtins
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.results.flow import celery_calls
from rootcellar.specialist.discover.results.flow.attributes import attribute_of
from rootcellar.specialist.discover.results.flow.celery_names import PUBLIC
from rootcellar.specialist.discover.results.flow.frames import Frame
from rootcellar.specialist.discover.results.flow.guards import ready_if
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    ChordHeader,
    Dotted,
    Instance,
    Many,
    Method,
    Registry,
    Result,
    Row,
    Signature,
    TaskThing,
    Thing,
    either,
    element,
)

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow

#: calls that run a function in another thread and give what it returns
_RUNNERS = frozenset({"to_thread", "run_in_executor", "run_sync", "run_in_threadpool"})
#: and that make a function of it that does
_WRAPPERS = frozenset({"sync_to_async", "partial"})
#: built-in functions that give the things they are given
_PASSING = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "collections.deque", "filter"})


def thing_of(flow: "Flow", frame: Frame, node: ast.expr | None) -> Thing:
    """Return what an expression stands for, noting the uses in it."""
    if node is None:
        return None
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(flow, frame, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            thing_of(flow, frame, child)
    return None


def bind(flow: "Flow", frame: Frame, target: ast.expr, thing: Thing, value: ast.expr | None = None) -> None:
    """Let a target of an assignment stand for a thing, which ``value`` gives."""
    match target:
        case ast.Name(id=name):
            frame.names[name] = thing
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            items = thing.items if isinstance(thing, Row) and len(thing.items) == len(targets) else None
            for n, one in enumerate(targets):
                bind(flow, frame, one, items[n] if items is not None else element(thing))
        case ast.Starred(value=inner):
            bind(flow, frame, inner, Many(thing))
        case ast.Attribute(value=owner, attr=attribute):
            of = thing_of(flow, frame, owner)
            if attribute in ("backend", "_backend", "backend_cls"):
                of = flow.forced_all(of)
                if isinstance(of, AppThing):
                    flow.app_touched(frame, f"{attribute}=", target, [value] if value is not None else [], None)
            if isinstance(of, Instance) and thing is not None:
                of.of.attributes[attribute] = either(of.of.attributes.get(attribute), thing)
        case ast.Subscript(value=container, slice=index):
            thing_of(flow, frame, index)
            of = thing_of(flow, frame, container)
            if isinstance(of, Many):
                rebind(flow, frame, container, Many(either(of.item, thing), of.is_mapping))


def rebind(flow: "Flow", frame: Frame, node: ast.expr, thing: Thing) -> None:
    """Let an expression that stands for a container stand for one that holds more."""
    if isinstance(node, ast.Name):
        where: Frame | None = frame
        while where is not None and node.id not in where.names:
            where = where.parent
        (where or frame).names[node.id] = thing
    elif isinstance(node, ast.Attribute):
        bind(flow, frame, node, thing)


def _nothing(flow: "Flow", frame: Frame, node: ast.expr) -> Thing:
    return None


def _name(flow: "Flow", frame: Frame, node: ast.Name) -> Thing:
    is_bound, thing = frame.find(node.id)
    if is_bound:
        return thing
    names = flow.names
    if node.id not in names and flow.stars and not hasattr(builtins, node.id):
        for star in flow.stars:
            known = node.id in PUBLIC if star == "celery" else flow.resolve(f"{star}.{node.id}") is not None
            if known:
                return Dotted(f"{star}.{node.id}")
    return Dotted(names.get(node.id, node.id))


def _attribute(flow: "Flow", frame: Frame, node: ast.Attribute) -> Thing:
    return attribute_of(flow, frame, thing_of(flow, frame, node.value), node)


def _call(flow: "Flow", frame: Frame, node: ast.Call) -> Thing:
    called = thing_of(flow, frame, node.func)
    things = [thing_of(flow, frame, argument) for argument in node.args]
    keywords = {one.arg or "**": thing_of(flow, frame, one.value) for one in node.keywords}
    name = called.name if isinstance(called, Dotted) else ""
    last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    if last == "sleep" and frame.context.loops:
        frame.context.loops[-1].sleeps = True
    passed = next((n for n, one in enumerate(things) if isinstance(one, Method) and _is_of_celery(one)), None)
    if passed is not None and not _is_of_celery(called):
        return _given(flow, frame, node, passed, things, last)
    if name in _PASSING:
        given = things[-1] if things else None
        return Many(element(given)) if element(given) is not None else (Many() if not things else None)
    if name == "dict":
        return Many(element(things[0]) if things else None, is_mapping=True)
    if name == "enumerate" and things:
        return Many(Row((None, element(things[0]))))
    if name == "zip":
        return Many(Row(tuple(element(one) for one in things)))
    if name == "next" and things:
        return element(things[0])
    return celery_calls.called(flow, frame, celery_calls.Called(called, node, things, keywords))


def _is_of_celery(thing: Thing) -> bool:
    of = thing.of if isinstance(thing, Method) else None
    return isinstance(of, (Result, TaskThing, Signature, ChordHeader, AppThing))


def _given(flow: "Flow", frame: Frame, node: ast.Call, at: int, things: list[Thing], last: str) -> Thing:
    """A method is given to a function, which calls it in its own time, mostly in another thread."""
    method = things[at]
    assert isinstance(method, Method)
    rest = ast.Call(func=node.func, args=node.args[at + 1 :], keywords=node.keywords)
    if last in _WRAPPERS:
        if last == "partial":
            return replace(method, given=ast.copy_location(rest, node))
        return replace(method, is_elsewhere=True)
    arguments = node.args[at]
    func = arguments if isinstance(arguments, ast.Attribute) else node.func
    call = ast.copy_location(ast.Call(func=func, args=rest.args, keywords=rest.keywords), node)
    if last not in _RUNNERS:
        call = ast.copy_location(ast.Call(func=func, args=[], keywords=[]), node)
    one = celery_calls.Called(replace(method, is_elsewhere=True), call, things[at + 1 :], {})
    returned = celery_calls.called(flow, frame, one)
    if last in _RUNNERS:
        return returned
    return Many(returned) if last == "map" else None


def _lambda(flow: "Flow", frame: Frame, node: ast.Lambda) -> Thing:
    inside = Frame(replace(frame.context, is_coroutine=False, loops=[], returned=None, yielded=None), frame)
    arguments = node.args
    for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        inside.names[one.arg] = None
    thing_of(flow, inside, node.body)
    return None


def _comprehension(
    flow: "Flow", frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
) -> Thing:
    inside = Frame(frame.context, frame)
    frame.context.depth += 1
    for one in node.generators:
        bind(flow, inside, one.target, element(thing_of(flow, inside, one.iter)))
        for test in one.ifs:
            thing_of(flow, inside, test)
    if isinstance(node, ast.DictComp):
        thing_of(flow, inside, node.key)
        item = thing_of(flow, inside, node.value)
    else:
        item = thing_of(flow, inside, node.elt)
    frame.context.depth -= 1
    return Many(item, isinstance(node, ast.DictComp))


def _operation(flow: "Flow", frame: Frame, node: ast.BinOp) -> Thing:
    left, right = thing_of(flow, frame, node.left), thing_of(flow, frame, node.right)
    return operation(flow, frame, node, node.op, left, right)


def operation(
    flow: "Flow", frame: Frame, node: ast.BinOp | ast.AugAssign, operator: ast.operator, left: Thing, right: Thing
) -> Thing:
    """Return what ``left operator right`` stands for: signatures are piped, lists added."""
    if isinstance(operator, ast.BitOr):
        return celery_calls.piped(flow, frame, node, left, right)
    if isinstance(operator, ast.Add) and (isinstance(left, (Many, Row)) or isinstance(right, (Many, Row))):
        return Many(either(element(left), element(right)))
    if isinstance(operator, ast.Mult) and isinstance(left, (Many, Row)):
        return Many(element(left))
    return None


def _any_of(flow: "Flow", frame: Frame, node: ast.BoolOp) -> Thing:
    found: Thing = None
    context = frame.context
    ready = context.ready
    for value in node.values:
        found = flow.one_of(found, thing_of(flow, frame, value))
        if_true, if_false = ready_if(value)
        context.ready |= if_true if isinstance(node.op, ast.And) else if_false
    context.ready = ready
    return found


def _choice(flow: "Flow", frame: Frame, node: ast.IfExp) -> Thing:
    thing_of(flow, frame, node.test)
    context, (if_true, if_false) = frame.context, ready_if(node.test)
    ready = context.ready
    context.ready = ready | if_true
    body = thing_of(flow, frame, node.body)
    context.ready = ready | if_false
    other = thing_of(flow, frame, node.orelse)
    context.ready = ready
    return flow.one_of(body, other)


def _walrus(flow: "Flow", frame: Frame, node: ast.NamedExpr) -> Thing:
    thing = thing_of(flow, frame, node.value)
    bind(flow, frame, node.target, thing)
    return thing


def _inner(flow: "Flow", frame: Frame, node: ast.Await | ast.Starred) -> Thing:
    return thing_of(flow, frame, node.value)


def _subscript(flow: "Flow", frame: Frame, node: ast.Subscript) -> Thing:
    of = flow.forced(thing_of(flow, frame, node.value), ("tasks",))
    thing_of(flow, frame, node.slice)
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(of, Registry):
        return TaskThing((key,) if isinstance(key, str) else ())
    if isinstance(node.value, ast.Attribute) and node.value.attr == "extensions" and key == "celery":
        return AppThing()  # where Flask's documentation has applications keep it
    if isinstance(node.slice, ast.Slice):
        return of if isinstance(of, (Many, Row)) else Many(element(of))
    if isinstance(of, Row) and isinstance(key, int) and -len(of.items) <= key < len(of.items):
        return of.items[key]
    return element(of)


def _items(flow: "Flow", frame: Frame, node: ast.List | ast.Set | ast.Tuple) -> Thing:
    items: list[Thing] = []
    for one in node.elts:
        thing = thing_of(flow, frame, one)
        items.append(element(thing) if isinstance(one, ast.Starred) else thing)
    if isinstance(node, ast.Tuple) and not any(isinstance(one, ast.Starred) for one in node.elts):
        return Row(tuple(items))
    return Many(element(Row(tuple(items))))


def _mapping(flow: "Flow", frame: Frame, node: ast.Dict) -> Thing:
    found: Thing = None
    for key, value in zip(node.keys, node.values, strict=True):
        thing_of(flow, frame, key)
        thing = thing_of(flow, frame, value)
        found = either(found, thing if key is not None else element(thing))
    return Many(found, is_mapping=True)


def _yield(flow: "Flow", frame: Frame, node: ast.Yield | ast.YieldFrom) -> Thing:
    thing = thing_of(flow, frame, node.value)
    frame.context.yielded = either(frame.context.yielded, thing if isinstance(node, ast.Yield) else element(thing))
    return None


_Handler = Callable[..., Thing]
_HANDLERS: dict[type[ast.expr], _Handler] = {
    ast.Constant: _nothing,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.BinOp: _operation,
    ast.BoolOp: _any_of,
    ast.IfExp: _choice,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.Subscript: _subscript,
    ast.List: _items,
    ast.Set: _items,
    ast.Tuple: _items,
    ast.Dict: _mapping,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
