"""Credentials of the past are found in git's history."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rootcellar.specialist.history import credentials_in_history

Committer = Callable[[Mapping[str, str | None]], str]


@pytest.fixture
def commit(tmp_path: Path) -> Committer:
    """Commit files, ``None`` for one to delete, and return the commit."""
    git = [
        "git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false",
    ]  # fmt: skip
    subprocess.run([*git, "init", "-q"], check=True)

    def make(files: Mapping[str, str | None]) -> str:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "x"], check=True)
        return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    return make


def test_what_is_gone_is_found_with_the_commit_that_brought_it(tmp_path: Path, commit: Committer) -> None:
    commit({"a.py": "x = 1\n"})
    first = commit({".env": "DEBUG=1\nREDIS_PASSWORD=k9Qz7vXw\n", "a.py": "x = 1\nURL = 'amqp://shop:k9Qz7vXw@mq//'\n"})
    commit({".env": "A=1\nDEBUG=1\nREDIS_PASSWORD=k9Qz7vXw\n"})
    second = commit({".env": "REDIS_PASSWORD=p8Wm3nRt\n"})
    commit({".env": None, "a.py": "x = 1\n"})

    found = list(credentials_in_history(tmp_path))

    assert [(one.commit, one.path, one.line, one.name) for one in found] == [
        (first, ".env", 2, "REDIS_PASSWORD"),
        (first, "a.py", 2, "URL"),
        (second, ".env", 1, "REDIS_PASSWORD"),
    ]
    assert "k9Qz7vXw" not in repr(found)


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("a.py", 'app.conf.redis_password = "k9Qz7vXw"', "redis_password"),
        ("a.py", 'conf = {"redis_password": "k9Qz7vXw"}', "redis_password"),
        ("a.py", 'PW = os.environ.get("REDIS_PASSWORD", "k9Qz7vXw")', "REDIS_PASSWORD"),
        ("a.py", "    'PASSWORD': 'k9Qz7vXw',", "PASSWORD"),
        ("a.py", 'app.conf["result_backend"] = "db+mysql+pymysql://u:k9Qz7vXw@db/x"', "result_backend"),
        ("a.py", 'B = os.environ.get("BROKER_URL", "amqp://u:k9Qz7vXw@mq//")', "BROKER_URL"),
        ("config.yml", "redis:\n  password: k9Qz7vXw", "password"),
        ("k8s.yaml", "- name: REDIS_PASSWORD\n  value: k9Qz7vXw", "REDIS_PASSWORD"),
        ("compose.yml", "  - REDIS_PASSWORD=k9Qz7vXw", "REDIS_PASSWORD"),
        ("redis.conf", "requirepass k9Qz7vXw", "requirepass"),
        ("Dockerfile", "ENV REDIS_PASSWORD=k9Qz7vXw", "REDIS_PASSWORD"),
        (".envs/.production/.celery", "export BROKER='redis://:k9Qz7vXw@h/0'", "BROKER"),
        ("sub dir/\u00e4 b.env", "REDIS_PASSWORD=k9Qz7vXw", "REDIS_PASSWORD"),
    ],
)  # fmt: skip
def test_a_credential_is_seen(path: str, text: str, name: str, tmp_path: Path, commit: Committer) -> None:
    commit({path: text + "\n"})

    assert [(one.path, one.name) for one in credentials_in_history(tmp_path)] == [(path, name)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", 'redis_password = os.environ["REDIS_PASSWORD"]'),
        ("a.py", 'redis_password = "changeme"'),
        ("a.py", 'url = f"redis://:{password}@cache/0"'),
        ("a.py", 'url = "redis://:%s@cache/0" % password'),
        ("a.py", 'names = ("DB_PASSWORD", "REDIS_PASSWORD")'),
        ("a.py", 'label = "k9Qz7vXw"'),
        ("a.py", 'stripe_token = "k9Qz7vXw"'),
        ("tests/test_a.py", 'redis_password = "k9Qz7vXw"'),
        ("config.yml", "redis_password: ${REDIS_PASSWORD}"),
        (".env.example", "REDIS_PASSWORD="),
        ("notes.txt", "REDIS_PASSWORD=k9Qz7vXw"),
        ("a.py", '+++ b/x.env = "redis://:k9Qz7vXw@h"'[:12]),
    ],
)
def test_what_is_none_is_not_seen(path: str, text: str, tmp_path: Path, commit: Committer) -> None:
    commit({path: text + "\n"})

    assert list(credentials_in_history(tmp_path)) == []


def test_only_the_project_s_folder_counts(tmp_path: Path, commit: Committer) -> None:
    commit({"one/.env": "REDIS_PASSWORD=k9Qz7vXw\n", "two/.env": "REDIS_PASSWORD=p8Wm3nRt\n"})

    assert [one.path for one in credentials_in_history(tmp_path / "one")] == [".env"]


def test_only_so_many_commits_are_read_and_progress_is_told(tmp_path: Path, commit: Committer) -> None:
    for number in range(3):
        commit({".env": f"REDIS_PASSWORD=k9Qz7vXw{number}\n"})
    told: list[int] = []

    found = list(credentials_in_history(tmp_path, most_commits=2, progress=told.append))

    assert len(found) == 2
    assert told == [1, 2]


def test_a_line_of_great_length_is_passed_over(tmp_path: Path, commit: Committer) -> None:
    commit({"a.py": "x = '" + "y" * 200_000 + "'\nREDIS_PASSWORD = 'k9Qz7vXw'\n"})

    assert [(one.line, one.name) for one in credentials_in_history(tmp_path)] == [(2, "REDIS_PASSWORD")]


def test_nothing_that_the_repository_names_is_run(tmp_path: Path, commit: Committer) -> None:
    commit({"a.py": "REDIS_PASSWORD = 'k9Qz7vXw'\n", ".gitattributes": "*.py diff=evil\n"})
    program = tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    with (tmp_path / ".git" / "config").open("a") as file:
        file.write(f'[diff]\n\texternal = {program}\n[diff "evil"]\n\ttextconv = {program}\n\tcommand = {program}\n')
        file.write(f"[core]\n\tpager = {program}\n\tfsmonitor = {program}\n[log]\n\tshowSignature = true\n")

    assert len(list(credentials_in_history(tmp_path))) == 1
    assert not (tmp_path / "ran").exists()


def test_without_a_repository_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert list(credentials_in_history(tmp_path)) == []
    assert list(credentials_in_history(tmp_path / "gone")) == []


def test_it_can_be_left_off_in_the_middle(tmp_path: Path, commit: Committer) -> None:
    for number in range(3):
        commit({".env": f"REDIS_PASSWORD=k9Qz7vXw{number}\n"})
    found = credentials_in_history(tmp_path)

    assert next(found).path == ".env"
    found.close()
