"""The flow of tasks and results through one module: what each name in it stands for, and what is done with it."""

import ast
import bisect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Module
from rootcellar.specialist.discover.results.flow import expressions, statements
from rootcellar.specialist.discover.results.flow.annotations import annotated
from rootcellar.specialist.discover.results.flow.celery_calls import Called
from rootcellar.specialist.discover.results.flow.celery_names import APP_CLASSES, SHARED_TASKS, TASK_CLASSES, TASK_HOOKS
from rootcellar.specialist.discover.results.flow.frames import Context, Frame
from rootcellar.specialist.discover.results.flow.task_notes import TaskNotes
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    Class,
    Dotted,
    Function,
    Instance,
    Many,
    TaskMaker,
    TaskThing,
    Thing,
    either,
)
from rootcellar.specialist.discover.results.flow.use_notes import UseNotes
from rootcellar.specialist.profile import Called as CalledOnce
from rootcellar.specialist.profile import Place, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.scan import Scan

#: What makes a line worth a look. A function without one is not walked through.
WORDS = re.compile(
    r"delay\b|apply_async|AsyncResult|GroupResult|ResultSet|send_task|chord|group\(|chain\(|\.si?\(|signature|subtask"
    r"|shared_task|\.task\b|register_task|periodic_task|[cC]elery|rootcellar|aio\.|allow_join|result_from_tuple|freeze\("
    r"|\.(?:get|join|join_native|wait|collect|iterate|iter_native|ready|successful|failed|forget|then)\b"
    r"|\.(?:result|info|state|status|traceback|children)\b"
)
_PROPERTIES = frozenset(
    {"property", "cached_property", "functools.cached_property", "django.utils.functional.cached_property"}
)
#: How deep functions that are called are followed.
_MOST_DEEP = 6


@dataclass(frozen=True, slots=True)
class Known:
    """What is left of a module when it has been walked through: imports, and what its own names stand for."""

    names: Mapping[str, str]
    stars: tuple[str, ...]
    frame: Frame


class Flow:
    """One module's. :meth:`run` walks through it, ``uses``, ``tasks`` and ``calls`` being noted."""

    def __init__(self, scan: "Scan", module: Module, text: str, *, is_web: bool, is_test: bool) -> None:
        self.scan = scan
        self.module = module
        self.names = module.names
        self.stars = module.stars
        self.frame = Frame(Context(), is_module=True)
        self.uses = UseNotes(self)
        self.tasks = TaskNotes(self)
        #: what is done to apps, by place
        self.calls: dict[Place, CalledOnce] = {}
        self.is_web = is_web
        self.is_test = is_test
        self._lines = _lines_with(WORDS, text)
        self._functions: list[Function] = []
        self._depth = 0

    def run(self) -> None:
        """Walk through the module: its own statements, then each function in it, then again those that others feed."""
        self._foretell()
        statements.run(self, self.frame, self.module.tree.body)
        n = 0
        while n < len(self._functions):  # it grows: functions define functions
            function = self._functions[n]
            n += 1
            if function.runs == 0 and (function.is_task or self._is_of_interest(function.node)):
                self.run_function(function)
        for _ in range(2):
            for function in [one for one in self._functions if self._knows_more(one)]:
                self.run_function(function)
        for function in self._functions:
            if function.returned is None and function.runs == 0 and function.node is not None:
                function.returned = annotated(self, self.frame, function.node.returns)

    def _foretell(self) -> None:
        """Bind what looks like a task beforehand, for modules that import one another."""
        for node in self.module.tree.body:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                name = self.module.dotted(call.func if call is not None else decorator)
                if name in SHARED_TASKS or name.endswith(".task"):
                    given = next((one.value for one in call.keywords if one.arg == "name"), None) if call else None
                    own = given.value if isinstance(given, ast.Constant) else f"{self.module.name}.{node.name}"
                    self.frame.names[node.name] = TaskThing((str(own),))

    def close(self) -> Known:
        """Return what is known of the module's names, for other modules to ask; the syntax tree is let go of."""
        for function in self._functions:
            function.node = function.closure = function.home = None
        self._functions.clear()
        return Known(self.names, self.stars, self.frame)

    def thing_of(self, frame: Frame, node: ast.expr) -> Thing:
        """Return what an expression stands for."""
        return expressions.thing_of(self, frame, node)

    def rebind(self, frame: Frame, node: ast.expr, thing: Thing) -> None:
        """Let an expression stand for a container that holds more."""
        expressions.rebind(self, frame, node, thing)

    def app_touched(
        self, frame: Frame, name: str, node: ast.AST, args: Sequence[ast.expr], call: ast.Call | None
    ) -> None:
        """Note that an app's backend is assigned, or its security set up."""
        place = self.module.place(node)
        values = tuple(self.value(frame, one) for one in args if not isinstance(one, ast.Starred))
        given = {one.arg: self.value(frame, one.value) for one in call.keywords if one.arg} if call is not None else {}
        self.calls[place] = CalledOnce(f"celery.Celery.{name}", place, values, given, function=frame.context.function)

    def value(self, frame: Frame, node: ast.expr) -> Value:
        """Return what is known of an expression's value."""
        return self.scan.value(node, self.module, frame.context.scope)

    def known(self, frame: Frame, node: ast.expr) -> Thing:
        """Return what an expression stands for, names of other modules found out, and no uses noted."""
        with self.silence():
            return self.forced_all(self.thing_of(frame, node))

    def forced_all(self, thing: Thing) -> Thing:
        """Return what a dotted name stands for; any other thing as it is."""
        return self.resolve(thing.name) if isinstance(thing, Dotted) else thing

    def one_of(self, one: Thing, other: Thing) -> Thing:
        """Return what stands for one thing or the other, names of the project found out."""
        if one is not None and other is not None:
            found = [self.forced_all(thing) or thing for thing in (one, other)]
            return either(*found)
        return either(one, other)

    def resolve(self, dotted: str, *, is_frugal: bool = False) -> Thing:
        """Return what a full dotted name that this module knows stands for; ``None`` if that is nothing known."""
        return self.scan.resolve(dotted, self.module.path, is_frugal=is_frugal)

    def forced(self, thing: Thing, attributes: Sequence[str]) -> Thing:
        """Return what a dotted name stands for, where it ends in one of these attributes; any other thing as it is."""
        if isinstance(thing, Dotted) and thing.name.rpartition(".")[2] in attributes:
            return self.resolve(thing.name)
        return thing

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Note no uses meanwhile: something is looked at for a second time."""
        before, self.uses.is_silent = self.uses.is_silent, True
        try:
            yield
        finally:
            self.uses.is_silent = before

    def is_dull(self, statement: ast.stmt) -> bool:
        """Whether a statement at the top level is a big literal, or the like, in which nothing of interest can be."""
        if not isinstance(statement, (ast.Assign, ast.Expr)) or not _is_long(statement):
            return False
        is_literal = isinstance(statement.value, (ast.Dict, ast.List, ast.Tuple, ast.Constant))
        return is_literal and not self._is_of_interest(statement)

    def _is_of_interest(self, node: ast.AST | None) -> bool:
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        at = bisect.bisect_left(self._lines, first)
        return at < len(self._lines) and self._lines[at] <= last

    def placed(self, frame: Frame, target: ast.expr, node: ast.expr | None, thing: Thing) -> Thing:
        """Return what is assigned, an app with the name that it gets."""
        if not isinstance(thing, AppThing) or not isinstance(target, ast.Name) or not isinstance(node, ast.Call):
            return thing
        if frame.is_module:
            return AppThing(self.scan.target_of(self.module.name, target.id))
        function = frame.context.function.removeprefix(f"{self.module.name}.")
        return thing if thing.target else AppThing(self.scan.target_of(self.module.name, f"{function}()"))

    # Functions

    def define_function(
        self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: Class | None = None
    ) -> None:
        """Bind the name of a function, or of the task that its decorators make of it."""
        function = Function(self._qualified(frame, node.name), node, frame, owner, self)
        maker: TaskMaker | None = None
        for decorator in node.decorator_list:
            thing = expressions.thing_of(self, frame, decorator)
            if isinstance(thing, Dotted) and thing.name in _PROPERTIES:
                function.is_property = True
            if isinstance(thing, Function):
                thing = self.returned_by(thing) or thing
            maker = self.tasks.maker(thing, decorator) or maker
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            expressions.thing_of(self, frame, default)
        self._functions.append(function)
        if owner is not None:
            owner.methods[node.name] = function
            if owner.is_task and node.name in TASK_HOOKS and owner.task:
                function.is_task, function.task = True, owner.task
        frame.names[node.name] = self.tasks.made(function, maker, frame) if maker is not None else function

    def maker_called(self, frame: Frame, maker: TaskMaker, node: ast.Call, things: list[Thing]) -> Thing:
        """``app.task(function)``, or ``app.task(name="x")``, which waits for its function."""
        given = things[0] if things else None
        call = maker.call or (node if node.keywords else None)
        if isinstance(given, Function):
            return self.tasks.made(given, replace(maker, call=call), frame)
        if isinstance(given, Dotted) and "." in given.name:
            return TaskThing((given.name,))
        return replace(maker, call=call) if not things else None

    def registered(self, cls: Class) -> Thing:
        """``app.register_task(Class())``."""
        return self.tasks.registered(cls)

    def function_called(self, frame: Frame, function: Function, call: Called) -> Thing:
        """A function of the project is called: remember with what, and return what it returns."""
        node = function.node
        if node is not None and function.home is self:
            parameters = [one.arg for one in [*node.args.posonlyargs, *node.args.args]]
            if function.owner is not None and not _is_static(node):
                parameters = parameters[1:]
            starred = (n for n, one in enumerate(call.node.args) if isinstance(one, ast.Starred))
            positional = call.things[: next(starred, None)]
            for name, thing in [*zip(parameters, positional, strict=False), *call.keywords.items()]:
                if isinstance(thing, Dotted):
                    thing = self.resolve(thing.name, is_frugal=True)
                if thing is not None and not isinstance(thing, (Dotted, Function, Class)):
                    function.given[name] = either(function.given.get(name), thing)
            task = frame.context.task
            if task and not function.task and frame.context.function:
                function.task = task
        return self.returned_by(function)

    def returned_by(self, function: Function) -> Thing:
        """Return what a function returns, walking through it if that has not been done."""
        node = function.node
        if function.runs == 0 and node is not None and not function.is_running and self._depth < _MOST_DEEP:
            function.home.run_function(function)
        return function.returned

    def run_function(self, function: Function) -> None:
        """Walk through a function's body."""
        node = function.node
        if node is None or function.is_running:
            return
        function.is_running = True
        function.runs += 1
        self._depth += 1
        function.known = self._known(function)
        outer = function.closure.context
        context = Context(
            function.name,
            function.task or outer.task,
            isinstance(node, ast.AsyncFunctionDef),
            node,
        )
        frame = Frame(context, function.closure if function.owner is None else function.closure.parent)
        self._bind_parameters(frame, function, node)
        try:
            statements.run(self, frame, node.body)
        finally:
            function.is_running = False
            self._depth -= 1
        returned = Many(context.yielded) if context.yielded is not None else context.returned
        if returned is None or isinstance(returned, Dotted):
            returned = annotated(self, function.closure, node.returns) or returned
        function.returned = returned

    def _bind_parameters(self, frame: Frame, function: Function, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        for one in [*positional, *arguments.kwonlyargs]:
            said = annotated(self, function.closure, one.annotation)
            frame.names[one.arg] = either(said, function.given.get(one.arg))
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                frame.names[extra.arg] = None
        if not positional:
            return
        if function.owner is not None and not _is_static(node):
            frame.names[positional[0].arg] = Instance(function.owner)
        elif function.is_bound and function.task:
            frame.names[positional[0].arg] = TaskThing((function.task,))

    def _known(self, function: Function) -> tuple[object, ...]:
        attributes = function.owner.attributes if function.owner is not None else {}
        things = {name: thing for name, thing in attributes.items() if not isinstance(thing, (Dotted, Function))}
        return (function.task, tuple(function.given.items()), tuple(things.items()))

    def _knows_more(self, function: Function) -> bool:
        if function.runs and function.known == self._known(function):
            return False
        return function.is_task or self._is_of_interest(function.node)

    def _qualified(self, frame: Frame, name: str) -> str:
        return f"{self._prefix(frame)}.{name}"

    def _prefix(self, frame: Frame) -> str:
        return frame.qualified or frame.context.function or self.module.name

    # Classes

    def define_class(self, frame: Frame, node: ast.ClassDef) -> None:
        """Bind the name of a class, having walked through its body."""
        bases = tuple(expressions.thing_of(self, frame, base) for base in node.bases)
        bases = tuple(self.resolve(base.name) or base if isinstance(base, Dotted) else base for base in bases)
        cls = Class(self._qualified(frame, node.name), bases)
        cls.is_task = any(_is_a(base, TASK_CLASSES, "is_task") for base in bases)
        cls.is_app = any(_is_a(base, APP_CLASSES, "is_app") for base in bases)
        for decorator in node.decorator_list:
            expressions.thing_of(self, frame, decorator)
        inside = Frame(frame.context, frame, qualified=cls.name)
        if cls.is_task:
            self.tasks.class_met(cls, node, frame)
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.define_function(inside, statement, cls)
            else:
                statements.run(self, inside, [statement])
        for statement in node.body if cls.is_app else []:
            names = [one.id for one in getattr(statement, "targets", []) if isinstance(one, ast.Name)]
            for name in {*names, getattr(statement, "name", "")} & {
                "backend",
                "_backend",
                "_get_backend",
                "backend_cls",
            }:
                value = getattr(statement, "value", None)
                self.app_touched(inside, f"{name}=", statement, [value] if value is not None else [], None)
        for name, thing in inside.names.items():
            if thing is not None and not isinstance(thing, (Dotted, Function)):
                cls.attributes[name] = thing
        frame.names[node.name] = cls


def _lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    """Return the numbers of the lines in which a pattern occurs."""
    found: list[int] = []
    at, line = 0, 1
    for match in pattern.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if not found or found[-1] != line:
            found.append(line)
    return found


def _is_long(statement: ast.stmt) -> bool:
    return (statement.end_lineno or 0) - statement.lineno > 10


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)


def _is_a(base: Thing, names: frozenset[str], flag: str) -> bool:
    if isinstance(base, Class):
        return bool(getattr(base, flag))
    return isinstance(base, Dotted) and base.name in names
