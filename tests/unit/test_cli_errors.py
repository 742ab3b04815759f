"""Errors of the command: a paragraph on stderr, never a traceback, never a password."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rootcellar.cli import cellar
from rootcellar.cli.failure import message_of, status_of
from rootcellar.errors import ConfigurationError, MissingDriver, StoreUnavailable
from rootcellar.specialist.secrets import blot_out
from servers import RedisServer

SECRET = "hunter2-Zk9"

#: What is wrong → the URL, and what the message must say.
WRONG = {
    "unknown scheme": (f"cellar+nonsense://u:{SECRET}@localhost/0", "nonsense"),
    "unknown scheme of Celery": (f"nonsense://u:{SECRET}@localhost/0", "nonsense"),
    "malformed": (f"cellar+redis//u:{SECRET}@localhost", "not a URL"),
    "no number as port": (f"cellar+redis://u:{SECRET}@localhost:port/0", "port"),
    "port out of range": (f"cellar+redis://u:{SECRET}@localhost:66000/0", "65535"),
    "port out of range for Celery": (f"redis://u:{SECRET}@localhost:66000/0", "65535"),
    "unescaped password": (f"cellar+redis://u:{SECRET}/@?x#@localhost:1/0", ""),
    "semicolon in the password": (f"cellar+redis://u:{SECRET};x@127.0.0.1:1/0", "cannot be reached"),
    "hash in the password": (f"cellar+redis://u:1#{SECRET}@127.0.0.1:1/0", "fragment"),
    "unreachable": (f"cellar+redis://u:{SECRET}@127.0.0.1:1/0", "cannot be reached"),
    "unreachable for Celery": (f"redis://u:{SECRET}@127.0.0.1:1/0", "refused"),
    "unreachable PostgreSQL": (f"cellar+postgresql://u:{SECRET}@127.0.0.1:1/x", "cannot be reached"),
    "unreachable PostgreSQL for Celery": (f"db+postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x", "refused"),
    "missing driver of Celery": (f"db+nosuchdialect://u:{SECRET}@127.0.0.1:1/x", "nosuchdialect"),
    "secret option": (f"cellar+postgresql://127.0.0.1:1/x?sslpassword={SECRET}", "cannot be reached"),
}


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit status and all that was printed."""
    result = CliRunner().invoke(cellar, arguments, env={"CELERY_RESULT_BACKEND": None, "COLUMNS": "1000"})
    return result.exit_code, result.output


def check(output: str, said: str) -> None:
    assert "Traceback" not in output
    assert SECRET not in output
    assert said.lower() in " ".join(output.split()).lower()


@pytest.mark.parametrize(("url", "said"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_a_test_of_a_wrong_url_reports_it(url: str, said: str, as_json: list[str]) -> None:
    """Whoever raised the error, the report says what is wrong, and nothing secret."""
    status, output = run("test", "--timeout", "3", *as_json, url)
    assert status == 1
    check(output, said)
    if as_json:
        assert json.loads(output)["ok"] is False


@pytest.mark.parametrize(("url", "said"), WRONG.values(), ids=WRONG)
def test_a_schema_of_a_wrong_url_is_an_error(url: str, said: str) -> None:
    """One paragraph on stderr."""
    status, output = run("schema", "current", url)
    assert status in (1, 2)
    assert output.startswith("Error: ")
    check(output, "" if "Celery" in said or not url.startswith("cellar+postgresql") else said)


@pytest.fixture(scope="module")
def locked_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with a password."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), password="the right one")
    server.start()
    yield server
    server.stop()


@pytest.mark.redis
@pytest.mark.parametrize("prefix", ["cellar+", ""])
def test_a_wrong_password_is_told_and_not_shown(prefix: str, locked_redis: RedisServer) -> None:
    """The login is refused; neither password is printed."""
    status, output = run("test", f"{prefix}redis://:{SECRET}@127.0.0.1:{locked_redis.port}/0")
    assert status == 1
    check(output, "password")
    assert "the right one" not in output


@pytest.mark.redis
@pytest.mark.parametrize("prefix", ["cellar+", ""])
@pytest.mark.filterwarnings("ignore:Call to deprecated setex")
def test_a_right_password_is_not_shown_either(prefix: str, locked_redis: RedisServer) -> None:
    """Also where all is well."""
    status, output = run("test", prefix + locked_redis.url)
    assert status == 0, output
    assert "the right one" not in output
    assert "the%20right%20one" not in output


@pytest.mark.parametrize("command", [["test"], ["schema", "current"], ["schema", "upgrade"]], ids=" ".join)
def test_a_file_that_is_no_database(command: list[str], tmp_path: Path) -> None:
    """The file is not touched, and named."""
    file = tmp_path / "letter.txt"
    file.write_text("Dear reader, this is not a database. " * 100)
    status, output = run(*command, f"cellar+sqlite:///{file}")
    assert status == 1
    check(output, "not a database")
    assert file.read_text().startswith("Dear reader")


def test_a_missing_driver_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds the line that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    status, output = run("test", f"cellar+redis://:{SECRET}@localhost")
    assert status == 1
    check(output, "pip install 'rootcellar[redis]'")


def test_status_2_is_for_what_must_be_written_otherwise() -> None:
    """A wrong setting is wrong usage; a missing package or server is a failure."""
    assert status_of(ConfigurationError("x")) == 2
    assert [status_of(exc) for exc in (MissingDriver("x"), StoreUnavailable("x"), RuntimeError("x"))] == [1, 1, 1]


def test_an_error_of_somebody_else_is_named_and_blotted_out() -> None:
    """No message that passes here keeps a known secret, or the password of any URL."""
    text = message_of(RuntimeError(f"login with {SECRET}\nto redis://u:other@h failed"), [f"x://u:{SECRET}@h"])
    assert text.startswith("RuntimeError: login with *** to redis://u:***@h failed. ")


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@h",
        f"sentinel://:x@one;sentinel://:{SECRET}@two",
        f"db+postgresql://h/x?password={SECRET}",
        SECRET,
    ],
)
def test_known_secrets_are_blotted_out(url: str) -> None:
    """A password, wherever in its URL it stands; or a bare one."""
    assert f"it is {SECRET}!".replace(SECRET, "***") == blot_out(f"it is {SECRET}!", [url])
