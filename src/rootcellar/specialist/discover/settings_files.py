"""Settings files that a settings module takes in: ``include()`` of django-split-settings, and what cannot be followed."""

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


def filled_by(module: "Module") -> str:
    """Return why a module may have names that its code does not show; empty if nothing says so.

    Something is called with ``__name__``, ``globals()``, ``locals()`` or the like, to put settings there.
    """
    for call in _calls(module):
        func = call.func
        if module.dotted(func) in _HARMLESS:
            continue
        owner = func.value if isinstance(func, ast.Attribute) else None
        given = [*call.args, *(one.value for one in call.keywords)]
        if isinstance(owner, ast.Call) and _is_namespace(owner) and isinstance(func, ast.Attribute):
            is_filled = func.attr in ("update", "setdefault", "__setitem__")
        else:
            # `logging.getLogger(__name__)` and the like make something; a statement is there for what it does.
            is_filled = any(_is_namespace(one) for one in given) or any(
                isinstance(one, ast.Name) and one.id == "__name__" for one in given
            )
        if is_filled:
            return (
                f"line {call.lineno} of {module.path} puts settings into it in a way that this reader does not follow"
            )
    return ""


def _calls(module: "Module") -> Iterator[ast.Call]:
    """Yield the calls that are statements of a module's own."""
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        statement = waiting.pop(0)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield statement.value
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            waiting.extend(one for one in ast.iter_child_nodes(statement) if isinstance(one, ast.stmt))


def _is_namespace(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMESPACES
