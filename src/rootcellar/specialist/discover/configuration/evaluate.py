"""Evaluation: what an expression of the project comes to, as far as that can be told without running it."""

import ast
import builtins
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluation.arguments import arguments_of
from rootcellar.specialist.discover.configuration.evaluation.attributes import attribute, member_of_module
from rootcellar.specialist.discover.configuration.evaluation.bindings import value_of_name
from rootcellar.specialist.discover.configuration.evaluation.called import call
from rootcellar.specialist.discover.configuration.evaluation.expressions import expression
from rootcellar.specialist.discover.configuration.evaluation.frames import Body, Frame, frame_of
from rootcellar.specialist.discover.configuration.evaluation.members import call_of
from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
from rootcellar.specialist.discover.configuration.evaluation.texts import in_project, unknown
from rootcellar.specialist.discover.configuration.placed import Definition, PlacedDict, made_of, plain_value
from rootcellar.specialist.discover.modules import Module, Modules
from rootcellar.specialist.profile import Place, Ref, Unknown, Value

#: Expressions inside one another, functions followed included.
_DEEPEST = 40
#: Expressions that one question may cost.
_MOST_STEPS = 30_000
_MOST_KEPT = 2_000
_BUILTINS = frozenset(dir(builtins))


class Evaluator:
    """Turns expressions into values. Nothing is run; every question ends, and none raises."""

    def __init__(self, modules: Modules, environment: Environment | None = None) -> None:
        self.modules = modules
        self.environment = environment if environment is not None else Environment()
        self._frames: WeakKeyDictionary[Module, dict[int, Frame]] = WeakKeyDictionary()
        self._outer: WeakKeyDictionary[Module, dict[int, Body]] = WeakKeyDictionary()
        self._kept: dict[object, Value | None] = {}
        self._active: set[object] = set()
        #: what other readers keep here: the configuration of a Flask app
        self.memory: dict[object, Value] = {}
        self._depth = 0
        self._steps = 0
        self._cuts = 0

    # What other readers ask.

    def value(
        self,
        node: ast.expr,
        module: Module,
        *,
        scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None = None,
    ) -> Value:
        """Return what an expression comes to. ``scope`` is the innermost function or class that it stands in."""
        try:
            here = self.scope_of(module, scope).at((node.lineno, node.col_offset))
            return plain_value(self.evaluate(node, here))
        except RecursionError:
            return unknown("nested too deeply")

    def value_of(self, dotted: str, near: str = "") -> Value:
        """Return what a dotted name of the project comes to: ``shop.config.REDIS_URL``.

        ``near`` is a path: of several modules of one name, the one nearest to it counts.
        """
        try:
            return plain_value(self.resolve(dotted, near))
        except RecursionError:
            return unknown("nested too deeply")

    # What the parts of evaluation ask of one another.

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """Return what an expression comes to, with its syntax trees and places."""
        if self._depth == 0:
            self._steps = 0
        self._steps += 1
        if self._depth >= _DEEPEST or self._steps > _MOST_STEPS:
            self._cuts += 1
            return unknown("nested too deeply for this reader")
        self._depth += 1
        try:
            return expression(self, node, scope)
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError, MemoryError) as exc:
            # Somebody else's expression that raises when it is run, or one this reader has no words for.
            return unknown(f"it cannot be worked out ({type(exc).__name__})")
        finally:
            self._depth -= 1

    def name(self, name: str, scope: Scope) -> Value:
        """Return what a name stands for in a scope."""
        found = self.find(name, scope)
        if found is not None:
            return found
        top = scope.top
        match name:
            case "__name__" | "__package__":
                module = top.module
                package = module.name if module.is_package else module.name.rpartition(".")[0]
                return Value(module.name if name == "__name__" else package)
            case "__file__":
                return in_project(top.module.path)
        if name in _BUILTINS:
            return Value(Ref(f"builtins.{name}"))
        return unknown(f"{name} is not defined where this reader looks")

    def find(self, name: str, scope: Scope) -> Value | None:
        """Return what a name is bound to, from the inside out; ``None`` if it is bound nowhere."""
        here: Scope | None = scope
        while here is not None:
            if name in here.bound:
                return here.bound[name]
            if here is scope or not here.frame.is_class:
                found = self._in_frame(name, here)
                if found is not None:
                    return found
                if name in here.frame.parameters:
                    return unknown(f"{name}, which a function is given when it is called")
            here = here.outer
        return None

    def _in_frame(self, name: str, scope: Scope) -> Value | None:
        if name not in scope.frame.bindings and not scope.frame.stars:
            return None
        body = scope.frame.body
        place = (scope.module.path, getattr(body, "lineno", 0), getattr(body, "col_offset", 0))
        key = (place, name, scope.before, id(scope.frame) if _is_bound(scope) else 0)
        if key in self._active:
            self._cuts += 1
            return unknown(f"{name} is made of itself")
        if not _is_bound(scope) and key in self._kept:
            return self._kept[key]
        if not self._active and self._depth == 0:
            self._steps = 0
        self._steps += 1
        if self._steps > _MOST_STEPS:
            self._cuts += 1
            return unknown("nested too deeply for this reader")
        self._active.add(key)
        cuts = self._cuts
        try:
            found = value_of_name(self, name, scope)
        finally:
            self._active.discard(key)
        # What was cut short, by a circle or for its depth, may be known when it is asked for from elsewhere.
        if not _is_bound(scope) and cuts == self._cuts:
            if len(self._kept) > _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    def attribute(self, base: Value, name: str, scope: Scope, node: ast.AST) -> Value:
        """Return ``base.name``."""
        return attribute(self, base, name, scope, node)

    def call(self, node: ast.Call, scope: Scope) -> Value:
        """Return what a call comes to."""
        return call(self, node, scope, arguments_of(self, node, scope))

    def called(self, function: Value, scope: Scope) -> Value:
        """Return what a function or class returns when it is called without arguments."""
        return call_of(self, function.data, function, scope)

    def resolve(self, dotted: str, near: str = "") -> Value:
        """Return what a full dotted name stands for: a module's member, a module, or something of a package."""
        if self._depth == 0:
            self._steps = 0
        key = ("resolve", dotted, near)
        if key in self._active or self._depth >= _DEEPEST:
            self._cuts += 1
            return unknown(f"{dotted} is imported in a circle, or nested too deeply for this reader")
        self._active.add(key)
        self._depth += 1
        try:
            return self._resolve(dotted, near)
        finally:
            self._depth -= 1
            self._active.discard(key)

    def _resolve(self, dotted: str, near: str) -> Value:
        parts = dotted.split(".")
        for n in range(len(parts), 0, -1):
            prefix = ".".join(parts[:n])
            if not self.modules.is_module(prefix):
                continue
            module = self.modules.named(prefix, near=near)
            if module is None:
                return unknown(f"{prefix} cannot be parsed")
            value = Value(Ref(prefix))
            rest = parts[n:]
            if rest:
                found = member_of_module(self, module, rest[0])
                if found is None:
                    return unknown(f"{prefix} has no {rest[0]} that this reader finds")
                value = found
                for name in rest[1:]:
                    value = self.attribute(value, name, self.module_scope(module), ast.Pass())
            return value
        return Value(Ref(dotted))

    def mapping(self, value: Value) -> PlacedDict | None:
        """Return a value as a dict with places, if it is one."""
        data = value.data
        if isinstance(data, PlacedDict):
            return data
        if isinstance(data, Mapping):
            result = PlacedDict()
            result.take(data, value.written_at[0] if value.written_at else Place(""))
            return result
        return None

    # Where things stand.

    def frame(self, module: Module, body: Body) -> Frame:
        """Return a body taken apart."""
        frames = self._frames.setdefault(module, {})
        if id(body) not in frames:
            frames[id(body)] = frame_of(body, module.name, is_package=module.is_package)
        return frames[id(body)]

    def module_scope(self, module: Module) -> Scope:
        """Return the scope of a module as it is once it is imported."""
        return Scope(module, self.frame(module, module.tree))

    def scope_of(self, module: Module, body: Body | None) -> Scope:
        """Return the scope of a function or class of a module, with those around it."""
        if body is None or body is module.tree:
            return self.module_scope(module)
        if module not in self._outer:
            self._outer[module] = _enclosing(module.tree)
        outer = self._outer[module].get(id(body))
        return Scope(module, self.frame(module, body), outer=self.scope_of(module, outer) if outer else None)

    def enclosing(self, module: Module, node: ast.AST) -> Body:
        """Return the innermost function, class or module around a node."""
        if module not in self._outer:
            self._outer[module] = _enclosing(module.tree)
        return self._outer[module].get(id(node), module.tree)

    def definition(self, node: ast.AST, name: str, scope: Scope) -> Definition:
        """Return a function or class of the project, by its full dotted name."""
        parts = [name]
        here: Scope | None = scope
        while here is not None and here.outer is not None:
            parts.append(getattr(here.frame.body, "name", "<lambda>"))
            here = here.outer
        return Definition(".".join([scope.module.name, *reversed(parts)]), node, scope)

    def condition(self, node: ast.expr, scope: Scope) -> Value:
        """Return whether a test holds: ``data`` is a bool, or unknown."""
        value = self.evaluate(node, scope)
        if not value.is_known:
            # A text with some known letters in it is not empty, whatever the rest.
            return made_of(True, value) if value.holes and _has_letters(value) else unknown(value.why, value)
        if isinstance(value.data, Ref) or value.data.__class__.__module__ not in ("builtins", "datetime"):
            known = isinstance(value.data, (Ref, dict, str, list, tuple))
            if not known:
                return unknown("an object's truth", value)
        return made_of(bool(value.data), value) if not isinstance(value.data, Unknown) else value


def _has_letters(value: Value) -> bool:
    text = str(value.data)
    for hole in value.holes:
        text = text.replace(f"{{{hole}}}", "")
    return bool(text)


def _is_bound(scope: Scope) -> bool:
    here: Scope | None = scope
    while here is not None:
        if here.bound:
            return True
        here = here.outer
    return False


def _enclosing(tree: ast.Module) -> dict[int, Body]:
    outer: dict[int, Body] = {}
    open_: list[tuple[ast.AST, Body]] = [(tree, tree)]
    while open_:
        node, body = open_.pop()
        inner = node if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)) else body
        for child in _children(node):
            if isinstance(child, (ast.stmt, ast.Lambda, ast.Call)):
                outer[id(child)] = inner
            open_.append((child, inner))
    return outer


def _children(node: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(node)
