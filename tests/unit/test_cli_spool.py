"""`rootcellar spool`, on real spools and stores."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rootcellar.cli import cellar
from rootcellar.record import Record
from rootcellar.settings import SpoolSettings
from rootcellar.spool import Entry, Spool
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Opening, Part

COMMAND = [sys.executable, "-c", "from rootcellar.cli import main; main()"]
SECRET = "hunter2-Zk9"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the spools lie."""
    return tmp_path / "spool"


@pytest.fixture
def fill(directory: Path) -> Iterator[Callable[..., Spool]]:
    """Fill a spool: ``fill(url, "a", "b", app_name=…)``."""
    with ExitStack() as stack:

        def fill_one(url: str, *ids: str, app_name: str = "shop") -> Spool:
            spool = Spool(SpoolSettings(directory=directory), app_name, url)
            stack.callback(spool.close)
            for record_id in ids:
                spool.append(Entry(Record(record_id, "SUCCESS", b'{"status": "SUCCESS"}')))
            return spool

        yield fill_one


def run(directory: Path | None, *arguments: str, **environ: str | None) -> Result:
    environ = {"CELERY_RESULT_BACKEND": None, "CELLAR_SPOOL_DIR": str(directory) if directory else None, **environ}
    return CliRunner().invoke(cellar, ["spool", *arguments], env=environ)


def test_nothing_is_held(directory: Path) -> None:
    """Status 0, and looking makes nothing."""
    for arguments in (["show"], ["show", "--json"], ["flush", f"cellar+sqlite:///{directory}.db"]):
        result = run(directory, *arguments)
        assert result.exit_code == 0, result.output
    assert not directory.exists()


def test_show_lists_what_is_held(directory: Path, fill: Callable[..., Spool]) -> None:
    """All spools of the directory, without passwords; status 1, for something is found."""
    first = fill(f"redis://u:{SECRET}@h/0", "a", "b")
    fill("postgresql://h/x", "c", app_name="till").refuse(1, "too odd")
    result = run(directory, "show")
    assert result.exit_code == 1
    for said in (first.name, "shop", "till", "cellar+redis://u:***@h/0", "task c SUCCESS: too odd"):
        assert said in result.output
    assert SECRET not in result.output
    only = run(directory, "show", "cellar+redis://u:other@h/0")
    assert "shop" in only.output
    assert "till" not in only.output
    assert run(None, "show", "--dir", str(directory)).output == result.output


def test_show_reports_as_json(directory: Path, fill: Callable[..., Spool]) -> None:
    """Times as seconds since 1970, and as an age."""
    spool = fill("redis://h/0", "a", "b", "c")
    spool.refuse(2, "too odd")
    result = run(directory, "show", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.output)["spools"]
    assert (found["app"], found["url"], found["records"], found["bytes"], found["refused"]) == (
        "shop",
        "cellar+redis://h/0",
        2,
        63,
        1,
    )
    assert found["oldest_at"] == pytest.approx(spool.depth().oldest_at)
    assert found["age_seconds"] >= 0
    assert [(one["task_id"], one["reason"]) for one in found["refusals"]] == [("b", "too odd")]


def test_a_spool_that_cannot_be_read_is_shown_as_such(directory: Path, fill: Callable[..., Spool]) -> None:
    """And hides no other."""
    fill("redis://h/0", "a")
    (directory / "rubbish-0.spool").write_bytes(b"rubbish" * 1000)
    result = run(directory, "show")
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    assert "shop" in result.output
    assert [one.get("error") is None for one in json.loads(run(directory, "show", "--json").output)["spools"]] == [
        False,
        True,
    ]


def test_a_damaged_spool_keeps_no_other_from_being_delivered(
    directory: Path, fill: Callable[..., Spool], sqlite_url: str, store_of: Store
) -> None:
    """It is reported; status 1."""
    fill(sqlite_url, "a")
    fill(sqlite_url, "b", app_name="till")
    (directory / "aaa-0.spool").write_bytes(b"rubbish" * 1000)
    result = run(directory, "flush", f"cellar+{sqlite_url}")
    assert result.exit_code == 1
    assert "aaa-0 could not be delivered" in result.output
    assert "damaged" in result.output
    assert set(store_of.get_many("ab")) == {"a", "b"}
    found = json.loads(run(directory, "flush", "--json", f"cellar+{sqlite_url}").output)["spools"]
    assert [one.get("error") is None for one in found] == [False, True, True]


def test_flush_says_that_there_are_spools_for_other_stores(
    directory: Path, fill: Callable[..., Spool], sqlite_url: str
) -> None:
    """Perhaps for this one, under another spelling of its URL."""
    fill("redis://localhost:6379/0", "a")
    fill("redis://127.0.0.1:6379/0", "b")
    result = run(directory, "flush", f"cellar+{sqlite_url}")
    assert result.exit_code == 0
    assert "Nothing is held for" in result.output
    assert "Spools for other stores or apps lie there: 2." in result.output


def test_flush_delivers(directory: Path, fill: Callable[..., Spool], sqlite_url: str, store_of: Store) -> None:
    """What is held for that store, and nothing else."""
    fill(sqlite_url, "a", "b")
    other = fill("redis://127.0.0.1:1/0", "c")
    result = run(directory, "flush", f"cellar+{sqlite_url}")
    assert result.exit_code == 0, result.output
    assert "delivered 2, left 0, refused 0" in result.output
    assert set(store_of.get_many("abc")) == {"a", "b"}
    assert other.depth().records == 1


@pytest.fixture
def store_of(sqlite_url: str, open_it: Callable[..., Store]) -> Store:
    """The store that is flushed to."""
    return open_it(sqlite_url)


def test_flush_says_why_something_is_left(directory: Path, fill: Callable[..., Spool]) -> None:
    """Status 1, and no password."""
    url = f"redis://u:{SECRET}@127.0.0.1:1/0"
    fill(url, "a")
    result = run(directory, "flush", f"cellar+{url}")
    assert result.exit_code == 1
    assert "left 1" in result.output
    assert "cannot be reached" in result.output
    assert SECRET not in result.output
    (report,) = json.loads(run(directory, "flush", "--json", f"cellar+{url}").output)["spools"]
    assert (report["delivered"], report["left"], report["refused"]) == (0, 1, 0)
    assert "cannot be reached" in report["reason"]


def test_flush_says_that_somebody_else_delivers(directory: Path, fill: Callable[..., Spool], sqlite_url: str) -> None:
    """A worker, most likely."""
    with fill(sqlite_url, "a").delivering():
        result = run(directory, "flush", f"cellar+{sqlite_url}")
    assert result.exit_code == 1
    assert "another process" in result.output


def test_what_was_refused_can_be_tried_again(
    directory: Path, fill: Callable[..., Spool], sqlite_url: str, store_of: Store
) -> None:
    """When asked for."""
    fill(sqlite_url, "a").refuse(1, "too odd")
    result = run(directory, "flush", f"cellar+{sqlite_url}")
    assert result.exit_code == 1
    assert "spool flush --refused" in result.output
    assert run(directory, "flush", "--refused", f"cellar+{sqlite_url}").exit_code == 0
    assert store_of.get("a") is not None


def test_a_chord_that_a_url_completes_is_left_for_a_worker(
    directory: Path, fill: Callable[..., Spool], sqlite_url: str, store_of: Store
) -> None:
    """There is no app to send the body; it is due at once."""
    spool = fill(sqlite_url)
    spool.append(Entry(None, Part("chord", "t", 0, "SUCCESS", b"[0]"), Opening(b"document")))
    store_of.chords.open("chord", Opening(b"document"))
    store_of.chords.set_size("chord", 1)
    assert run(directory, "flush", f"cellar+{sqlite_url}").exit_code == 0
    assert store_of.chords.due() == ["chord"]


APP = """
from celery import Celery
app = Celery("shop", broker="memory://", backend="cellar+{url}", set_as_current=False)
app.conf.cellar_spool_dir = "{directory}"
"""


def test_an_app_names_the_store_and_the_directory(
    tmp_path: Path, directory: Path, fill: Callable[..., Spool], sqlite_url: str, store_of: Store
) -> None:
    """-A; another app's spool for the same store is not touched."""
    (tmp_path / "shop.py").write_text(APP.format(url=sqlite_url, directory=directory))
    fill(sqlite_url, "a")
    other = fill(sqlite_url, "b", app_name="till")
    for arguments, status in ((["show", "-A", "shop"], 1), (["flush", "-A", "shop"], 0), (["show", "-A", "shop"], 0)):
        done = subprocess.run(
            [*COMMAND, "spool", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (status, ""), done.stdout
        assert "till" not in done.stdout
    assert set(store_of.get_many("ab")) == {"a"}
    assert other.depth().records == 1


@pytest.mark.parametrize("arguments", [["flush"], ["flush", "db+sqlite:///x"], ["show", "--nonsense"], ["shwo"]])
def test_wrong_usage_is_status_2(directory: Path, arguments: list[str]) -> None:
    """As with the other commands."""
    result = run(directory, *arguments)
    assert result.exit_code == 2, result.output
