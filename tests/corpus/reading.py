"""Reads the labelled corpus: small projects, and what ``inspect`` and ``check`` have to find in each.

A case is a folder: ``project/``, and ``labels.toml``, which was written by hand from the rules' descriptions before any
rule had run. Files whose name begins with ``dot.`` stand for hidden ones, which this repository's own ``.gitignore``
would swallow; labels say ``.env``.
"""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent
DOT = "dot."


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """A finding that ``check`` has to report. ``line`` counts from 1; 0 is the file as a whole."""

    path: str
    line: int
    rule: str
    reason: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What ``inspect`` has to find. ``backend`` and ``broker`` hold the kind by app, ``apps`` their targets.

    ``celery`` is the version the rules go by, and ``celery_of`` that of the apps for which it is another.
    """

    apps: tuple[str, ...]
    backend: Mapping[str, str]
    broker: Mapping[str, str]
    celery: str
    celery_of: Mapping[str, str]
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Git:
    """A case that is a git repository. ``tracked`` are git's path patterns of what is committed."""

    tracked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A project with its labels. ``broken`` are the Python files that do not parse, and are not meant to.

    A ``held_out`` case was written without knowledge of how the rules work, and no rule is to be tuned by it.
    """

    slug: str
    description: str
    git: Git | None
    profile: Expected
    findings: tuple[Label, ...]
    broken: tuple[str, ...] = ()
    held_out: bool = False

    @property
    def project(self) -> Path:
        """The project as it is stored."""
        return CORPUS / self.slug / "project"

    def stored(self, path: str) -> Path:
        """Return the file behind a path of a label: ``.env`` is ``project/dot.env``."""
        parts = [DOT + part[1:] if part.startswith(".") else part for part in path.split("/")]
        return self.project.joinpath(*parts)


def cases() -> list[Case]:
    """Return all cases by their slug. Raises ``ValueError`` where a ``labels.toml`` says what it should not."""
    return [_case(path) for path in sorted(CORPUS.glob("*/labels.toml"))]


def lay_out(case: Case, directory: Path) -> Path:
    """Copy the project of ``case`` to a new folder in ``directory``, as the repository it is; return that folder."""
    target = directory / case.slug
    shutil.copytree(case.project, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted(target.rglob(f"{DOT}*"), reverse=True):
        path.rename(path.with_name(path.name.removeprefix("dot")))
    if case.git is not None:
        _git(target, "init", "--quiet", "--initial-branch=main", "--template=")
        _git(target, "add", "--force", "--", *(f":(glob){pattern}" for pattern in case.git.tracked))
        _git(target, "commit", "--quiet", "--message=The project")
    return target


def _git(folder: Path, *arguments: str) -> None:
    # Neither the user's configuration nor a repository round the temporary folder has a say.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }
    moment = "2024-11-20T12:00:00+00:00"
    environment |= {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    options = ("user.name=Corpus", "user.email=corpus@example.org", "commit.gpgsign=false", "core.autocrlf=false")
    command = ["git", *(word for option in options for word in ("-c", option)), *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def _case(path: Path) -> Case:
    labels = tomllib.loads(path.read_text(encoding="utf-8"))
    _only(path, labels, required={"description", "profile"}, optional={"git", "broken", "held_out", "finding"})
    _only(path, labels["profile"], required={"apps", "backend", "broker", "celery", "tasks"}, optional={"celery_of"})
    for finding in labels.get("finding", []):
        _only(path, finding, required={"rule", "path", "line", "reason"})
    git = labels.get("git")
    if git is not None:
        _only(path, git, required={"tracked"})
    profile = labels["profile"]
    return Case(
        slug=path.parent.name,
        description=labels["description"],
        git=Git(tuple(git["tracked"])) if git is not None else None,
        profile=Expected(
            apps=tuple(profile["apps"]),
            backend=profile["backend"],
            broker=profile["broker"],
            celery=profile["celery"],
            celery_of=profile.get("celery_of", {}),
            tasks=tuple(profile["tasks"]),
        ),
        findings=tuple(sorted(Label(**finding) for finding in labels.get("finding", []))),
        broken=tuple(labels.get("broken", [])),
        held_out=labels.get("held_out", False),
    )


def _only(
    path: Path, table: Mapping[str, Any], required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> None:
    missing, unknown = required - table.keys(), table.keys() - required - optional
    if missing or unknown:
        raise ValueError(f"{path.parent.name}/labels.toml: missing {sorted(missing)}, unknown {sorted(unknown)}")
