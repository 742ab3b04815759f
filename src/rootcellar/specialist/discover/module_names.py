"""The module names: what each Python file of a project is called where it is imported."""

import re
from collections.abc import Sequence

from rootcellar.specialist.discover.tree import Tree

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([^#\n]*)|import[ \t]+([\w.,\t ]+))", re.MULTILINE
)
_NAMED = re.compile(rb"""["']([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)[:.]?["']""")
_WORD = re.compile(rb"[A-Za-z_]\w*")


def project_root(path: str, tree: Tree) -> str:
    """Return the folder of the project that a file belongs to: the nearest one above it with a project file.

    The folder of the tree itself is ``""``.
    """
    folder = path.rpartition("/")[0]
    while folder and folder not in tree.project_folders:
        folder = folder.rpartition("/")[0]
    return folder


def module_names(tree: Tree) -> dict[str, str]:
    """Return path → dotted name for all Python files.

    The name is the one an import uses with the folder above the outermost package on the path. A folder is a package
    if it has an ``__init__.py``, or if the project's own imports treat it as one (a namespace package).
    """
    paths = [path for path in tree.paths if path.endswith(".py")]
    packages = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    roots = {path.rpartition("/")[0] for path in tree.paths if path.rpartition("/")[2] == "manage.py"}
    packages = {folder for folder in packages if folder not in roots and folder.rpartition("/")[2].isidentifier()}
    packages |= _namespaces(tree, paths, packages, roots)
    return {path: _name(path, packages) for path in paths}


def _name(path: str, packages: set[str]) -> str:
    parts = path.removesuffix(".py").split("/")
    folder, first = "/".join(parts[:-1]), len(parts) - 1
    while first and folder in packages:
        first -= 1
        folder = folder.rpartition("/")[0]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
        first = min(first, len(parts) - 1)
    return ".".join(parts[first:])


def _namespaces(tree: Tree, paths: Sequence[str], packages: set[str], roots: set[str]) -> set[str]:
    """Return the folders without ``__init__.py`` that are imported as packages."""
    children: dict[str, set[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        children.setdefault(folder, set()).add(name.removesuffix(".py"))
        while folder:
            folder, _, name = folder.rpartition("/")
            children.setdefault(folder, set()).add(name)
    open_: dict[str, list[str]] = {}
    for folder in children:
        name = folder.rpartition("/")[2]
        if folder and folder not in packages and folder not in roots and name.isidentifier():
            open_.setdefault(name, []).append(folder)
    if not open_:
        return set()
    found: set[str] = set()
    known = set(paths)
    for folders in open_.values():
        # A top-level ``celery.py`` would hide Celery itself from the project.
        found.update(folder for folder in folders if f"{folder}/celery.py" in known)
    for path in paths:
        raw = tree.raw(path)
        if raw is not None:
            _witness(path, raw, open_, children, found)
    return found


def _witness(
    path: str, raw: bytes, open_: dict[str, list[str]], children: dict[str, set[str]], found: set[str]
) -> None:
    """Add the folders that one file shows to be packages."""
    dotted: list[list[str]] = []
    for match in _IMPORT.finditer(raw):
        base = (match[1] or b"").decode("latin-1")
        if base.startswith("."):
            folder = path.rpartition("/")[0]
            for _ in range(len(base) - len(base.lstrip("."))):
                if folder:
                    found.add(folder)
                folder = folder.rpartition("/")[0]
        elif base:
            names = [one.decode("latin-1") for one in _WORD.findall(match[2])]
            dotted.extend([*base.split("."), name] for name in names or [""])
        else:
            dotted.extend(one.strip().split(" ")[0].split(".") for one in match[3].decode("latin-1").split(","))
    dotted.extend(match[1].decode("latin-1").split(".") for match in _NAMED.finditer(raw))
    for parts in dotted:
        for folder in open_.get(parts[0], ()):
            here = folder
            for part in parts[1:]:
                if part not in children.get(here, ()):
                    break
                found.add(here)
                here = f"{here}/{part}"
