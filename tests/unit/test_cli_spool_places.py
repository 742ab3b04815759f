"""`rootcellar spool` where the directory cannot be read, or is somebody else's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rootcellar.cli import cellar, spool
from rootcellar.errors import SpoolError
from rootcellar.spool import Spool

COMMAND = [sys.executable, "-c", "from rootcellar.cli import main; main()"]
URL = "cellar+sqlite:///never-made.db"
APP = """
from celery import Celery
app = Celery("shop", broker="memory://", backend="cellar+sqlite:///never-made.db", set_as_current=False)
app.conf.cellar_spool_dir = "{directory}"
"""


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """A directory that not even root can read."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "spool"


def run(*arguments: str, **environ: str | None) -> Result:
    return CliRunner().invoke(cellar, ["spool", *arguments], env={"CELERY_RESULT_BACKEND": None, **environ})


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["show", URL], ["flush", URL]])
def test_a_directory_that_cannot_be_read_is_an_error(unreadable: Path, arguments: list[str]) -> None:
    """Named in the environment; and nobody is told that nothing is held."""
    result = run(*arguments, CELLAR_SPOOL_DIR=str(unreadable))
    assert result.exit_code == 1
    assert f"The spool's directory {unreadable} cannot be read" in result.output
    assert "held" not in result.stdout


@pytest.mark.parametrize("command", ["show", "flush"])
def test_so_it_is_where_the_app_names_it(tmp_path: Path, unreadable: Path, command: str) -> None:
    """-A."""
    (tmp_path / "shop.py").write_text(APP.format(directory=unreadable))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CELLAR_")}
    done = subprocess.run(
        [*COMMAND, "spool", command, "-A", "shop"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The spool's directory {unreadable} cannot be read" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_that_is_closed_to_us_is_an_error(tmp_path: Path) -> None:
    """By its mode."""
    tmp_path.chmod(0o000)
    try:
        with pytest.raises(SpoolError, match="cannot be read"):
            Spool.paths_in(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_directory_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """It is made with the first spool."""
    assert Spool.paths_in(tmp_path / "spool") == []


@pytest.mark.parametrize("arguments", [["show"], ["show", URL], ["flush", URL]])
def test_other_users_directories_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Where nobody has named one: the workers may run as another user."""
    for name in ("rootcellar-4711", "rootcellar-4712", "rootcellar-notes"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(spool, "_COMMON", tmp_path)
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "CELLAR_SPOOL_DIR": None}
    result = run(*arguments, **environ)
    assert result.exit_code == 0
    assert "held" in result.output
    assert f"{tmp_path / 'rootcellar-4711'}, {tmp_path / 'rootcellar-4712'}." in result.output
    assert "notes" not in result.output
    others = json.loads(run(*arguments, "--json", **environ).output)["other_directories"]
    assert others == [str(tmp_path / "rootcellar-4711"), str(tmp_path / "rootcellar-4712")]
    assert "4711" not in run(*arguments, "--dir", str(tmp_path), **environ).output
