"""Task notes: the tasks found in one module."""

import ast
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import proxy

from rootcellar.specialist.discover.results.flow.celery_names import SHARED_TASKS
from rootcellar.specialist.discover.results.flow.frames import Frame
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    Class,
    Dotted,
    Function,
    Method,
    TaskMaker,
    TaskThing,
    Thing,
)
from rootcellar.specialist.discover.results.returns import returns_of
from rootcellar.specialist.profile import Place, Task, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow

#: Attributes of a Task class that are options of its tasks.
_OPTIONS = frozenset(
    {
        "name", "abstract", "bind", "ignore_result", "trail", "send_events", "store_errors_even_if_ignored",
        "max_retries", "default_retry_delay", "rate_limit", "serializer", "soft_time_limit", "time_limit", "acks_late",
        "acks_on_failure_or_timeout", "reject_on_worker_lost", "throws", "expires", "priority", "result_extended",
        "track_started", "queue", "typing", "autoretry_for", "retry_kwargs", "retry_backoff", "result_expires",
        "result_serializer", "compression", "resultrepr_maxsize",
    }
)  # fmt: skip


class TaskNotes:
    """Collects tasks, by the place of their function or class."""

    def __init__(self, flow: "Flow") -> None:
        self._flow: Flow = proxy(flow)  # no cycle: see discover/collecting.py
        self._noted: dict[tuple[Place, str], Task] = {}
        self._classes: dict[str, tuple[Class, ast.ClassDef, Frame]] = {}

    def all(self) -> list[Task]:
        """Return the tasks in the order of their places."""
        return sorted(self._noted.values(), key=lambda task: task.place)

    def maker(self, thing: Thing, decorator: ast.expr) -> TaskMaker | None:
        """Return what a decorator makes tasks with; ``None`` if it makes none."""
        call = decorator if isinstance(decorator, ast.Call) else None
        if isinstance(thing, Dotted) and call is None:
            thing = self._flow.resolve(thing.name) or thing  # `task = app.task` of another module
        match thing:
            case TaskMaker():
                return thing
            case Method(of=AppThing(target=target), name="task"):
                return TaskMaker(target, call)
            case Dotted(name=name) if name in SHARED_TASKS:
                return TaskMaker("", call)
            case Function(returned=TaskMaker() as made):
                return made
        named = call.func if call is not None else decorator
        if thing is None or isinstance(thing, Dotted):
            return self._unknown_maker(named, call)
        return None

    def _unknown_maker(self, named: ast.expr, call: ast.Call | None) -> TaskMaker | None:
        """``@celery_app.task`` where it cannot be told what the name is: by that name it is Celery's."""
        if not isinstance(named, ast.Attribute) or named.attr != "task":
            return None
        owner = self._flow.module.dotted(named.value)
        return TaskMaker("", call) if "celery" in owner.lower() else None

    def made(self, function: Function, maker: TaskMaker, frame: Frame) -> TaskThing:
        """A decorator makes a function a task."""
        node = function.node
        if node is None:
            return TaskThing((function.name,))
        options, places = self._keywords(maker.call, frame)
        name = _text(options.get("name")) or f"{self._flow.module.name}.{node.name}"
        if "base" in options and maker.call is not None:
            base_node = next(one.value for one in maker.call.keywords if one.arg == "base")
            base = self._flow.known(frame, base_node)
            if isinstance(base, Class):
                self._inherit(base, options, places)
        bound = options.get("bind")
        function.is_task, function.task = True, name
        function.is_bound = bound is not None and bool(bound.data) and bound.is_known
        self._note(name, function.name, node, self._flow.scan.own_app(maker.target), options, places, node)
        return TaskThing((name,))

    def class_met(self, cls: Class, node: ast.ClassDef, frame: Frame) -> None:
        """A class is derived from Celery's Task: a task of its own, if it has ``run()``, else a base for others."""
        own: dict[str, Value] = {}
        places: dict[str, Place] = {}
        for statement in node.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if isinstance(statement, ast.AnnAssign) and statement.value is not None:
                targets = [statement.target]
            for target in targets:
                value = getattr(statement, "value", None)
                if isinstance(target, ast.Name) and target.id in _OPTIONS and value is not None:
                    own[target.id] = self._flow.scan.value(value, self._flow.module, node)
                    places[target.id] = self._flow.module.place(statement)
        cls.options = {name: (value, places[name]) for name, value in own.items()}
        for base in cls.bases:
            if isinstance(base, Class):
                self._inherit(base, own, places)
        methods = {one.name for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}
        abstract = cls.options.get("abstract")
        self._classes[cls.name] = (cls, node, frame)
        cls.task = _text(cls.options.get("name", (None,))[0]) or f"{self._flow.module.name}.{node.name}"
        if "run" not in methods or (abstract is not None and abstract[0].data is True):
            if "name" not in cls.options:
                cls.task = ""
            return
        self._note_class(cls, own, places)

    def registered(self, cls: Class) -> TaskThing:
        """A class is registered as a task, even if ``run()`` is not its own."""
        met = self._classes.get(cls.name)
        if met is not None and not cls.task:
            cls.task = f"{self._flow.module.name}.{met[1].name}"
            own = {name: value for name, (value, _) in cls.options.items()}
            places = {name: place for name, (_, place) in cls.options.items()}
            for base in cls.bases:
                if isinstance(base, Class):
                    self._inherit(base, own, places)
            self._note_class(cls, own, places)
        return TaskThing((cls.task,) if cls.task else ())

    def _note_class(self, cls: Class, options: dict[str, Value], places: dict[str, Place]) -> None:
        _, node, _ = self._classes[cls.name]
        run = next((one for one in node.body if isinstance(one, _FUNCTIONS) and one.name == "run"), None)
        self._note(cls.task, cls.name, node, "", options, places, run)

    def _note(
        self,
        name: str,
        function: str,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        app: str,
        options: dict[str, Value],
        places: dict[str, Place],
        run: ast.FunctionDef | ast.AsyncFunctionDef | None,
    ) -> None:
        flow = self._flow
        returns = returns_of(run, flow.module, flow.scan.modules) if run is not None else ()
        place = flow.module.place(node)
        self._noted[place, name] = Task(name, function, place, app, options, places, returns)

    def _keywords(self, call: ast.Call | None, frame: Frame) -> tuple[dict[str, Value], dict[str, Place]]:
        options: dict[str, Value] = {}
        places: dict[str, Place] = {}
        for one in call.keywords if call is not None else []:
            if one.arg is not None:
                options[one.arg] = self._flow.value(frame, one.value)
                places[one.arg] = self._flow.module.place(one)
                continue
            spread = self._flow.value(frame, one.value)
            for name, data in spread.data.items() if isinstance(spread.data, dict) else []:
                options[str(name)] = replace(spread, data=data, holes=())
                places[str(name)] = self._flow.module.place(one.value)
        return options, places

    def _inherit(self, base: Class, options: dict[str, Value], places: dict[str, Place], depth: int = 0) -> None:
        for name, (value, place) in base.options.items():
            if name not in ("name", "abstract"):
                options.setdefault(name, value)
                places.setdefault(name, place)
        for parent in base.bases:
            if isinstance(parent, Class) and depth < 8:
                self._inherit(parent, options, places, depth + 1)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _text(value: Value | None) -> str:
    return value.data if value is not None and isinstance(value.data, str) and value.is_known else ""
