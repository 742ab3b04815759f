"""The modules: a project's Python files by dotted name, parsed when asked for, a bounded number of trees at a time."""

import ast
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rootcellar.specialist.discover.configuration.evaluation.frames import absolute
from rootcellar.specialist.discover.module_names import module_names
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place
from rootcellar.specialist.profile.place import folders_in_common

#: Syntax trees kept at a time; each takes some megabytes.
_KEPT = 48
#: Words that the readers look for: one pass over the files finds all of them.
VOCABULARY = (
    "Celery", "celery", "shared_task", "periodic_task", ".delay(", "apply_async", "send_task", ".s(", ".si(",
    "signature", "chord", "AsyncResult", "GroupResult", "ResultSet", "config_from_object", "config_from_envvar",
    ".conf.", ".conf[", ".conf)", ".conf,", ".conf\n", ".conf\r", "add_defaults", "add_periodic_task",
    "on_after_configure", "on_after_finalize", ".extensions", "Flask", "flask", "load_dotenv", "read_env",
    "DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION", "CELERY_BROKER_URL", "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Module:
    """A parsed file. ``names`` maps what the module calls by a name to its full dotted name.

    From imports and from its own top-level classes, functions and assignments: ``app`` → ``shop.celery.app``,
    ``Celery`` → ``celery.Celery``. Imports inside functions count too.
    """

    path: str
    #: dotted; the folder ``src`` and the like are no part of it
    name: str
    is_package: bool
    tree: ast.Module = field(repr=False)
    names: Mapping[str, str] = field(repr=False)
    stars: tuple[str, ...] = ()

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree in the order of the text, walked once; contexts and operators left out."""
        return tuple(_nodes(self.tree))

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        return Place(self.path, getattr(node, "lineno", 0), getattr(node, "col_offset", -1))

    def dotted(self, node: ast.AST) -> str:
        """Return the full dotted name of ``a.b.c``, through the module's imports; empty if it is no such thing.

        A name that is neither imported nor defined at the top level is itself: ``self.x`` is ``self.x``.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.names.get(node.id, node.id), *reversed(parts)])


class Modules:
    """All Python files of a project. Nothing is parsed before it is asked for."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        #: path → dotted name
        self.name_of: dict[str, str] = module_names(tree)
        #: dotted name → path; of two files of one name the one nearer to the root
        self.path_of: dict[str, str] = {}
        self._paths_of: dict[str, list[str]] = {}
        for path in sorted(self.name_of, key=lambda one: (one.count("/"), one)):
            self.path_of.setdefault(self.name_of[path], path)
            self._paths_of.setdefault(self.name_of[path], []).append(path)
        self._parsed: OrderedDict[str, Module | None] = OrderedDict()
        self._mentioning: dict[str, set[str]] = {}

    def __iter__(self) -> Iterator[str]:
        """Yield the paths of all Python files, sorted."""
        return iter(sorted(self.name_of))

    def named(self, name: str, *, near: str = "") -> Module | None:
        """Return the module of a dotted name, if the project has it.

        Several parts of a project may have one of that name: then the one whose file is nearest to the path ``near``.
        """
        paths = self._paths_of.get(name)
        if not paths:
            return None
        return self.at(
            max(paths, key=lambda path: (folders_in_common(path, near), -path.count("/"))) if near else paths[0]
        )

    def is_module(self, name: str) -> bool:
        """Whether the project has a module of that dotted name; nothing is parsed."""
        return name in self._paths_of

    def at(self, path: str) -> Module | None:
        """Return the module at a path; ``None`` where it cannot be parsed, which is noted in the tree's ``unread``."""
        if path in self._parsed:
            self._parsed.move_to_end(path)
            return self._parsed[path]
        module = self._parse(path)
        self._parsed[path] = module
        if len(self._parsed) > _KEPT:
            self._parsed.popitem(last=False)
        return module

    def mentioning(self, *words: str) -> list[str]:
        """Return the paths of the files in whose text any of these words occurs, sorted.

        All files are read once, for all words of :data:`VOCABULARY`; another word costs another pass.
        """
        missing = [word for word in words if word not in self._mentioning]
        if missing:
            self._scan({*missing, *(() if self._mentioning else VOCABULARY)})
        return sorted(set().union(*(self._mentioning[word] for word in words)))

    def _scan(self, words: set[str]) -> None:
        wanted = {word: word.encode() for word in words}
        found: dict[str, set[str]] = {word: set() for word in words}
        for path in self.name_of:
            raw = self.tree.raw(path)
            if raw is None:
                continue
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raw = (self.tree.text(path) or "").encode()
            for word, sought in wanted.items():
                if sought in raw:
                    found[word].add(path)
        self._mentioning.update(found)

    def _parse(self, path: str) -> Module | None:
        raw = self.tree.raw(path)
        if raw is None:
            return None
        try:
            tree = _parsed(raw)
            name = self.name_of.get(path, "")
            is_package = path.endswith("__init__.py")
            names, stars = _names(tree, name, is_package=is_package)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            running = f"Python {sys.version_info.major}.{sys.version_info.minor}"
            line = getattr(exc, "lineno", None) or 0
            self.tree.give_up(path, f"it is no Python that {running} can parse ({type(exc).__name__})", line)
            return None
        return Module(path, name, is_package, tree, names, stars)


def _parsed(raw: bytes) -> ast.Module:
    """Parse a file's bytes. Raises: SyntaxError, ValueError, RecursionError, MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like, in somebody else's code
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return ast.parse(raw.decode("utf-16"))
        try:
            return ast.parse(raw)
        except SyntaxError:
            # It may be the encoding: a cookie that lies, or none where one was needed. Latin-1 reads everything, and
            # the text's own cookie no longer counts once it is decoded.
            try:
                raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                return ast.parse(raw.decode("latin-1"))
            raise


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    open_: list[ast.AST] = [tree]
    while open_:
        node = open_.pop()
        yield node
        for name in reversed(node._fields):
            if name == "ctx":
                continue
            value = getattr(node, name, None)
            if value.__class__ is list:
                open_.extend(one for one in reversed(value) if isinstance(one, ast.AST))
            elif isinstance(value, (ast.expr, ast.stmt, ast.arguments, ast.arg)):
                open_.append(value)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield all statements, those inside others too; expressions hold none."""
    open_: list[ast.AST] = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("finalbody", "orelse", "handlers", "cases", "body"):
            inner = getattr(node, name, None)
            if inner.__class__ is list:
                open_.extend(reversed(inner))


def _names(tree: ast.Module, name: str, *, is_package: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    names: dict[str, str] = {}
    stars: list[str] = []
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[statement.name] = f"{name}.{statement.name}"
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name):
                    names[target.id] = f"{name}.{target.id}"
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or dotted] = dotted
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, name, is_package=is_package)
            for alias in node.names:
                if alias.name == "*":
                    stars.append(base)
                else:
                    names[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name
    return names, tuple(stars)
