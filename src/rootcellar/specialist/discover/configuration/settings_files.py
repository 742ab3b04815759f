"""Settings files that a module takes in: ``include()`` of django-split-settings, and what cannot be followed."""

import ast
import fnmatch
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rootcellar.specialist.discover.modules import Module, Modules

_INCLUDES = frozenset({"split_settings.tools.include", "split_settings.include"})
_OPTIONALS = frozenset({"split_settings.tools.optional", "split_settings.optional"})
#: What is handed the module's names, and puts nothing of Celery's there.
_HARMLESS = frozenset({"django_heroku.settings", "django_on_heroku.settings"})
_DEEPEST = 8
_NAMESPACES = frozenset({"globals", "locals", "vars"})


def included(modules: "Modules", module: "Module") -> Iterator[tuple[tuple[int, int], "Module"]]:
    """Yield the modules that a module includes by the names of their files, each with where it does.

    Only names that are written out, a pattern (``components/*.py``) being one.
    """
    for call in _calls(module):
        if module.dotted(call.func) not in _INCLUDES:
            continue
        for argument in call.args:
            is_optional = isinstance(argument, ast.Call) and module.dotted(argument.func) in _OPTIONALS
            named = argument.args[0] if isinstance(argument, ast.Call) and is_optional and argument.args else argument
            if not isinstance(named, ast.Constant) or not isinstance(named.value, str):
                continue
            pattern = posixpath.normpath(posixpath.join(posixpath.dirname(module.path), named.value))
            for path in sorted(fnmatch.filter(modules.name_of, pattern)):
                other = modules.at(path)
                if other is not None and other is not module:
                    yield (call.lineno, call.col_offset), other


def filled_by(modules: "Modules", module: "Module", depth: int = 0) -> str:
    """Return why a module may have names that its code does not show; empty if nothing says so.

    It, or a module that it takes over with ``import *``, sets items of ``globals()``, or calls something with
    ``__name__``, ``globals()``, ``locals()`` or the like as a statement, to put settings there.
    """
    for statement in _statements(module):
        if _fills(module, statement):
            place = module.place(statement)
            return f"line {place.line} of {place.path} puts settings into it in a way that this reader does not follow"
    for star in module.stars if depth < _DEEPEST else ():
        other = modules.named(star, near=module.path)
        if other is not None and other is not module and (why := filled_by(modules, other, depth + 1)):
            return why
    return ""


def _fills(module: "Module", statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Subscript(value=owner, slice=key)]):
            return _is_namespace(owner) and not isinstance(key, ast.Constant)
        case ast.Assign(value=ast.Call(args=args, keywords=keywords)):
            return any(_is_namespace(one) for one in [*args, *(one.value for one in keywords)])
        case ast.Expr(value=ast.Call(func=func, args=args, keywords=keywords)):
            if module.dotted(func) in _HARMLESS:
                return False
            if isinstance(func, ast.Attribute) and _is_namespace(func.value):
                return func.attr in ("update", "setdefault", "__setitem__")
            given = [*args, *(one.value for one in keywords)]
            # `logging.getLogger(__name__)` makes something; a statement is there for what it does.
            return any(_is_namespace(one) or (isinstance(one, ast.Name) and one.id == "__name__") for one in given)
    return False


def _calls(module: "Module") -> Iterator[ast.Call]:
    """Yield the calls that are statements of a module's own."""
    for statement in _statements(module):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield statement.value


def _statements(module: "Module") -> Iterator[ast.stmt]:
    waiting: list[ast.AST] = list(module.tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.ExceptHandler)):
            waiting.extend(ast.iter_child_nodes(node))


def _is_namespace(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMESPACES
