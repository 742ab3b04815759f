"""The scan: each file that may have to do with Celery's tasks and results is read once, for all that is asked of it."""

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Module, Modules
from rootcellar.specialist.discover.results.calls import calls_in, may_have_calls
from rootcellar.specialist.discover.results.flow.attributes import of_app
from rootcellar.specialist.discover.results.flow.celery_names import CURRENT_APPS, CURRENT_TASKS
from rootcellar.specialist.discover.results.flow.frames import Scope
from rootcellar.specialist.discover.results.flow.module_flow import Flow, Known
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    Class,
    Dotted,
    Function,
    Result,
    TaskThing,
    Thing,
)
from rootcellar.specialist.profile import App, Called, Task, Use, Value
from rootcellar.specialist.profile.place import folders_in_common

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator

#: A file with none of these words has nothing to do with tasks or results, unless it calls a function that does.
WORDS = (
    "celery", "Celery", "shared_task", ".delay", "apply_async", "AsyncResult", "GroupResult", "send_task", ".s(",
    ".si(", ".task(", ".task\n", ".task\r", "rootcellar",
)  # fmt: skip
_WEB = frozenset(
    {
        "flask", "fastapi", "starlette", "rest_framework", "aiohttp", "sanic", "tornado", "litestar", "bottle", "ninja",
        "quart", "falcon", "pyramid", "channels", "starlite",
    }
)  # fmt: skip
_WEB_MODULES = ("django.views", "django.http", "django.shortcuts")
_VIEWS = re.compile(r"(^|/)(views|viewsets)(\.py$|/)")
_TESTS = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest|tests)\.py$")
#: How deep modules are followed that import one another.
_MOST_DEEP = 8


class Scan:
    """What all files say. Syntax trees are not kept: of each file only what its names stand for is."""

    def __init__(self, modules: Modules, evaluator: "Evaluator", apps: Sequence[App]) -> None:
        self.modules = modules
        self.tasks: list[Task] = []
        self.uses: list[Use] = []
        self.calls: list[Called] = []
        self.evaluator = evaluator
        self._targets = {app.target for app in apps}
        self._flows: dict[str, Flow | Known | None] = {}
        self._resolved: dict[tuple[str, str], Thing] = {}
        self._paths_of: dict[str, list[str]] = {}
        for path, name in modules.name_of.items():
            self._paths_of.setdefault(name, []).append(path)
        self._has_twins = any(len(paths) > 1 for paths in self._paths_of.values())
        self._called: set[str] = set()
        self._depth = 0
        self._is_django = any(PurePosixPath(path).name == "manage.py" for path in modules)
        self._candidates = frozenset(modules.mentioning(*WORDS))
        self._run()

    def _run(self) -> None:
        for path in self.modules:
            if path in self._candidates:
                self.flow(path)
            elif may_have_calls(self.modules.tree.text(path) or ""):
                self._note_calls(path)
        self._run_callers()
        self.tasks.sort(key=lambda task: task.place)
        self.uses.sort(key=lambda use: use.place)
        self.calls.sort(key=lambda call: call.place)

    def value(self, node: ast.expr, module: Module, scope: Scope | None) -> Value:
        """Return what is known of an expression's value."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float, type(None))):
            return Value(node.value, written_at=(module.place(node),))  # most are: no need to ask
        return self.evaluator.value(node, module, scope=scope)

    def flow(self, path: str) -> Flow | Known | None:
        """Return what the names of a file stand for, walking through it the first time; ``None``: it cannot be read."""
        if path in self._flows:
            return self._flows[path]
        self._flows[path] = None
        module, text = self.modules.at(path), self.modules.tree.text(path)
        if module is None or text is None:
            return None
        flow = Flow(self, module, text, is_web=self._is_web(module), is_test=bool(_TESTS.search(path)))
        self._flows[path] = flow
        self._depth += 1
        try:
            flow.run()
        except Exception as exc:  # one odd file must not cost the others
            self._fail(path, exc)
        finally:
            self._depth -= 1
        self.tasks.extend(flow.tasks.all())
        self.uses.extend(flow.uses.all())
        self.calls.extend(flow.calls.values())
        known = self._flows[path] = flow.close()
        if may_have_calls(text):
            self._note_calls(path)
        return known

    def _note_calls(self, path: str) -> None:
        module = self.modules.at(path)
        if module is None or path in self._called:
            return
        self._called.add(path)
        try:
            self.calls.extend(calls_in(module, self.evaluator))
        except Exception as exc:  # as above
            self._fail(path, exc)

    def _fail(self, path: str, exc: Exception) -> None:
        nested = "its expressions are nested too deeply to be followed"
        other = f"its flow of results cannot be followed ({type(exc).__name__})"
        self.modules.tree.give_up(path, nested if isinstance(exc, RecursionError) else other)

    def resolve(self, dotted: str, near: str = "", *, is_frugal: bool = False, depth: int = 0) -> Thing:
        """Return what a full dotted name stands for; ``None`` if that is nothing known.

        Several parts of a project may have modules of one name: then the one nearest to the path ``near`` counts.
        ``is_frugal``: it is worth no parsing of files that do not mention Celery, packages' ``__init__.py`` apart.
        """
        if dotted in CURRENT_APPS:
            return AppThing()
        if dotted in CURRENT_TASKS:
            return TaskThing()
        key = (dotted, near.rpartition("/")[0] if self._has_twins else "")
        if key in self._resolved:
            return self._resolved[key]
        if depth > 12:
            return None
        thing = self._looked_up(dotted, near, is_frugal, depth)
        if thing is not None:
            self._resolved[key] = thing
        return thing

    def _looked_up(self, dotted: str, near: str, is_frugal: bool, depth: int) -> Thing:
        path, rest = self._split(dotted, near)
        if dotted.startswith("celery.") and not self._is_own(path, rest):
            owner, _, last = dotted.rpartition(".")
            return of_app(AppThing(), last) if owner in CURRENT_APPS else Dotted(dotted)
        if not path or not rest:
            return None
        thing = self._member(path, rest[0], is_frugal, depth)
        for name in rest[1:]:
            if isinstance(thing, Dotted):
                thing = self.resolve(f"{thing.name}.{name}", path, is_frugal=is_frugal, depth=depth + 1)
            elif isinstance(thing, Class):
                thing = thing.attribute(name)
            elif isinstance(thing, AppThing):
                thing = of_app(thing, name)
            else:
                return None
        if isinstance(thing, Dotted) and thing.name != dotted:
            return self.resolve(thing.name, path, is_frugal=is_frugal, depth=depth + 1)
        return None if isinstance(thing, Dotted) and not thing.name.startswith("celery.") else thing

    def _is_own(self, path: str, rest: Sequence[str]) -> bool:
        """Whether a name that looks like Celery's is of a ``celery.py`` at the project's root."""
        if not path or not rest or self.modules.name_of.get(path) != "celery":
            return False
        flow = self._flows.get(path) or (self.flow(path) if self._depth < _MOST_DEEP else None)
        return flow is not None and rest[0] in flow.frame.names

    def _member(self, path: str, name: str, is_frugal: bool, depth: int) -> Thing:
        names: Mapping[str, str] = {}
        stars: tuple[str, ...] = ()
        if path in self._candidates:
            flow = self._flows.get(path) or (self.flow(path) if self._depth < _MOST_DEEP else None)
            if flow is None:
                return None
            if name in flow.frame.names:
                return flow.frame.names[name]
            names, stars = flow.names, flow.stars
        elif is_frugal and not path.endswith("__init__.py"):
            return None
        elif (module := self.modules.at(path)) is not None:
            names, stars = module.names, module.stars
        if name in names:
            return Dotted(names[name])
        found = (self.resolve(f"{star}.{name}", path, is_frugal=is_frugal, depth=depth + 1) for star in stars)
        return next((one for one in found if one is not None), None)

    def _split(self, dotted: str, near: str) -> tuple[str, list[str]]:
        """Return the path of the module that a dotted name begins with, and the rest of the name."""
        parts = dotted.split(".")
        for n in range(len(parts) - 1, 0, -1):
            paths = self._paths_of.get(".".join(parts[:n]))
            if paths:
                return max(paths, key=lambda path: (folders_in_common(path, near), -path.count("/"))), parts[n:]
        return "", []

    def is_of_project(self, dotted: str) -> bool:
        """Whether a dotted name is, or begins with, a module of the project."""
        return bool(self._split(f"{dotted}.x", "")[0])

    def target_of(self, module: str, name: str) -> str:
        """Return the target of the app that a module has by a name, as ``celery -A`` would take it."""
        return f"{module}:{name}"

    def own_app(self, target: str) -> str:
        """Return the target of the app that makes a task, by the name that the profile has for it."""
        if not self._targets or target in self._targets:
            return target
        module = target.partition(":")[0]
        near = [one for one in self._targets if one.partition(":")[0] == module]
        return near[0] if len(near) == 1 else ""

    def _is_web(self, module: Module) -> bool:
        if self._is_django and _VIEWS.search(module.path):
            return True
        imported = set(module.names.values())
        return any(name.partition(".")[0] in _WEB or name.startswith(_WEB_MODULES) for name in imported)

    def _run_callers(self) -> None:
        """Walk through files that mention nothing of Celery's, but call a function that gives a result."""
        giving = set()
        for flow in self._flows.values():
            for thing in flow.frame.names.values() if flow is not None else ():
                if isinstance(thing, Function) and isinstance(thing.returned, Result):
                    giving.add(thing.name.rpartition(".")[2])
        if not giving:
            return
        callers = set(self.modules.mentioning(*sorted(giving))) - self._candidates
        self._candidates |= callers
        for path in sorted(callers):
            self.flow(path)
