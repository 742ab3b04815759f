"""The frame: the body of a module, class or function, by the names that it binds and where."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
Body = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
#: line and column, in the order of the file
Position = tuple[int, int]

_MUTATING = frozenset({"update", "setdefault", "append", "extend", "insert", "pop", "remove", "clear", "add"})


@dataclass(frozen=True, slots=True)
class Guard:
    """What decides whether a statement runs. ``kind``: ``if``, ``try``, ``except``, ``loop``, ``match``."""

    kind: str
    #: the test of an ``if``; of a ``try`` and its handlers the ``Try`` itself
    node: ast.AST
    #: for an ``if``: the side it is on
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Binding:
    """One thing that happens to a name.

    ``kind``: ``assign`` (``node`` is the value), ``declare`` (an annotation alone), ``unpack`` (the value, and ``path``
    into it), ``augment`` (the ``AugAssign``), ``item`` (``x[...] = v``: the statement), ``attribute`` (``x.a = v``),
    ``method`` (``x.update(...)``: the call), ``import`` (``dotted``), ``function``, ``class``, ``loop``, ``with``,
    ``delete``.
    """

    name: str
    kind: str
    node: ast.AST
    guards: tuple[Guard, ...] = ()
    dotted: str = ""
    path: tuple[int, ...] = ()
    target: ast.AST | None = None
    annotation: ast.expr | None = None

    @property
    def position(self) -> Position:
        """Where it happens."""
        return _position(self.target or self.node)


@dataclass(frozen=True, slots=True)
class Star:
    """``from dotted import *``."""

    dotted: str
    node: ast.ImportFrom
    guards: tuple[Guard, ...] = ()

    @property
    def position(self) -> Position:
        """Where it happens."""
        return _position(self.node)


@dataclass
class Frame:
    """A body, taken apart. Bodies of functions and classes inside it are frames of their own."""

    body: Body
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[Star] = field(default_factory=list)
    returns: list[tuple[ast.Return, tuple[Guard, ...]]] = field(default_factory=list)
    #: every statement that is a call, with its guards, in order
    calls: list[tuple[ast.Call, tuple[Guard, ...]]] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    is_generator: bool = False
    #: names of parameters, ``*args`` and ``**kwargs`` included
    parameters: frozenset[str] = frozenset()

    @property
    def is_class(self) -> bool:
        """Whether names of it are not seen by the functions inside it."""
        return isinstance(self.body, ast.ClassDef)


def _position(node: ast.AST) -> Position:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def frame_of(body: Body, module: str, *, is_package: bool) -> Frame:
    """Take a body apart. ``module`` is the dotted name that its relative imports count from."""
    frame = Frame(body, parameters=_all_parameters(body))
    if not isinstance(body, ast.Lambda):
        _Reader(frame, module, is_package=is_package).statements(body.body, ())
    return frame


def _all_parameters(body: Body) -> frozenset[str]:
    if isinstance(body, (ast.Module, ast.ClassDef)):
        return frozenset()
    stars = (one.arg for one in (body.args.vararg, body.args.kwarg) if one is not None)
    return frozenset([*(one.arg for one, _ in parameters(body)), *stars])


def parameters(function: Function | ast.Lambda) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield a function's parameters, ``*args`` and ``**kwargs`` left out, each with its default."""
    spec = function.args
    positional = [*spec.posonlyargs, *spec.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(spec.defaults))
    yield from zip(positional, [*missing, *spec.defaults], strict=True)
    yield from zip(spec.kwonlyargs, spec.kw_defaults, strict=True)


def absolute(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """Return what a ``from`` import imports from, dotted, in the module called ``name``."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if is_package else name.split(".")[:-1]
    up = package[: max(len(package) - (node.level - 1), 0)]
    return ".".join([*up, *([node.module] if node.module else [])])


class _Reader:
    def __init__(self, frame: Frame, module: str, *, is_package: bool) -> None:
        self._frame = frame
        self._module = module
        self._is_package = is_package

    def statements(self, body: Sequence[ast.stmt], guards: tuple[Guard, ...]) -> None:
        for statement in body:
            self._statement(statement, guards)
            if isinstance(statement, ast.If) and not statement.orelse and _leaves(statement.body):
                # What follows ``if x: return`` runs only where x is false.
                guards = (*guards, Guard("if", statement.test, wanted=False))

    def _statement(self, node: ast.stmt, guards: tuple[Guard, ...]) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._target(target, node.value, node, guards)
            case ast.AnnAssign(target=ast.Name(id=name)):
                kind, value = ("declare", node) if node.value is None else ("assign", node.value)
                self._add(Binding(name, kind, value, guards, target=node.target, annotation=node.annotation))
            case ast.AnnAssign(value=ast.expr() as value):
                self._target(node.target, value, node, guards)
            case ast.AugAssign():
                if (root := _root(node.target)) is not None:
                    kind = "augment" if isinstance(node.target, ast.Name) else "item"
                    self._add(Binding(root, kind, node, guards, target=node))
            case ast.Import():
                for alias in node.names:
                    dotted = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._add(Binding(alias.asname or dotted, "import", node, guards, dotted=dotted))
            case ast.ImportFrom():
                base = absolute(node, self._module, is_package=self._is_package)
                for alias in node.names:
                    if alias.name == "*":
                        self._frame.stars.append(Star(base, node, guards))
                    else:
                        dotted = f"{base}.{alias.name}" if base else alias.name
                        self._add(Binding(alias.asname or alias.name, "import", node, guards, dotted=dotted))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._add(Binding(node.name, "function", node, guards))
            case ast.ClassDef():
                self._add(Binding(node.name, "class", node, guards))
            case ast.Return():
                self._frame.returns.append((node, guards))
            case ast.Global():
                self._frame.globals.update(node.names)
            case ast.Delete():
                for target in node.targets:
                    if (root := _root(target)) is not None:
                        self._add(Binding(root, "delete", target, guards, target=node))
            case ast.Expr(value=value):
                self._expression(value, guards)
            case _:
                self._compound(node, guards)

    def _compound(self, node: ast.stmt, guards: tuple[Guard, ...]) -> None:
        match node:
            case ast.If():
                self.statements(node.body, (*guards, Guard("if", node.test)))
                self.statements(node.orelse, (*guards, Guard("if", node.test, wanted=False)))
            case ast.Try() | ast.TryStar():
                self.statements(node.body, (*guards, Guard("try", node)) if node.handlers else guards)
                for handler in node.handlers:
                    self.statements(handler.body, (*guards, Guard("except", node)))
                self.statements(node.orelse, (*guards, Guard("try", node)))
                self.statements(node.finalbody, guards)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if isinstance(item.optional_vars, ast.Name):
                        self._add(
                            Binding(item.optional_vars.id, "with", item.context_expr, guards, target=item.optional_vars)
                        )
                self.statements(node.body, guards)
            case ast.For() | ast.AsyncFor():
                inside = (*guards, Guard("loop", node))
                for name in ast.walk(node.target):
                    if isinstance(name, ast.Name):
                        self._add(Binding(name.id, "loop", node, inside, target=name))
                self.statements(node.body, inside)
                self.statements(node.orelse, inside)
            case ast.While():
                self.statements(node.body, (*guards, Guard("loop", node)))
            case ast.Match():
                for one in node.cases:
                    self.statements(one.body, (*guards, Guard("match", node)))

    def _target(self, target: ast.expr, value: ast.expr, statement: ast.stmt, guards: tuple[Guard, ...]) -> None:
        match target:
            case ast.Name(id=name):
                self._add(Binding(name, "assign", value, guards, target=target))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for n, part in enumerate(parts):
                    if isinstance(part, ast.Name):
                        self._add(Binding(part.id, "unpack", value, guards, path=(n,), target=part))
            case ast.Attribute() | ast.Subscript():
                if (root := _root(target)) is not None:
                    kind = "item" if isinstance(target, ast.Subscript) else "attribute"
                    self._add(Binding(root, kind, statement, guards, target=target))

    def _expression(self, value: ast.expr, guards: tuple[Guard, ...]) -> None:
        if isinstance(value, (ast.Yield, ast.YieldFrom)):
            self._frame.is_generator = True
        if isinstance(value, ast.Await):
            value = value.value
        if not isinstance(value, ast.Call):
            return
        self._frame.calls.append((value, guards))
        func = value.func
        if isinstance(func, ast.Attribute) and func.attr in _MUTATING and (name := _root(func.value)) is not None:
            self._add(Binding(name, "method", value, guards, target=value))

    def _add(self, binding: Binding) -> None:
        self._frame.bindings.setdefault(binding.name, []).append(binding)


def _root(node: ast.AST) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))
