"""The command `rootcellar`: help, exit statuses, and both ways to call it."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rootcellar.cli import cellar
from servers.conditions import wait_until

COMMAND = [sys.executable, "-c", "from rootcellar.cli import main; main()"]
COMMANDS = [
    ["check"],
    ["demo"],
    ["doctor"],
    ["inspect"],
    ["schema"],
    ["schema", "upgrade"],
    ["schema", "current"],
    ["schema", "sql"],
    ["spool"],
    ["spool", "show"],
    ["spool", "flush"],
    ["test"],
]


def run(*arguments: str, **environ: str | None) -> "click.testing.Result":
    return CliRunner().invoke(cellar, arguments, env={"CELERY_RESULT_BACKEND": None, **environ})


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_help_has_an_example(command: list[str]) -> None:
    """Every command explains itself and shows how it is called."""
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"rootcellar {' '.join(command)}".strip() in result.output


def test_every_command_is_among_those_tested() -> None:
    """A new command gets its tests of help."""
    context = click.Context(cellar)
    found = []
    for name in cellar.list_commands(context):
        command = cellar.get_command(context, name)
        found.append([name])
        if isinstance(command, click.Group):
            found.extend([name, inner] for inner in command.list_commands(context))
    assert sorted(COMMANDS) == sorted(found)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["test", "--nonsense"],
        ["test"],
        ["test", "a", "b"],
        ["test", "--timeout", "0", "cellar+sqlite:///x"],
        ["schema"],
        ["schema", "nonsense"],
        ["schema", "upgrade"],
        ["schema", "sql", "--since", "x", "cellar+sqlite:///x"],
        ["schema", "current", "cellar+redis://localhost"],
        ["schema", "current", "db+sqlite:///x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    """What the caller must write otherwise is told apart from what failed."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    """As with settings and schemes."""
    assert "'schema'" in run("shema").output


def test_redis_has_no_schema() -> None:
    """A store without tables says so instead of pretending."""
    assert "nothing to do for Redis" in run("schema", "upgrade", "cellar+redis://localhost").stderr


def test_the_backend_may_come_from_the_environment(sqlite_url: str) -> None:
    """CELERY_RESULT_BACKEND stands in where no URL is given."""
    result = run("schema", "upgrade", CELERY_RESULT_BACKEND=f"cellar+{sqlite_url}")
    assert result.exit_code == 0, result.output


APP = """
from celery import Celery
app = Celery("shop", broker="memory://", backend="cellar+sqlite:///{file}", set_as_current=False)
app.conf.database_table_names = {{"task": "shop_results", "group": "shop_groups"}}
"""


def test_the_settings_of_an_app_are_used(tmp_path: Path) -> None:
    """-A names a Celery app; its backend and its database_* settings count."""
    (tmp_path / "shop.py").write_text(APP.format(file=tmp_path / "results.db"))
    command = [*COMMAND, "schema", "sql", "-A", "shop"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert '"shop_results"' in done.stdout


def test_a_backend_is_tested_with_the_settings_of_its_app(tmp_path: Path) -> None:
    """The table is the one the app names."""
    (tmp_path / "shop.py").write_text(APP.format(file=tmp_path / "results.db"))
    done = subprocess.run(
        [*COMMAND, "test", "-A", "shop"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    with closing(sqlite3.connect(tmp_path / "results.db")) as database:
        assert database.execute("SELECT count(*) FROM shop_results").fetchone() == (0,)


def test_an_app_that_cannot_be_loaded_is_told_in_a_paragraph(tmp_path: Path) -> None:
    """An error in the user's module is the user's: status 2, no traceback."""
    result = run("test", "-A", "no_such_module_at_all")
    assert result.exit_code == 2
    assert "no_such_module_at_all" in result.stderr
    assert "Traceback" not in result.output


def test_it_is_mounted_in_celery(tmp_path: Path) -> None:
    """`celery -A app cellar …` is the same command, and takes the app's backend."""
    (tmp_path / "shop.py").write_text(APP.format(file=tmp_path / "results.db"))
    celery = [sys.executable, "-m", "celery", "-A", "shop", "cellar", "schema"]
    made = subprocess.run([*celery, "upgrade"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    asked = subprocess.run(
        [*celery, "current", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["current"] is True


def test_the_help_imports_neither_celery_nor_a_driver() -> None:
    """What the help does not need, it does not load: it answers in a tenth of a second."""
    code = (
        "import sys; from click.testing import CliRunner; from rootcellar.cli import cellar;"
        "CliRunner().invoke(cellar, ['--help'], catch_exceptions=False);"
        "print([m for m in ('celery', 'redis', 'psycopg', 'sqlite3', 'sqlalchemy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_interrupting_is_status_130(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a test: no traceback, and nothing left in the store."""
    url = f"cellar+sqlite:///{tmp_path / 'results.db'}"
    process = subprocess.Popen([*COMMAND, "test", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: _count(tmp_path / "results.db") > 100, "the group is stored")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert _count(tmp_path / "results.db") == 0


def _count(file: Path) -> int:
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as database:
        try:
            count: int = database.execute("SELECT count(*) FROM cellar_record").fetchone()[0]
        except sqlite3.OperationalError:
            return 0
    return count
