"""The repository: what git says of a project's files."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rootcellar.specialist.discover.git import git_command, git_environment

_LONGEST_S = 60


@dataclass
class Repository:
    """A git repository with a project in it, at its top or in a folder. Paths are relative to the project's root."""

    root: Path
    tracked_paths: frozenset[str]
    _ignored: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path) -> "Repository | None":
        """Return the repository around a project; ``None`` where there is none, or no git to ask."""
        inside = _output(root, "rev-parse", "--is-inside-work-tree")
        if inside is None or inside.strip() != b"true":
            return None
        listed = _output(root, "ls-files", "-z")
        if listed is None:
            return None
        return cls(root, frozenset(os.fsdecode(path) for path in listed.split(b"\0") if path))

    def tracked(self, path: str) -> bool:
        """Whether git tracks a file."""
        return path in self.tracked_paths

    def ignored(self, path: str) -> bool:
        """Whether git ignores a file. One that is tracked is not ignored, whatever ``.gitignore`` says."""
        if path not in self._ignored:
            self.look_up([path])
        return self._ignored[path]

    def look_up(self, paths: Iterable[str]) -> None:
        """Ask of many files at once whether they are ignored, so that :meth:`ignored` need not ask again."""
        asked = [path for path in paths if path not in self._ignored]
        if not asked:
            return
        given = b"".join(os.fsencode(path) + b"\0" for path in asked)
        # 1 means that none is ignored.
        listed = _output(self.root, "check-ignore", "-z", "--stdin", given=given, statuses=(0, 1)) or b""
        ignored = {os.fsdecode(path) for path in listed.split(b"\0")}
        self._ignored.update((path, path in ignored) for path in asked)


def _output(root: Path, *arguments: str, given: bytes = b"", statuses: tuple[int, ...] = (0,)) -> bytes | None:
    command = git_command(root, *arguments)
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a list, and nothing in it is the project's but its folder
            command, input=given, capture_output=True, env=git_environment(), timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode in statuses else None
