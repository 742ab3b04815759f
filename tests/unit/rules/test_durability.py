"""Durability: which processes, servers and folders the rules take for whose."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.check import check
from rootcellar.specialist.inspection import inspection_of
from rootcellar.specialist.rules import all_rules

DATABASE = "db+postgresql://results.example.org/results?sslmode=verify-full"


def found(folder: Path, rule: str, files: dict[str, str | bytes]) -> bool:
    """Whether a rule finds something in a project."""
    lay_out(folder, files)
    report = check(inspection_of(folder).project, all_rules())
    assert not report.failures
    return any(one.rule == rule for one in report.findings)


def app(backend: str) -> str:
    return f"from celery import Celery\napp = Celery('x', broker='amqp://localhost', backend={backend!r})\n"


@pytest.mark.parametrize(
    ("beat", "lacks"),
    [("shop", True), ("shopping", False), ("shopping.celery", False), ("", False)],
    ids=["of another app with a longer name", "of the app", "of the app's module", "of no app"],
)
def test_a_beat_cleans_up_for(beat: str, lacks: bool, tmp_path: Path) -> None:
    named = f"-A {beat} " if beat else ""
    procfile = f"worker: celery -A shopping worker\nbeat: celery {named}beat\n"
    assert found(tmp_path, "RC301", {"shopping.py": app(DATABASE), "Procfile": procfile}) is lacks


@pytest.mark.parametrize("host", ["store", "cache"], ids=["by the service's name", "by the container's name"])
def test_a_container_without_a_volume_is_known(host: str, tmp_path: Path) -> None:
    compose = """
    services:
      store:
        image: redis:7
        container_name: cache
    """
    assert found(tmp_path, "RC304", {"shop.py": app(f"redis://{host}/0"), "compose.yaml": compose})


@pytest.mark.parametrize(
    ("backend", "is_temporary"),
    [
        ("db+sqlite:////tmp/results.db", True),
        ("db+sqlite:///tmp/results.db", False),
        ("file:///tmp/results", True),
        ("file:///var/lib/results", False),
    ],
)
def test_a_path_is_temporary_only_from_the_root_on(backend: str, is_temporary: bool, tmp_path: Path) -> None:
    assert found(tmp_path, "RC311", {"shop.py": app(backend)}) is is_temporary
