"""The tree: a project's files, walked once, within bounds."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rootcellar.specialist.profile import Place, Unread

#: Folders that hold other people's code, or what was built.
SKIPPED = frozenset(
    {
        ".git", ".hg", ".svn", "node_modules", "bower_components", "__pycache__", ".tox", ".nox", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".eggs", "build", "dist", "site-packages", ".idea", ".vscode", ".terraform",
    }
)  # fmt: skip
#: Of those, the ones that are code all the same if they are Python packages.
_BUILT = frozenset({"build", "dist"})
#: Files that make a folder the root of a project of its own; ``requirements*.txt`` too.
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "manage.py")
#: Bytes above which a file is not read.
MOST_BYTES = 2_000_000
#: Files above which the rest of a project is not looked at.
MOST_FILES = 200_000
#: Folders within folders below which none is looked at.
DEEPEST = 100


@dataclass
class Tree:
    """A project's files: paths relative to ``root``, with ``/``, sorted. ``unread`` grows as files are given up."""

    root: Path
    paths: tuple[str, ...]
    unread: list[Unread] = field(default_factory=list)

    @cached_property
    def project_folders(self) -> frozenset[str]:
        """The folders that hold a project file of Python's: each is a project of its own. The root is ``""``."""
        return frozenset(
            folder
            for folder, _, name in (one.rpartition("/") for one in self.paths)
            if name in PROJECT_FILES or (name.startswith("requirements") and name.endswith((".txt", ".in")))
        )

    def text(self, path: str) -> str | None:
        """Return a file's text; ``None``, with an :class:`Unread` added, where it is too large or no text."""
        raw = self.raw(path)
        if raw is None:
            return None
        encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def raw(self, path: str) -> bytes | None:
        """Return a file's bytes; ``None``, with an :class:`Unread` added, where it is too large or cannot be read."""
        full = self.root / path
        try:
            info = full.stat()
            if not stat.S_ISREG(info.st_mode):
                self.give_up(path, "it is no regular file")
                return None
            if info.st_size > MOST_BYTES:
                self.give_up(path, f"it has {info.st_size:,} bytes; files above {MOST_BYTES:,} are not read")
                return None
            return full.read_bytes()
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or type(exc).__name__
            self.give_up(path, f"it cannot be read ({reason})")
            return None

    def give_up(self, path: str, why: str, line: int = 0) -> None:
        """Note that a file is not read, once per file."""
        if not any(one.place.path == path for one in self.unread):
            self.unread.append(Unread(Place(path, line), why))


def tree_of(root: Path) -> Tree:
    """Walk ``root``. Links to folders are followed once: a loop ends where it comes back to a folder it has been to."""
    tree = Tree(root, ())
    paths = sorted(_walk(root, tree))
    tree.paths = tuple(paths)
    return tree


def _walk(root: Path, tree: Tree) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()
    count = 0

    def refused(exc: OSError) -> None:
        path = Path(exc.filename) if exc.filename else root
        relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        tree.give_up(relative, f"the folder cannot be read ({exc.strerror or type(exc).__name__})")

    for directory, folders, files in os.walk(root, followlinks=True, onerror=refused):
        here = Path(directory)
        relative = here.relative_to(root).as_posix()
        try:
            info = here.stat()
        except OSError as exc:
            refused(exc)
            folders.clear()
            continue
        if (info.st_dev, info.st_ino) in seen:
            tree.give_up(relative, "it is a link to a folder that is read already")
            folders.clear()
            continue
        seen.add((info.st_dev, info.st_ino))
        if relative.count("/") >= DEEPEST:
            tree.give_up(relative, f"it lies more than {DEEPEST} folders deep; those in it are not looked at")
            folders.clear()
        # Links last: a folder is known by its own path, and by a link's only where it lies elsewhere.
        folders[:] = sorted(
            (name for name in folders if not _is_skipped(here, name)),
            key=lambda name: ((here / name).is_symlink(), name),
        )
        for name in files:
            count += 1
            if count > MOST_FILES:
                tree.give_up(relative, f"the project has more than {MOST_FILES:,} files; the others are not looked at")
                return
            yield name if relative == "." else f"{relative}/{name}"


def _is_skipped(here: Path, name: str) -> bool:
    if name in SKIPPED and not (name in _BUILT and (here / name / "__init__.py").is_file()):
        return True
    return (here / name / "pyvenv.cfg").is_file()
