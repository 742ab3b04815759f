"""The pre-commit hook: what it runs, and with what."""

import tomllib
from pathlib import Path

import yaml
from click.testing import CliRunner

from rootcellar.cli import cellar
from unit.check.hand_made import write

ROOT = Path(__file__).parents[3]


def hook() -> dict[str, object]:
    (one,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return one


def test_the_hook_installs_what_the_extra_does():
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["check"]
    assert hook()["additional_dependencies"] == extra


def test_the_hook_checks_the_whole_project_in_the_current_folder(tmp_path: Path, monkeypatch):
    write(tmp_path, "tasks.py", 'from celery import Celery\n\napp = Celery("a", backend="redis://:hunter2@h:1/0")\n')
    monkeypatch.chdir(tmp_path)
    name, *arguments = str(hook()["entry"]).split()
    assert name == "rootcellar"
    assert hook()["pass_filenames"] is False
    result = CliRunner().invoke(cellar, arguments)
    assert result.exit_code == 1
    assert "RC101" in result.stdout
