"""Creations: where a Celery app is made, and under which names the project knows it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.evaluation.arguments import arguments_of
from rootcellar.specialist.discover.configuration.evaluation.bindings import certainty
from rootcellar.specialist.discover.configuration.evaluation.follow import bind
from rootcellar.specialist.discover.configuration.evaluation.frames import Body
from rootcellar.specialist.discover.results.flow.celery_names import APP_CLASSES
from rootcellar.specialist.profile import Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Module, Modules

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEEPEST = 4
#: What is done to an app, and to nothing else.
_APP_METHODS = frozenset({"config_from_object", "autodiscover_tasks"})
#: Not returned at all.
_NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Creation:
    """One app: the call that makes it, and how it is reached.

    ``names`` are what its variable is called in ``body``: ``app``, ``self.celery``; ``dotted`` the full names of the
    module-level variables that hold it. For an app that a function makes, ``bound`` is what that function is given.
    """

    module: "Module"
    call: ast.Call
    body: Body
    names: tuple[str, ...] = ()
    dotted: tuple[str, ...] = ()
    target: str = ""
    bound: Mapping[str, Value] = field(default_factory=dict)
    #: the project's subclass of Celery whose methods configure it too
    subclass: str = ""


def is_test(path: str) -> bool:
    """Whether a file belongs to tests, by its path."""
    *folders, file = path.split("/")
    return (
        file.startswith("test_")
        or file.endswith("_test.py")
        or file in ("conftest.py", "tests.py")
        or any(folder in ("tests", "test", "testing") for folder in folders)
    )


def app_classes(modules: "Modules") -> dict[str, str]:
    """Return the full dotted names of Celery's app class and of the project's subclasses of it, each with its path."""
    found = dict.fromkeys(APP_CLASSES, "")
    for _ in range(_DEEPEST):
        before = len(found)
        words = {name.rpartition(".")[2] for name in found}
        for path in modules.mentioning(*words):
            module = None if is_test(path) else modules.at(path)
            for node in module.tree.body if module is not None else ():
                if module is None or not isinstance(node, ast.ClassDef):
                    continue
                if any(canonical(modules, module.dotted(base), path) in found for base in node.bases):
                    found[f"{module.name}.{node.name}"] = path
        if len(found) == before:
            break
    return found


def canonical(modules: "Modules", dotted: str, near: str = "") -> str:
    """Return the name under which something is defined that is imported under another one.

    ``shop.celery_app``, where ``shop/__init__.py`` imports it from ``shop.celery``, is ``shop.celery.app``.
    """
    for _ in range(_DEEPEST):
        head, _, last = dotted.rpartition(".")
        if not head or not modules.is_module(head):
            return dotted
        module = modules.named(head, near=near)
        names = module.names if module is not None else {}
        other = names.get(last, dotted)
        if other == dotted:
            for star in module.stars if module is not None else ():
                starred = modules.named(star, near=near)
                if last not in names and starred is not None and last in starred.names:
                    other = starred.names[last]
        if other == dotted:
            return dotted
        dotted = other
    return dotted


def creations(modules: "Modules", evaluator: "Evaluator") -> Iterator[Creation]:
    """Yield every app that the project makes, tests left out, in the order of files and lines."""
    classes = app_classes(modules)
    words = {name.rpartition(".")[2] for name in classes}
    found = False
    for path in modules.mentioning(*words):
        module = None if is_test(path) else modules.at(path)
        if module is None:
            continue
        calls = sorted(
            (node for node in module.nodes if isinstance(node, ast.Call)),
            key=lambda node: (node.lineno, node.col_offset),
        )
        aliases = _aliases(module, classes)
        for call in calls:
            name = canonical(modules, module.dotted(call.func), path)
            name = aliases.get(name, name)
            if name in classes and not _is_guarded_by_main(module, call) and _runs(evaluator, module, call):
                subclass = name if classes[name] else ""
                found = True
                yield from _made(modules, evaluator, module, call, subclass)
    if not found:
        made = [*_current(modules, evaluator)] or [*_by_what_is_done(modules, evaluator)]
        yield from made


def _aliases(module: "Module", classes: Mapping[str, str]) -> dict[str, str]:
    """Return the names that a module gives an app class: ``Celery = celery.Celery``."""
    found: dict[str, str] = {}
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and (dotted := module.dotted(node.value)) in classes:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[f"{module.name}.{target.id}"] = found[target.id] = dotted
    return found


def _current(modules: "Modules", evaluator: "Evaluator") -> Iterator[Creation]:
    """Yield Celery's default app where a project makes none: ``app = current_app; app.config_from_object(…)``."""
    for path in modules.mentioning("current_app"):
        module = None if is_test(path) else modules.at(path)
        for node in module.nodes if module is not None else ():
            if module is None or not isinstance(node, ast.Assign) or module.dotted(node.value) != "celery.current_app":
                continue
            call = ast.copy_location(ast.Call(func=node.value, args=[], keywords=[]), node.value)
            yield from _made(modules, evaluator, module, call, "", node)


def _by_what_is_done(modules: "Modules", evaluator: "Evaluator") -> Iterator[Creation]:
    """Yield what some call makes that is not known, and what is then treated as nothing but an app is."""
    for path in modules.mentioning("config_from_object"):
        module = None if is_test(path) else modules.at(path)
        if module is None:
            continue
        called: dict[str, set[str]] = {}
        for node in module.tree.body:
            match node:
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method))):
                    called.setdefault(name, set()).add(method)
        apps = {name for name, methods in called.items() if methods >= _APP_METHODS}
        for node in module.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if name in apps:
                    yield from _made(modules, evaluator, module, call, "")


def _runs(evaluator: "Evaluator", module: "Module", call: ast.Call) -> bool:
    """Whether the branch that makes the app may be taken."""
    scope = evaluator.scope_of(module, evaluator.enclosing(module, call))
    for bindings in scope.frame.bindings.values():
        for one in bindings:
            if one.node is call:
                return certainty(evaluator, one.guards, scope) is not False
    return True


def _is_guarded_by_main(module: "Module", call: ast.Call) -> bool:
    return any(
        isinstance(node, ast.If)
        and "__main__" in ast.dump(node.test)
        and node.lineno <= call.lineno <= (node.end_lineno or 0)
        for node in module.tree.body
    )


def _made(
    modules: "Modules",
    evaluator: "Evaluator",
    module: "Module",
    call: ast.Call,
    subclass: str,
    statement: ast.Assign | None = None,
) -> Iterator[Creation]:
    body = evaluator.enclosing(module, statement or call)
    names = _names_of(module, statement.value if statement else call)
    if isinstance(body, _FUNCTIONS):
        holder = evaluator.enclosing(module, body)
        sites = list(_sites(modules, evaluator, module, body, _index(body, call, names)))
        if not sites or any(name.startswith("self.") for name in names):
            owner = f"{holder.name}.{body.name}" if isinstance(holder, ast.ClassDef) else body.name
            dotted, target = _kept_elsewhere(modules, module)
            yield Creation(module, call, body, names, dotted, target or f"{module.name}:{owner}()", subclass=subclass)
            return
        for site in sites:
            yield Creation(module, call, body, names, site.dotted, site.target, site.bound, subclass)
        return
    if isinstance(body, ast.ClassDef):
        yield Creation(module, call, body, names, (), f"{module.name}:{body.name}.{_first(names)}", subclass=subclass)
        return
    if names:
        dotted = tuple(f"{module.name}.{name}" for name in names)
        yield Creation(module, call, module.tree, names, dotted, f"{module.name}:{names[0]}", subclass=subclass)


def _first(names: tuple[str, ...]) -> str:
    return names[0] if names else "?"


def _names_of(module: "Module", call: ast.AST, index: int | None = None) -> tuple[str, ...]:
    """Return what a call's value is assigned to: ``app``, ``self.celery``; also through ``configure(Celery())``.

    ``index``: what its value's part of that number is assigned to.
    """
    found: list[str] = []
    for node in module.nodes:
        targets: list[ast.expr] = []
        match node:
            case ast.Assign(value=value):
                targets = node.targets if _holds(value, call) else []
            case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value):
                targets = [node.target] if _holds(value, call) else []
        if index is not None:
            inner = [target.elts for target in targets if isinstance(target, (ast.Tuple, ast.List))]
            targets = [parts[index] for parts in inner if 0 <= index < len(parts)]
        found.extend(name for target in targets if (name := text_of_name(target)))
    return tuple(dict.fromkeys(found))


def _holds(value: ast.AST, call: ast.AST) -> bool:
    if value is call:
        return True
    match value:
        case ast.Call(args=args):
            return any(one is call for one in args)
        case ast.BoolOp(values=values):
            return any(one is call for one in values)
        case ast.IfExp(body=body, orelse=orelse):
            return body is call or orelse is call
        case ast.NamedExpr(value=inner):
            return inner is call
    return False


def text_of_name(node: ast.AST) -> str:
    """Return ``a.b.c`` as it is written; empty if it is no such thing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and parts == []:
        inner = text_of_name(node.value)
        return f"{inner}[{node.slice.value!r}]" if inner else ""
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class _Site:
    dotted: tuple[str, ...]
    target: str
    bound: Mapping[str, Value]


def _sites(
    modules: "Modules",
    evaluator: "Evaluator",
    module: "Module",
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    index: int | None,
    depth: int = 0,
) -> Iterator[_Site]:
    """Yield the places where a factory is called whose value a module-level variable holds.

    ``index`` is the app's place in the tuple that the factory returns; ``None``: it returns the app.
    """
    if depth >= _DEEPEST or isinstance(evaluator.enclosing(module, function), ast.ClassDef):
        return
    dotted = f"{module.name}.{function.name}"
    inside: list[_Site] = []
    for path in modules.mentioning(function.name):
        other = None if is_test(path) else modules.at(path)
        for call in other.nodes if other is not None else ():
            if other is None or not isinstance(call, ast.Call):
                continue
            if canonical(modules, other.dotted(call.func), path) != dotted:
                continue
            body = evaluator.enclosing(other, call)
            scope = evaluator.scope_of(other, body).at((call.lineno, call.col_offset))
            definition = evaluator.definition(function, function.name, evaluator.scope_of(module, module.tree))
            bound = bind(evaluator, definition, arguments_of(evaluator, call, scope))
            names = _names_of(other, call, index)
            if body is other.tree and names:
                yield _Site(tuple(f"{other.name}.{name}" for name in names), f"{other.name}:{names[0]}", bound)
            elif isinstance(body, _FUNCTIONS):
                kept, target = _kept_elsewhere(modules, other)
                outer = _index(body, call, names)
                through = [] if target else list(_sites(modules, evaluator, other, body, outer, depth + 1))
                inside.extend(_Site(one.dotted, one.target, bound) for one in through if outer != _NOWHERE)
                if target:
                    inside.append(_Site(kept, target, bound))
                elif not through or outer == _NOWHERE:
                    inside.append(_Site((), f"{module.name}:{function.name}()", bound))
    seen: set[str] = set()
    for site in inside:
        if site.target not in seen:
            seen.add(site.target)
            yield site


def _index(body: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call, names: tuple[str, ...]) -> int | None:
    """Return the place of what a call made in the tuple a function returns; ``None``: it is all that is returned."""
    for node in ast.walk(body):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for n, part in enumerate(parts):
                if part is call or text_of_name(part) in names:
                    return n if isinstance(node.value, ast.Tuple) else None
    return _NOWHERE


def _kept_elsewhere(modules: "Modules", near: "Module") -> tuple[tuple[str, ...], str]:
    """Find ``celery_app = flask_app.extensions["celery"]``, as Flask's documentation has it."""
    for path in modules.mentioning(".extensions"):
        module = None if is_test(path) else modules.at(path)
        for node in module.tree.body if module is not None else ():
            if module is None or not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            match node.value:
                case ast.Subscript(value=ast.Attribute(attr="extensions"), slice=ast.Constant(value="celery")):
                    name = node.targets[0].id
                    return (f"{module.name}.{name}",), f"{module.name}:{name}"
    return (), ""
