"""The labelled corpus says what it means: labels are well-formed, and name files and lines that are there."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from corpus.reading import Case, Label, cases, lay_out

CASES = cases()
BACKENDS = {
    "redis", "sentinel", "redis-cluster", "database", "django-db", "django-cache", "mongodb", "rpc", "filesystem",
    "cache", "disabled", "cellar", "unknown",
}  # fmt: skip
BROKERS = {"redis", "amqp", "sqs", "memory", "filesystem", "unknown"}
#: what needs a server, the history or an installed environment to be found, or is part of another rule
NOT_IN_FILES = {"RC103", "RC235", "RC412", "RC504", "RC507"}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)


def test_there_are_enough_cases_and_several_have_nothing_to_report() -> None:
    assert len(CASES) >= 26
    assert sum(not case.findings for case in CASES) >= 5


def test_held_out_cases_are_called_so() -> None:
    assert sum(case.held_out for case in CASES) >= 20
    for case in CASES:
        assert case.held_out is case.slug.startswith("held-out-"), case.slug


@each_case
def test_labels_name_files_and_lines_that_are_there(case: Case) -> None:
    assert case.description.endswith(".")
    for label in case.findings:
        assert re.fullmatch(r"RC\d{3}", label.rule), label
        assert label.rule not in NOT_IN_FILES, label
        lines = case.stored(label.path).read_text(encoding="utf-8").splitlines()
        assert 0 <= label.line <= len(lines), label
        assert label.line == 0 or lines[label.line - 1].strip(), label
        assert label.reason, label
    assert len(set(case.findings)) == len(case.findings)


@each_case
def test_what_is_said_of_apps_and_tasks_hangs_together(case: Case) -> None:
    profile = case.profile
    assert set(profile.backend) == set(profile.broker) == set(profile.apps)
    assert set(profile.celery_of) <= set(profile.apps)
    assert set(profile.backend.values()) <= BACKENDS
    assert set(profile.broker.values()) <= BROKERS
    for version in (profile.celery, *profile.celery_of.values()):
        assert re.fullmatch(r"5\.\d\.\d+", version)
    assert list(profile.tasks) == sorted(set(profile.tasks))
    for target in profile.apps:
        module, variable = target.split(":")
        source = _source(case, module)
        assert re.search(rf"^\s*{variable}(: \w+)? = ", source, re.M), target


@each_case
def test_python_files_parse_unless_they_are_meant_broken(case: Case) -> None:
    broken = []
    for path in sorted(case.project.rglob("*.py")):
        try:
            ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError:
            broken.append(path.relative_to(case.project).as_posix())
    assert tuple(broken) == case.broken


@each_case
def test_a_case_is_laid_out_as_the_repository_it_is(case: Case, tmp_path: Path) -> None:
    folder = lay_out(case, tmp_path)

    assert not list(folder.rglob("dot.*"))
    for label in case.findings:
        assert (folder / label.path).is_file()
    assert (folder / ".git").is_dir() == (case.git is not None)
    if case.git is not None:
        listed = subprocess.run(["git", "ls-files"], cwd=folder, check=True, capture_output=True, text=True)
        tracked = set(listed.stdout.split())
        committed = {label.path for label in case.findings if label.rule == "RC102"}
        untracked = {label.path for label in case.findings if label.rule == "RC104"}
        assert tracked
        assert committed <= tracked
        assert not untracked & tracked


def test_labels_are_told_apart_by_place_and_rule_alone() -> None:
    assert Label("a.py", 1, "RC101", "one reason") == Label("a.py", 1, "RC101", "another")


def _source(case: Case, module: str) -> str:
    path = Path(*module.split("."))
    for root in (case.project, case.project / "src"):
        for file in (root / path.with_suffix(".py"), root / path / "__init__.py"):
            if file.is_file():
                return file.read_text(encoding="utf-8")
    raise AssertionError(f"{case.slug} has no module {module}")
