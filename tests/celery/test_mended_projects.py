"""`rootcellar check --fix` on projects of every style of configuration: they are mended, and run as before.

``mended/*.txt`` hold the projects: what they are called, settings as they are when mended, and each file as a diff with
all of its lines. ``@URL@`` stands for that of an empty Redis database.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rootcellar.cli import cellar
from servers import wait_until

_PROJECTS = Path(__file__).parent / "mended"
_STYLES = sorted(path.stem for path in _PROJECTS.glob("*.txt"))

#: What of Flask the project of that style needs: Flask itself is not installed.
_FLASK = """\
class Config(dict):
    def from_mapping(self, **more):
        self.update(more)


class Flask:
    def __init__(self, name):
        self.name, self.config, self.extensions = name, Config(), {}
"""

_CLIENT = """\
import json, sys
from celery.app.utils import find_app
app = find_app(sys.argv[1])
value = app.send_task(sys.argv[2], (2, 3)).get(timeout=60)
print(json.dumps({"value": value, "settings": {name: repr(app.conf[name]) for name in sys.argv[3:]}}))
"""


@dataclass(frozen=True)
class Project:
    """A project before and after: ``{path: bytes}``."""

    app: str
    task: str
    settings: Mapping[str, Any]
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)

    def lay_out(self, folder: Path) -> None:
        for path, data in self.before.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        if ".gitignore" in self.before:
            subprocess.run(["git", "init", "--quiet", folder], check=True)

    def files_in(self, folder: Path) -> dict[str, bytes]:
        return {path: (folder / path).read_bytes() for path in self.before}


def read_project(style: str, url: str) -> Project:
    head, *files = (_PROJECTS / f"{style}.txt").read_text("utf-8").replace("@URL@", url).split("=== ")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    project = Project(said.pop("app"), said.pop("task"), {name: ast.literal_eval(text) for name, text in said.items()})
    for text in files:
        heading, _, body = text.partition("\n")
        path, *options = heading.split()
        end = "\r\n" if "windows" in options else "\n"
        lines = [(line[:1], line[1:] + end) for line in body.splitlines()]
        project.before[path] = "".join(line for sign, line in lines if sign != "+").encode()
        project.after[path] = "".join(line for sign, line in lines if sign != "-").encode()
    return project


def check(*arguments: object) -> Result:
    return CliRunner().invoke(cellar, ["check", *map(str, arguments)], env={"CELERY_RESULT_BACKEND": None})


def mendable(folder: Path) -> list[str]:
    """Return what is found that mends itself."""
    findings = json.loads(check(folder, "--json").stdout)["findings"]
    return [f"{one['path']}:{one['line']} {one['rule']}" for one in findings if one["mends_itself"]]


@dataclass
class Mended:
    """A project that was mended, and its worker."""

    project: Project
    folder: Path
    #: of the command
    said: Result
    worker: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder.parent / "worker.log"

    @property
    def environment(self) -> dict[str, str]:
        paths = os.pathsep.join([str(self.folder), str(self.folder.parent)])
        return {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "default", "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", self.project.app, "worker", "--pool", "solo", "-l", "INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("wb") as log:
            self.worker = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def is_ready(self) -> bool:
        assert self.worker is not None
        if self.worker.poll() is not None:
            raise RuntimeError(f"the worker ended at once:\n{self.log.read_text()}")
        return b" ready." in self.log.read_bytes()


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory, new_redis_url: Callable[[], str]) -> Iterator[dict[str, Mended]]:
    """All projects, mended by the command, with their workers: they start side by side."""
    made: dict[str, Mended] = {}
    try:
        for style in _STYLES:
            project = read_project(style, new_redis_url())
            folder = tmp_path_factory.mktemp(style) / "project"
            project.lay_out(folder)
            (folder.parent / "flask.py").write_text(_FLASK)
            made[style] = Mended(project, folder, check(folder, "--fix"))
            made[style].start()
        yield made
    finally:
        for one in made.values():
            if one.worker is not None:
                one.worker.kill()
                one.worker.wait()


@pytest.mark.parametrize("style", _STYLES)
def test_only_what_the_findings_concern_is_changed_in(style: str, mended: dict[str, Mended]):
    one = mended[style]
    assert {path: data.decode() for path, data in one.project.files_in(one.folder).items()} == {
        path: data.decode() for path, data in one.project.after.items()
    }, one.said.output
    assert one.project.after != one.project.before
    assert mendable(one.folder) == []


@pytest.mark.parametrize("style", _STYLES)
def test_a_second_time_changes_nothing_in(style: str, mended: dict[str, Mended]):
    one = mended[style]
    before = {path: (one.folder / path).stat() for path in one.project.before}
    again = check(one.folder, "--fix")
    assert "mended." not in again.stderr
    assert check(one.folder, "--diff").output.startswith("Nothing can be mended automatically.")
    after = {path: (one.folder / path).stat() for path in before}
    assert {path: (one.st_mtime_ns, one.st_ino) for path, one in after.items()} == {
        path: (one.st_mtime_ns, one.st_ino) for path, one in before.items()
    }
    assert not list(one.folder.rglob("*.tmp"))


@pytest.mark.redis
@pytest.mark.parametrize("style", _STYLES)
def test_the_worker_starts_and_a_task_returns_in(style: str, mended: dict[str, Mended]):
    one = mended[style]
    wait_until(one.is_ready, f"the worker of {style} is ready")
    command = [sys.executable, "-c", _CLIENT, one.project.app, one.project.task, *one.project.settings]
    done = subprocess.run(command, cwd=one.folder, env=one.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + one.log.read_text()
    said = json.loads(done.stdout)
    assert said["value"] == 5
    assert {name: ast.literal_eval(text) for name, text in said["settings"].items()} == one.project.settings
