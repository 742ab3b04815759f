"""Which Celery a folder runs on follows from its packages."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.packaging.celery_version import versions_of
from rootcellar.specialist.discover.packaging.packages import find_packages

RELEASES = ("5.2.7", "5.3.6", "5.4.0", "5.5.3", "5.6.3", "5.7.0")


@pytest.mark.parametrize(
    ("wanted", "version", "origin"),
    [
        ("celery==5.4.0", "5.4.0", "pinned"),
        ("celery==5.3.1", "5.3.1", "pinned"),
        ("celery", "5.7.0", "newest"),
        ("celery>=5.3", "5.7.0", "allowed"),
        ("celery>=5.3,<5.6", "5.5.3", "allowed"),
        ("celery~=5.3.0", "5.3.6", "allowed"),
        ("celery==5.3.*", "5.3.6", "allowed"),
        ("celery<=5.3.4", "5.3.4", "allowed"),
        ("celery<5", "4.4.7", "allowed"),
        ("celery~=4.3", "4.4.7", "allowed"),
        ("celery>=6.1", "6.1", "allowed"),
    ],
)
def test_of_a_requirement(wanted: str, version: str, origin: str, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"requirements.txt": wanted + "\n"})

    assert [(one.version, one.origin, one.root) for one in versions_of(find_packages(tree), RELEASES)] == [
        (version, origin, "")
    ]


def test_nothing_said_is_nothing_known(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"requirements.txt": "redis\n"})

    assert versions_of(find_packages(tree), RELEASES) == []


def test_what_is_locked_goes_before_what_is_required(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "pyproject.toml": '[project]\ndependencies = ["celery>=5.2"]\n',
            "uv.lock": '[[package]]\nname = "celery"\nversion = "5.3.6"\n',
        },
    )

    (found,) = versions_of(find_packages(tree), RELEASES)

    assert (found.version, found.origin, str(found.place)) == ("5.3.6", "locked", "uv.lock:3")


def test_each_folder_has_its_own_and_the_lock_above_holds_where_it_is_allowed(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "uv.lock": '[[package]]\nname = "celery"\nversion = "5.4.0"\n',
            "api/pyproject.toml": '[project]\ndependencies = ["celery>=5.2"]\n',
            "old/requirements.txt": "celery<5.3\n",
            "mail/requirements.txt": "celery==5.5.3\n",
        },
    )

    assert [(one.root, one.version, one.origin) for one in versions_of(find_packages(tree), RELEASES)] == [
        ("", "5.4.0", "locked"),
        ("api", "5.4.0", "locked"),
        ("mail", "5.5.3", "pinned"),
        ("old", "5.2.7", "allowed"),
    ]


def test_what_is_for_development_gives_way(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"requirements-dev.txt": "celery==5.2.7\n", "requirements.txt": "celery==5.4.0\n"})

    assert [one.version for one in versions_of(find_packages(tree), RELEASES)] == ["5.4.0"]
