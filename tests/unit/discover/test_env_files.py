"""Env files are read as python-dotenv and compose read them."""

import subprocess
from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.env_files import find_env_files, is_env_file, variables_of
from rootcellar.specialist.discover.repository import Repository


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", [("A", "1", 1)]),
        ("\n# A=0\n  A = 1  # one\n", [("A", "1", 3)]),
        ("export A=1\nexport B='2'\n", [("A", "1", 1), ("B", "2", 2)]),
        ('A="1 # 2"\nB=\'a"b\'\n', [("A", "1 # 2", 1), ("B", 'a"b', 2)]),
        ("A=a#b\nB=#c\n", [("A", "a#b", 1), ("B", "", 2)]),
        ('A="one\ntwo"\nB=3\n', [("A", "one\ntwo", 1), ("B", "3", 3)]),
        ('A="one\\ntwo \\"x\\""\n', [("A", 'one\ntwo "x"', 1)]),
        ("A=1\nB=${A}/${C:-3}/${D}\nE='${A}'\n", [("A", "1", 1), ("B", "1/3/{D}", 2), ("E", "${A}", 3)]),
        ("PW=a$b$\nURL=redis://:p$w@h/0\n", [("PW", "a$b$", 1), ("URL", "redis://:p$w@h/0", 2)]),
        ('A="never closed\nB=2\n', [("A", "never closed", 1), ("B", "2", 2)]),
        ("A=one\\\ntwo\nB=2\n", [("A", "onetwo", 1), ("B", "2", 3)]),
        ("A: 1\n", [("A", "1", 1)]),
        ("A\n=1\n1A=2\nif [ x ]; then\nlayout python\n", []),
        ("\ufeffA=1\r\nB=2\r\n", [("A", "1", 1), ("B", "2", 2)]),
        ("", []),
    ],
)
def test_a_text_is_read(text: str, expected: list[tuple[str, str, int]], tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {".env": text.encode()})

    (found,) = find_env_files(tree, None)

    assert [(one.name, one.value, one.place.line) for one in found.variables] == expected


@pytest.mark.parametrize(
    ("path", "is_example"),
    [
        (".env", False), (".env.production", False), ("api/.env.local", False), ("prod.env", False), (".envrc", False),
        ("env/production", False), (".envs/.local/.django", False), ("envs/dev.env", False), (".flaskenv", False),
        (".env.example", True), (".env.sample", True), (".env.template", True), (".env.dist", True),
        ("example.env", True), ("env.example", True), (".env-example", True), (".env.production.example", True),
    ],
)  # fmt: skip
def test_an_env_file_by_its_name(path: str, is_example: bool, tmp_path: Path) -> None:
    (found,) = find_env_files(lay_out(tmp_path, {path: "A=1\n"}), None)

    assert (found.path, found.is_example, found.is_tracked, found.is_ignored) == (path, is_example, None, None)


@pytest.mark.parametrize(
    "path",
    [
        "env.py",
        "env/settings.py",
        "environment.yml",
        ".env.yaml",
        ".environment",
        "my.envelope",
        ".env.gpg",
        "env/README.md",
    ],
)
def test_no_env_file_by_its_name(path: str) -> None:
    assert not is_env_file(path)


def test_git_says_what_it_tracks_and_ignores(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path / "project",
        {".env": "A=1\n", ".env.example": "A=\n", "api/.env": "A=1\n", ".gitignore": "/.env\n"},
    )
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "project/.env.example"], check=True)

    found = find_env_files(tree, Repository.at(tmp_path / "project"))

    assert {one.path: (one.is_tracked, one.is_ignored) for one in found} == {
        ".env": (False, True),
        ".env.example": (True, False),
        "api/.env": (False, False),
    }


def test_a_value_is_not_shown(tmp_path: Path) -> None:
    (found,) = find_env_files(lay_out(tmp_path, {".env": "REDIS_PASSWORD=k9Qz7vXw\n"}), None)

    assert "k9Qz7vXw" not in repr(found)


def test_what_is_no_text_is_unread(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {".env": b"A=\0\xff\n"})

    assert find_env_files(tree, None) == []
    assert [one.why for one in tree.unread] == ["it is no text"]


def test_a_key_of_many_lines_that_is_never_closed_takes_no_time() -> None:
    text = 'A="\n' * 20_000

    assert sum(1 for _ in variables_of(text, ".env")) >= 1


def test_variables_that_double_stay_within_bounds() -> None:
    text = "A0=aaaa\n" + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))

    assert max(len(one.value) for one in variables_of(text, ".env")) <= 100_000
