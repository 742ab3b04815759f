"""Statements: walked through in their order, names being bound on the way."""

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.results.flow.annotations import annotated
from rootcellar.specialist.discover.results.flow.attributes import variable_of
from rootcellar.specialist.discover.results.flow.celery_names import (
    ALLOW_JOINS,
    GROUP_RESULT_CLASSES,
    RESULT_CLASSES,
    SENDS,
)
from rootcellar.specialist.discover.results.flow.expressions import bind, operation, rebind, thing_of
from rootcellar.specialist.discover.results.flow.frames import Frame, Loop
from rootcellar.specialist.discover.results.flow.guards import leaves, ready_if
from rootcellar.specialist.discover.results.flow.things import Dotted, Result, Thing, either, element

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow


def run(flow: "Flow", frame: Frame, statements: Sequence[ast.stmt]) -> None:
    """Walk through statements."""
    for statement in statements:
        if frame.is_module and flow.is_dull(statement):
            _bind_names(frame, statement)
            continue
        handler = _HANDLERS.get(type(statement))
        if handler is not None:
            handler(flow, frame, statement)
            continue
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                thing_of(flow, frame, child)


def _bind_names(frame: Frame, statement: ast.stmt) -> None:
    # What is not looked at still hides what a name stood for.
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        if isinstance(target, ast.Name):
            frame.names[target.id] = None


def _function(flow: "Flow", frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    flow.define_function(frame, node)


def _class(flow: "Flow", frame: Frame, node: ast.ClassDef) -> None:
    flow.define_class(frame, node)


def _return(flow: "Flow", frame: Frame, node: ast.Return) -> None:
    frame.context.returned = either(frame.context.returned, thing_of(flow, frame, node.value))


def _assign(flow: "Flow", frame: Frame, node: ast.Assign) -> None:
    thing = thing_of(flow, frame, node.value)
    for target in node.targets:
        _renewed(frame, target, node.value)
        bind(flow, frame, target, flow.placed(frame, target, node.value, thing), node.value)


def _renewed(frame: Frame, target: ast.expr, value: ast.expr) -> None:
    """A variable stands for another result from here on, which may not be there yet."""
    name, context = variable_of(target), frame.context
    context.ready -= {name}
    match value:
        case ast.Call(func=ast.Attribute(attr=method)) if name and method in SENDS | {"send_task"}:
            for loop in context.loops:
                loop.sent.add(name)


def _annotated_assign(flow: "Flow", frame: Frame, node: ast.AnnAssign) -> None:
    thing = thing_of(flow, frame, node.value)
    thing = flow.placed(frame, node.target, node.value, thing) if node.value is not None else None
    if thing is None or isinstance(thing, Dotted):
        thing = annotated(flow, frame, node.annotation) or thing
    bind(flow, frame, node.target, thing, node.value)


def _augmented_assign(flow: "Flow", frame: Frame, node: ast.AugAssign) -> None:
    right = thing_of(flow, frame, node.value)
    if isinstance(node.target, ast.Name):
        left: Thing = frame.find(node.target.id)[1]
    else:
        left = thing_of(flow, frame, node.target.value)
        left = thing_of(flow, frame, node.target) if left is not None else None
    thing = operation(flow, frame, node, node.op, left, right)
    if thing is not None:
        rebind(flow, frame, node.target, thing)


def _if(flow: "Flow", frame: Frame, node: ast.If) -> None:
    thing_of(flow, frame, node.test)
    before = dict(frame.names)
    ready, (if_true, if_false) = frame.context.ready, ready_if(node.test)
    frame.context.ready = ready | if_true
    _narrow(flow, frame, node.test)
    run(flow, frame, node.body)
    after, frame.names = frame.names, before
    in_body, frame.context.ready = frame.context.ready, ready | if_false
    run(flow, frame, node.orelse)
    frame.merge(after, frame.names)
    if leaves(node.orelse):
        frame.context.ready = in_body
    elif not leaves(node.body):
        frame.context.ready &= in_body


def _narrow(flow: "Flow", frame: Frame, test: ast.expr) -> None:
    """``if isinstance(x, AsyncResult)``: inside, x is one."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), ast.Name() | ast.Attribute() as cls]):
            known = thing_of(flow, frame, cls)
            of = known.name if isinstance(known, Dotted) else ""
            if of in RESULT_CLASSES or of in GROUP_RESULT_CLASSES:
                frame.names[name] = Result(is_group=of in GROUP_RESULT_CLASSES)


def _for(flow: "Flow", frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    many = thing_of(flow, frame, node.iter)
    bind(flow, frame, node.target, element(many))
    targets = frozenset(one.id for one in ast.walk(node.target) if isinstance(one, ast.Name))
    _loop(flow, frame, node, Loop(is_while=False, targets=targets))


def _while(flow: "Flow", frame: Frame, node: ast.While) -> None:
    _loop(flow, frame, node, Loop(is_while=True))


def _loop(flow: "Flow", frame: Frame, node: ast.For | ast.AsyncFor | ast.While, loop: Loop) -> None:
    context = frame.context
    context.depth += 1
    context.loops.append(loop)
    if isinstance(node, ast.While):
        loop.is_in_test = True
        thing_of(flow, frame, node.test)
        loop.is_in_test = False
    before, ready = dict(frame.names), context.ready
    if_true, if_false = ready_if(node.test) if isinstance(node, ast.While) else (ready, ready)
    context.ready = ready | if_true
    run(flow, frame, node.body)
    frame.merge(frame.names, before)
    # A loop may be left by a break, too: but then the code that follows has mostly waited long enough.
    context.ready = ready | if_false
    context.loops.pop()
    context.depth -= 1
    flow.uses.left(frame, loop, node)
    run(flow, frame, node.orelse)


def _with(flow: "Flow", frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    joins = 0
    for item in node.items:
        thing = thing_of(flow, frame, item.context_expr)
        called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
        if isinstance(called, (ast.Name, ast.Attribute)):
            of = thing_of(flow, frame, called)
            joins += isinstance(of, Dotted) and of.name in ALLOW_JOINS
        if item.optional_vars is not None:
            bind(flow, frame, item.optional_vars, thing)
    frame.context.joins += joins
    run(flow, frame, node.body)
    frame.context.joins -= joins


def _try(flow: "Flow", frame: Frame, node: ast.Try | ast.TryStar) -> None:
    run(flow, frame, node.body)
    run(flow, frame, node.orelse)
    after = dict(frame.names)
    for handler in node.handlers:
        thing_of(flow, frame, handler.type)
        if handler.name:
            frame.names[handler.name] = None
        run(flow, frame, handler.body)
        frame.merge(after, frame.names)
        after = dict(frame.names)
    run(flow, frame, node.finalbody)


def _match(flow: "Flow", frame: Frame, node: ast.Match) -> None:
    thing_of(flow, frame, node.subject)
    before = dict(frame.names)
    after = dict(frame.names)
    for case in node.cases:
        frame.names = dict(before)
        thing_of(flow, frame, case.guard)
        run(flow, frame, case.body)
        frame.merge(after, frame.names)
        after = frame.names
    frame.names = after


_HANDLERS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Return: _return,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated_assign,
    ast.AugAssign: _augmented_assign,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
}
