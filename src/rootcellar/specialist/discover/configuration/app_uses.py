"""An app's uses: which functions and modules of the project do something to an app's configuration."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.creations import canonical, is_test
from rootcellar.specialist.discover.configuration.evaluation.frames import Function, parameters

if TYPE_CHECKING:
    from rootcellar.specialist.discover.modules import Module, Modules

#: Words of which a file that configures an app holds one.
_WORDS = (
    ".conf.", ".conf[", ".conf)", ".conf,", ".conf\n", ".conf\r", "config_from_object", "config_from_envvar",
    "add_periodic_task", "on_after_configure", "on_after_finalize", "add_defaults",
)  # fmt: skip
_ATTRIBUTES = frozenset({"conf", *(word for word in _WORDS if not word.startswith("."))})
_CURRENT = "celery.current_app"


@dataclass(frozen=True, slots=True)
class Handed:
    """A function that configures what it is handed: the call, the function, and by which parameters."""

    call_path: str
    call: tuple[int, int]
    path: str
    function: tuple[int, int]
    names: frozenset[str]


@dataclass
class AppUses:
    """Where apps are configured, by their full dotted names. Holds no syntax trees, only where they are."""

    #: dotted name → paths of the files that configure what has that name
    paths: dict[str, set[str]] = field(default_factory=dict)
    #: dotted name → calls that hand it to a function that configures it
    handed: dict[str, list[Handed]] = field(default_factory=dict)

    def of(self, dotted: set[str], *, is_only: bool) -> list[str]:
        """Return the files that configure an app; if it is the only one, also through ``celery.current_app``."""
        names = {*dotted, _CURRENT} if is_only else dotted
        return sorted({path for name in names for path in self.paths.get(name, ())})


def app_uses(modules: "Modules") -> AppUses:
    """Look once through all files that can configure an app."""
    uses = AppUses()
    functions: list[tuple[str, str, tuple[int, int], tuple[str, ...], frozenset[str]]] = []
    for path in modules.mentioning(*_WORDS):
        module = None if is_test(path) else modules.at(path)
        if module is None:
            continue
        roots = [node.value for node in module.nodes if isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES]
        for dotted in {canonical(modules, name, path) for root in roots if (name := module.dotted(root))}:
            uses.paths.setdefault(dotted, set()).add(path)
        # ``app = celery_app`` under another name, and ``c = app.conf``
        for statement in module.tree.body:
            if isinstance(statement, ast.Assign) and (name := module.dotted(statement.value)):
                uses.paths.setdefault(canonical(modules, name, path), set()).add(path)
        functions.extend(_configuring(module))
    for path, name, position, spec, names in functions:
        for call_path, call, given in _calls_of(modules, path, name):
            by_argument: dict[str, set[str]] = {}
            for parameter, dotted in _given(call, spec, given):
                if parameter in names:
                    by_argument.setdefault(dotted, set()).add(parameter)
            for dotted, parameters_ in by_argument.items():
                at = (call.lineno, call.col_offset)
                uses.handed.setdefault(dotted, []).append(Handed(call_path, at, path, position, frozenset(parameters_)))
    return uses


def _configuring(
    module: "Module",
) -> Iterator[tuple[str, str, tuple[int, int], tuple[str, ...], frozenset[str]]]:
    """Yield the top-level functions that configure one of their parameters."""
    for node in module.tree.body:
        if not isinstance(node, Function):
            continue
        spec = tuple(one.arg for one, _ in parameters(node))
        names = frozenset(
            one.value.id
            for one in ast.walk(node)
            if isinstance(one, ast.Attribute)
            and one.attr in _ATTRIBUTES
            and isinstance(one.value, ast.Name)
            and one.value.id in spec
        )
        if names:
            yield module.path, node.name, (node.lineno, node.col_offset), spec, names


def _calls_of(modules: "Modules", path: str, name: str) -> Iterator[tuple[str, ast.Call, list[tuple[int | str, str]]]]:
    """Yield the calls of a function of the project, each with its arguments that are names, by their full names."""
    dotted = f"{modules.name_of[path]}.{name}"
    for other_path in modules.mentioning(name):
        other = None if is_test(other_path) else modules.at(other_path)
        for call in other.nodes if other is not None else ():
            if other is None or not isinstance(call, ast.Call):
                continue
            if canonical(modules, other.dotted(call.func), other_path) != dotted:
                continue
            given: list[tuple[int | str, str]] = [(n, other.dotted(one)) for n, one in enumerate(call.args)]
            given += [(one.arg, other.dotted(one.value)) for one in call.keywords if one.arg]
            full = [(key, canonical(modules, one, other_path)) for key, one in given if one]
            yield other_path, call, full


def _given(call: ast.Call, spec: tuple[str, ...], given: list[tuple[int | str, str]]) -> Iterator[tuple[str, str]]:
    for key, dotted in given:
        if isinstance(key, str):
            yield key, dotted
        elif key < len(spec):
            yield spec[key], dotted
