"""git is asked, and nothing of the repository is run."""

import os
import subprocess
from pathlib import Path

import pytest

from rootcellar.specialist.discover.repository import Repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name, text in {"a.py": "", "b.log": "", "c d\n.py": "", ".gitignore": "*.log\nsub/\n", "sub/x": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "-C", str(tmp_path), "add", "a.py", "c d\n.py"], check=True)
    return tmp_path


def test_it_knows_what_is_tracked_and_ignored(folder: Path) -> None:
    repository = Repository.at(folder)

    assert repository is not None
    assert repository.tracked("a.py")
    assert repository.tracked("c d\n.py")
    assert not repository.tracked("b.log")
    assert repository.ignored("b.log")
    assert repository.ignored("sub/x")
    assert not repository.ignored("a.py")


def test_many_files_are_asked_for_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository.at(folder)
    assert repository is not None
    repository.look_up(["a.py", "b.log"])
    monkeypatch.setenv("PATH", "")

    assert (repository.ignored("a.py"), repository.ignored("b.log")) == (False, True)


def test_a_folder_of_a_repository_is_in_it(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "y.log").touch()

    repository = Repository.at(folder / "inner")

    assert repository is not None
    assert repository.tracked_paths == frozenset()
    assert repository.ignored("y.log")


def test_without_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert Repository.at(tmp_path) is None
    assert Repository.at(tmp_path / "gone") is None


def test_without_git_there_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert Repository.at(folder) is None


def test_variables_of_a_hook_do_not_lead_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")

    repository = Repository.at(folder)

    assert repository is not None
    assert repository.tracked("a.py")


def test_no_program_that_the_repository_names_is_run(folder: Path) -> None:
    program = folder / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    program.chmod(0o755)
    configuration = folder / ".git" / "config"
    with configuration.open("a") as file:
        file.write(
            f"[core]\n\tfsmonitor = {program}\n\thooksPath = {folder}\n\tpager = {program}\n"
            f"[alias]\n\tls-files = !{program}\n"
        )
    os.symlink(program, folder / "post-index-change")

    repository = Repository.at(folder)

    assert repository is not None
    assert repository.tracked("a.py")
    assert repository.ignored("b.log")
    assert not (folder / "ran").exists()
