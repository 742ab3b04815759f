"""A secret anywhere in the input is in no output, file, log record, warning or error of `inspect` and `check`.

``secret_places.txt`` is a project that holds one wherever one can stand, in places marked ``@form@``. The form says how
it is written there: ``py`` inside a Python literal in double quotes, ``yaml`` inside double quotes of YAML, JSON or
TOML, ``url`` percent-encoded, ``b64`` in base64, ``word`` without what would end a word, ``text`` the same and no
number (where a number would be one), ``lines`` over several lines, ``raw`` as it is, on one line: that may well break
the file.
"""

import json
import logging
import random
import re
import shutil
import subprocess
import sys
import warnings
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rootcellar.specialist.rules
from rootcellar.cli import cellar
from unit.check.hand_made import HandMade

_PARTS = re.split(r"^#### (.+)\n", Path(__file__).with_name("secret_places.txt").read_text("utf-8"), flags=re.MULTILINE)
#: path → text, with places for secrets
FILES = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))

_PLACE = re.compile(r"@(py|yaml|url|b64|word|text|digits|lines|latin|raw)@")
#: Letters that no word of ours is made of, and no hash in hexadecimal.
_RARE = "QXZJKVWqxzjkvw"
#: kind of secret → its core: the part that must not be seen, not even alone
_CORES = {
    "letters": (_RARE, 9),
    "letters and digits": (_RARE + "0123456789", 12),
    "digits": ("123456789", 9),
    "base64": (_RARE + "0123456789+/", 32),
    "Unicode": ("ßжłñ漢字éω", 8),
    "short": (_RARE, 4),
}
NASTY = "@:/?#[]%&=+;,!$*(){}<>|^`~'\"\\ \t-_.é"


Around = list[tuple[str, str]]


@dataclass(frozen=True)
class Secret:
    """``text`` is what is secret; ``core`` the part of it that is unlike anything else."""

    text: str
    core: str
    #: path and line where it stands
    where: str = ""

    @property
    def forms(self) -> set[str]:
        """What must not be seen anywhere."""
        return {self.core, quote(self.core, safe=""), json.dumps(self.core)[1:-1], in_base64(self.text).rstrip("=")}


def in_base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def written(secret: Secret, form: str) -> str:
    """Return a secret as it is written in a place of this form."""
    text = secret.text
    if form == "py":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    if form == "yaml":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    if form == "lines":
        return f"{text}\n{secret.core}".replace('"', "")
    plain = {
        "url": quote(text, safe=""),
        "b64": in_base64(text),
        "word": "".join(letter for letter in text if letter.isalnum() or letter in "._-+*!~"),
        "digits": secret.core,
        "text": secret.core,
        "latin": secret.core.encode("latin-1", "ignore").decode("latin-1"),
    }
    return plain.get(form, text.replace("\n", ""))


class Hiding:
    """Secrets, a new one for each place: its core is drawn at random, and stands among nasty letters."""

    def __init__(self, seed: int, around: Around) -> None:
        self._random = random.Random(seed)
        self._around = around
        self.secrets: list[Secret] = []

    def new(self, form: str = "", where: str = "") -> Secret:
        kind = {"digits": "digits", "latin": "letters", "text": "letters and digits"}.get(form) or self._random.choice(
            list(_CORES)
        )
        letters, length = _CORES[kind]
        core = "".join(self._random.choice(letters) for _ in range(length))
        before, after = ("", "") if form in ("digits", "latin") else self._random.choice(self._around)
        self.secrets.append(Secret(before + core + after, core, where))
        return self.secrets[-1]

    def filled(self, path: str, text: str) -> str:
        """Return a file's text with a secret in each of its places."""

        def put(match: re.Match[str]) -> str:
            line = text.count("\n", 0, match.start()) + 1
            return written(self.new(match[1], f"{path}:{line} {text.splitlines()[line - 1]}"), match[1])

        return _PLACE.sub(put, text)

    def lay_out(self, root: Path, files: Mapping[str, str] = FILES) -> None:
        for path, text in files.items():
            full = root / path
            full.parent.mkdir(parents=True, exist_ok=True)
            encoding = "latin-1" if "coding: latin-1" in text else "utf-8"
            full.write_text(self.filled(path, text), encoding)

    def seen_in(self, text: str) -> list[Secret]:
        return [replace(one, text="") for one in self.secrets if any(form in text for form in one.forms)]


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Give a list that every log record and warning is added to."""
    keeper, root = _Keeper(), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield keeper.said
            keeper.said += [str(one.message) for one in caught]
    finally:
        root.removeHandler(keeper)
        root.setLevel(level)


def said_by(root: Path, *arguments: str, status: int | None = None) -> str:
    """Run a command, and return all that it says anywhere, with the files it writes beside the project.

    ``status``: what it must exit with; ``None``: 0 or 1. Of its arguments ``{root}`` and ``{aside}`` are filled in.
    """
    aside = root.parent / "aside"
    aside.mkdir(exist_ok=True)
    with everything_logged() as said:
        words = [one.replace("{root}", str(root)).replace("{aside}", str(aside)) for one in arguments]
        result = CliRunner().invoke(cellar, words, env={"COLUMNS": "2000"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in ((0, 1) if status is None else (status,)), result.output
    files = [one.read_text("utf-8") for one in sorted(aside.iterdir())]
    return "\n".join([result.stdout, result.stderr, *said, *files])


@contextmanager
def hidden_in_a_project(seed: int, around: Around, files: Mapping[str, str] = FILES) -> Iterator[tuple[Hiding, Path]]:
    with TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        hiding = Hiding(seed, around)
        hiding.lay_out(root, files)
        yield hiding, root


AROUND = st.lists(st.tuples(st.text(NASTY, max_size=4), st.text(NASTY, max_size=4)), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32)
#: A failure names the place; a smaller example would say no more.
QUICK = settings(deadline=None, phases=[Phase.generate], database=None)

COMMANDS = [
    "inspect {root}",
    "inspect {root} --json",
    "check {root}",
    "check {root} --json",
    "check {root} --format sarif --output {aside}/report.sarif",
    "check {root} --format github",
    "check {root} --statistics",
    "check {root} --diff --select RC2",
    "check {root} --fix --no-color --width 40",
    "check {root} --update-baseline --baseline {aside}/baseline.json",
    "check {root}/shop/celery.py --json",
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.replace("{root}", "P").replace("{aside}/", ""))
@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=4)
def test_a_secret_anywhere_in_a_project_is_not_shown_by(command: str, seed: int, around: Around) -> None:
    with hidden_in_a_project(seed, around) as (hiding, root):
        said = said_by(root, *command.split())
        assert "shop" in said or "RC101" in said
        assert hiding.seen_in(said) == []


def _git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=2)
def test_a_secret_in_the_past_is_not_shown(seed: int, around: Around) -> None:
    with hidden_in_a_project(seed, around) as (hiding, root):
        _git(root, "init", "-q")
        _git(root, "add", "-A", "-f")
        _git(root, "commit", "-qm", written(hiding.new(), "raw"))
        shutil.rmtree(root / "config")
        _git(root, "commit", "-qam", "less")
        hiding.lay_out(root, {"new/.env": FILES[".env"]})
        for form in ("text", "json", "sarif", "github"):
            said = said_by(root, "check", "{root}", "--history", "--format", form)
            assert "RC103" in said
            assert hiding.seen_in(said) == []
        assert hiding.seen_in(said_by(root, "inspect", "{root}", "--json")) == []


LIVE = {
    "APP.py": """
from celery import Celery
app = Celery("live", backend="redis://:@url@@cache.example.org/0", broker="amqp://u:@url@@mq.example.org//")
app.conf.update(redis_password=str("@py@"), redis_username="@py@", accept_content=["json", "@text@"],
    redis_backend_use_ssl={"ssl_keyfile_password": "@py@"}, cellar_encryption_keys=["@py@"], result_exchange="@py@",
    result_backend_transport_options={"sentinel_kwargs": {"password": "@py@"}, "@py@": "@py@"},
    mongodb_backend_settings={"host": "mongodb://u:@url@@h.example.org", "password": "@py@"}, result_pin=@digits@,
    database_url="db+mysql://u:@url@@db.example.org/x", cache_backend="memcached://u:@url@@cache.example.org",
    database_engine_options={"connect_args": {"password": "@py@"}}, result_innocent="@py@", worker_pool="@py@")
app.conf.result_compression = "".join(["@py@"])
"""
}


@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=4)
def test_a_secret_of_a_loaded_app_is_not_shown(seed: int, around: Around) -> None:
    name = f"live_shop_{seed}"
    with hidden_in_a_project(seed, around, {f"{name}.py": LIVE["APP.py"]}) as (hiding, root):
        sys.path.insert(0, str(root))
        try:
            for command in (
                "inspect",
                "inspect --json",
                "check",
                "check --json",
                "check --format sarif",
                "check --fix",
            ):
                said = said_by(root, *command.split(), "{root}", "-A", name)
                assert hiding.seen_in(said) == []
        finally:
            sys.path.remove(str(root))
            sys.modules.pop(name, None)


@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=2)
def test_a_secret_of_an_app_that_cannot_be_loaded_is_not_shown(seed: int, around: Around) -> None:
    name = f"dead_shop_{seed}"
    url = "redis://:@url@@h.example.org/0"
    files = {
        f"{name}.py": f'from celery import Celery\napp = Celery("x", backend="{url}")\nraise ValueError("no {url}")\n'
    }
    with hidden_in_a_project(seed, around, files) as (hiding, root):
        sys.path.insert(0, str(root))
        try:
            for command in ("inspect", "check"):
                assert hiding.seen_in(said_by(root, command, "{root}", "-A", name, status=2)) == []
        finally:
            sys.path.remove(str(root))
            sys.modules.pop(name, None)


#: Nobody listens at the first port of this machine.
UNREACHABLE = [
    "redis://:@url@@127.0.0.1:1/0",
    "redis://@url@@127.0.0.1:1/0",
    "redis://u:@py@@127.0.0.1:1/0?password=@url@",
    "sentinel://:@url@@127.0.0.1:1;sentinel://:@url@@127.0.0.1:1",
    "db+postgresql+psycopg://u:@url@@127.0.0.1:1/x",
    "db+postgresql+psycopg://u:@py@@127.0.0.1:1/x?sslpassword=@url@",
    "db+mysql+pymysql://u:@url@@127.0.0.1:1/x",
    "db+sqlite:////nowhere/x.db?key=@url@",
    "amqp://u:@url@@127.0.0.1:1//",
    "mongodb://u:@url@@127.0.0.1:1/x",
]


@pytest.mark.parametrize("url", UNREACHABLE)
@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=1)
def test_a_secret_is_not_shown_of_a_server_that_cannot_be_asked(url: str, seed: int, around: Around) -> None:
    name = "broker_url" if url.startswith("amqp") else "result_backend"
    text = (
        f'from celery import Celery\n\napp = Celery("x")\napp.conf.{name} = "{url}"\napp.conf.redis_password = "@py@"\n'
    )
    with hidden_in_a_project(seed, around, {"tasks.py": text}) as (hiding, root):
        for command in ("inspect", "check --json"):
            said = said_by(root, *command.split(), "{root}", "--probe", "--timeout", "0.3")
            assert hiding.seen_in(said) == []


TOML = "[tool.rootcellar.check]\n"
MISTAKES = {
    "TOML that does not parse": ({"pyproject.toml": TOML + "select = ['@raw@\n@raw@"}, "check {root}"),
    "a key": ({"pyproject.toml": TOML + '"@yaml@" = 1\n'}, "check {root}"),
    "a selector": ({"pyproject.toml": TOML + 'select = ["@yaml@"]\n'}, "check {root}"),
    "a severity": ({"pyproject.toml": TOML + 'fail-on = "@yaml@"\n'}, "check {root}"),
    "a pattern": (
        {"pyproject.toml": TOML + '[tool.rootcellar.check.per-file-ignores]\n"@yaml@" = 1\n'},
        "check {root}",
    ),
    "a baseline that is none": ({"b.json": '{"@yaml@": "@yaml@"}'}, "check {root} --baseline {root}/b.json"),
    "a baseline that is no JSON": ({"b.json": '{"@yaml@": @raw@'}, "check {root} --baseline {root}/b.json"),
    "an entry of a baseline": (
        {"b.json": '{"version": 1, "findings": [{"path": "@yaml@", "rule": "@yaml@"}]}'},
        "check {root} --baseline {root}/b.json",
    ),
    "a URL for a path": ({}, "check redis://:@url@@h.example.org/0"),
    "a URL for a path to inspect": ({}, "inspect redis://:@url@@h.example.org/0"),
    "a URL for an app": ({}, "check {root} -A redis://:@url@@h.example.org/0"),
    "a URL for an app to inspect": ({}, "inspect {root} -A redis://:@url@@h.example.org/0"),
    "a URL for a rule": ({}, "check {root} --explain redis://:@url@@h.example.org/0"),
    "a URL for rules": ({}, "check {root} --select redis://:@url@@h.example.org/0"),
    "a URL for a severity": ({}, "check {root} --fail-on redis://:@url@@h.example.org/0"),
    "a URL for a form": ({}, "check {root} --format redis://:@url@@h.example.org/0"),
    "a URL for a time": ({}, "inspect {root} --timeout redis://:@url@@h.example.org/0"),
    "a URL for a baseline": ({}, "check {root} --baseline redis://:@url@@h.example.org/0"),
    "a URL for an option": ({}, "check {root} --redis://:@url@@h.example.org/0"),
    "a URL for a second path": ({}, "inspect {root} redis://:@url@@h.example.org/0"),
    "a URL for a command": ({}, "redis://:@url@@h.example.org/0 {root}"),
}


@pytest.mark.parametrize(("files", "command"), MISTAKES.values(), ids=MISTAKES)
@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=3)
def test_a_secret_is_not_shown_by_the_error_about(
    files: dict[str, str], command: str, seed: int, around: Around
) -> None:
    with hidden_in_a_project(seed, around, {"tasks.py": "", **files}) as (hiding, root):
        arguments = [hiding.filled("the command line", word) for word in command.split()]
        said = said_by(root, *arguments, status=2)
        assert "Error: " in said
        assert hiding.seen_in(said) == []


@given(seed=SEEDS, around=AROUND)
@settings(QUICK, max_examples=2)
def test_a_secret_is_not_shown_when_a_rule_fails(seed: int, around: Around) -> None:
    def fail(project: Any) -> Any:
        raise ValueError(str(project.profile.secrets))

    with hidden_in_a_project(seed, around) as (hiding, root), pytest.MonkeyPatch.context() as patched:
        rules = {**rootcellar.specialist.rules.all_rules(), "RC901": HandMade("RC901", of_project=fail)}
        patched.setattr(rootcellar.specialist.rules, "all_rules", lambda: rules)
        for form in ("text", "json", "sarif", "github"):
            said = said_by(root, "check", "{root}", "--format", form)
            assert "RC901 could not be checked" in said or '"failures"' in said
            assert hiding.seen_in(said) == []


@pytest.mark.parametrize(
    "command", ["inspect", "inspect --json", "inspect --probe --timeout 0.3", "check", "check --json"]
)
def test_a_password_that_is_half_a_letter_is_not_shown_either(command: str, tmp_path: Path) -> None:
    """No encoding has it, so nothing can be percent-encoded or printed of it."""
    text = (
        "app.conf.redis_password = 'QXZ\\ud800QXZ'\napp.conf.result_backend = 'redis://:QXZ\\ud800QXZ@127.0.0.1:1/0'\n"
    )
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "tasks.py").write_text(f"from celery import Celery\n\napp = Celery('x')\n{text}")
    assert "QXZ" not in said_by(tmp_path / "project", *command.split(), "{root}")
