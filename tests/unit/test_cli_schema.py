"""`rootcellar schema`, on real databases; the SQL it prints is run by psql and sqlite3."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rootcellar.cli import cellar
from rootcellar.errors import SchemaError
from rootcellar.record import Record
from rootcellar.settings import DatabaseSettings, Settings
from rootcellar.stores.base import Store

BY_HAND = Settings(database=DatabaseSettings(create_tables=False))


@pytest.fixture(params=["sqlite_url", pytest.param("postgresql_plain_url", marks=pytest.mark.postgresql)])
def sql_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each engine with tables in turn."""
    return f"cellar+{request.getfixturevalue(request.param)}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cellar, ["schema", *arguments])


def test_current_tells_that_there_are_no_tables(sql_url: str) -> None:
    """Exit status 1, and the command that makes them, without the password."""
    result = run("current", sql_url)
    assert result.exit_code == 1
    assert "version none" in result.output
    assert "rootcellar schema upgrade cellar+" in result.output


def test_looking_makes_no_file(tmp_path: Path) -> None:
    """A question about a SQLite file that is not there does not make it."""
    for command in (["current"], ["upgrade", "--dry-run"], ["sql"]):
        run(*command, f"cellar+sqlite:///{tmp_path / 'results.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_the_sql_and_does_nothing(sql_url: str) -> None:
    """The same SQL that `schema sql` prints."""
    result = run("upgrade", "--dry-run", sql_url)
    assert result.exit_code == 0
    assert "Would apply: 1 (records), 2 (chords)" in result.output
    assert run("sql", sql_url).output in result.output
    assert run("current", sql_url).exit_code == 1


def test_upgrade_makes_tables_a_store_can_use(sql_url: str, open_it: Callable[..., Store]) -> None:
    """It says what it will do, does it, and has nothing to do the second time."""
    with pytest.raises(SchemaError):
        open_it(sql_url, BY_HAND).put(Record("a", "SUCCESS", b"{}"))
    first = run("upgrade", sql_url)
    assert first.exit_code == 0, first.output
    assert first.output.index("Applying: 1 (records), 2 (chords)") < first.output.index("Done")
    assert "Nothing to do" in run("upgrade", sql_url).output
    assert run("current", sql_url).exit_code == 0
    assert open_it(sql_url, BY_HAND).put(Record("a", "SUCCESS", b"{}"))


def test_reports_as_json(sql_url: str) -> None:
    """`current` and `upgrade` both."""
    before = json.loads(run("current", "--json", sql_url).output)
    assert (before["version"], before["current"]) == (None, False)
    dry = json.loads(run("upgrade", "--json", "--dry-run", sql_url).output)
    assert "CREATE TABLE" in dry["sql"]
    assert dry["after"] is None
    done = json.loads(run("upgrade", "--json", sql_url).output)
    assert done["migrations"] == [{"version": 1, "name": "records"}, {"version": 2, "name": "chords"}]
    assert done["after"] == done["latest"]
    after = json.loads(run("current", "--json", sql_url).output)
    assert after["current"] is True
    assert "***" in after["url"] or "sqlite" in after["url"]


def test_an_administrator_can_run_the_sql(sql_url: str, open_it: Callable[..., Store]) -> None:
    """Through psql or sqlite3, the version row included; a store that may make no tables then works."""
    _run_script(sql_url, run("sql", sql_url).output)
    assert run("current", sql_url).exit_code == 0
    store = open_it(sql_url, BY_HAND)
    assert store.put(Record("a", "SUCCESS", b"{}"))
    assert store.get("a").state == "SUCCESS"  # type: ignore[union-attr]


def test_the_sql_is_one_transaction(sql_url: str) -> None:
    """What fails in the middle leaves nothing behind."""
    broken = run("sql", sql_url).output.replace("COMMIT;", "SELECT no_such_column;\nCOMMIT;")
    with pytest.raises(subprocess.CalledProcessError):
        _run_script(sql_url, broken)
    assert "version none" in run("current", sql_url).output


def test_the_sql_puts_a_sqlite_file_into_wal_mode(sqlite_url: str, tmp_path: Path) -> None:
    """A store only does so when it makes the tables itself."""
    _run_script(f"cellar+{sqlite_url}", run("sql", f"cellar+{sqlite_url}").output)
    with closing(sqlite3.connect(tmp_path / "results.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_sql_since_the_latest_is_empty(sql_url: str) -> None:
    """There is nothing after it."""
    assert run("sql", "--since", "2", sql_url).output == ""


def test_an_administrator_can_upgrade_tables_of_an_earlier_release(sql_url: str, open_it: Callable[..., Store]) -> None:
    """With the SQL of what came after it."""
    whole, later = run("sql", sql_url).output, run("sql", "--since", "1", sql_url).output
    assert "version 1: records" not in later
    first, _, _ = whole.partition("-- version 2: chords")
    _run_script(sql_url, f"{first}\nCOMMIT;\n")
    assert "version 1, latest 2" in run("current", sql_url).output
    _run_script(sql_url, later)
    assert run("current", sql_url).exit_code == 0
    assert open_it(sql_url, BY_HAND).put(Record("a", "SUCCESS", b"{}"))


def test_newer_tables_are_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    """Tables of a later release are neither used nor changed."""
    run("upgrade", f"cellar+{sqlite_url}")
    with closing(sqlite3.connect(tmp_path / "results.db")) as database, database:
        database.execute("INSERT INTO cellar_schema VALUES (99, 'later')")
    result = run("upgrade", f"cellar+{sqlite_url}")
    assert result.exit_code == 1
    assert "Upgrade rootcellar" in result.stderr
    assert run("current", f"cellar+{sqlite_url}").exit_code == 1


def _run_script(url: str, script: str) -> None:
    address = url.removeprefix("cellar+")
    if address.startswith("sqlite"):
        command = ["sqlite3", "-bail", address.removeprefix("sqlite:///")]
    else:
        command = ["psql", "-v", "ON_ERROR_STOP=1", "-q", address]
    if shutil.which(command[0]) is None:
        pytest.skip(f"NOT TESTED: {command[0]} is not installed")
    subprocess.run(command, input=script, text=True, check=True, capture_output=True, timeout=60)
