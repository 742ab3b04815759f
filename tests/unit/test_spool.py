"""The spool's file: what goes in comes out, whoever writes, and whatever is wrong with the disk is told."""

import json
import os
import resource
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from rootcellar.errors import ConfigurationError, SpoolError, SpoolFull
from rootcellar.record import Record
from rootcellar.settings import SpoolSettings
from rootcellar.spool import Depth, Entry, Spool, SpoolReport, observe
from rootcellar.stores.ledger import Opening, Part
from servers import fork, in_child, race, wait_until

OpenSpool = Callable[..., Spool]

RECORD = Record("a", "SUCCESS", b'{"status": "SUCCESS", "result": 1}', "t", "w@h", "q", 2, "p", "g", 1.5, 2.5)
PART = Part("chord", "a", 3, "SUCCESS", b"[1]")


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[OpenSpool]:
    """Open spools in one directory: ``open_spool(app_name=…, url=…, max_bytes=…)``."""
    with ExitStack() as stack:

        def open_one(
            app_name: str = "shop", url: str = "cellar+redis://h/0", max_bytes: int = 1 << 30, directory: str = "spool"
        ) -> Spool:
            spool = Spool(SpoolSettings(directory=tmp_path / directory, max_bytes=max_bytes), app_name, url)
            stack.callback(spool.close)
            return spool

        yield open_one


def entries_of(spool: Spool) -> list[Entry]:
    return [entry for _, entry in spool.oldest(1000)]


ENTRIES = {
    "a record": Entry(RECORD),
    "a record with nothing but what it must have": Entry(Record("b", "FAILURE", b"\0\xff")),
    "a part": Entry(part=PART),
    "a part without a place": Entry(part=PART._replace(place=None)),
    "both": Entry(RECORD, PART),
    "with an opening": Entry(RECORD, PART, Opening(b"\x80doc", 12.5, "origin", "run")),
    "with an empty opening": Entry(None, PART, Opening()),
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_what_is_added_comes_back_as_it_was(open_spool: OpenSpool, entry: Entry) -> None:
    """Also for another object, and so for another process."""
    open_spool().append(entry)
    assert entries_of(open_spool()) == [entry]


def test_entries_come_in_the_order_they_were_added(open_spool: OpenSpool) -> None:
    """As many as are asked for."""
    spool = open_spool()
    for number in range(20):
        spool.append(Entry(Record(f"{number}", "SUCCESS", b"")))
    assert [entry.task_id for _, entry in spool.oldest(5)] == ["0", "1", "2", "3", "4"]
    spool.remove([seq for seq, _ in spool.oldest(18)])
    assert [entry.task_id for _, entry in spool.oldest(5)] == ["18", "19"]


def test_large_entries_are_read_a_few_at_a_time(open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch must not fill the memory; one entry comes whatever its size."""
    monkeypatch.setattr("rootcellar.spool.file.READ_BYTES", 1000)
    spool = open_spool()
    for size in (600, 600, 5000, 1):
        spool.append(Entry(Record(f"{size}", "SUCCESS", b"x" * size)))
    assert len(spool.oldest(100)) == 2
    spool.remove([seq for seq, _ in spool.oldest(100)])
    assert [entry.task_id for _, entry in spool.oldest(100)] == ["5000"]


def test_the_depth_is_told(open_spool: OpenSpool) -> None:
    """Kept by the database as entries come, are refused, and go."""
    spool, before = open_spool(), time.time()
    for number in range(3):
        spool.append(Entry(Record(f"{number}", "SUCCESS", b"12345"), PART, Opening(b"123")))
    (first, _), (second, _), (third, _) = spool.oldest(3)
    depth = spool.depth()
    assert depth[:2] == (3, 3 * 11)
    assert depth.oldest_at is not None
    assert before <= depth.oldest_at <= time.time()
    spool.refuse(first, "no")
    spool.remove([second])
    assert (spool.depth().records, spool.depth().bytes, spool.depth().refused) == (1, 22, 1)
    spool.remove([third])
    assert spool.depth() == Depth(0, 11, None, 1)
    spool.readmit()
    assert (spool.depth().records, spool.depth().refused) == (1, 0)
    spool.remove([first])
    assert spool.depth() == Depth()


def test_what_is_refused_is_shown_and_not_delivered(open_spool: OpenSpool) -> None:
    """It keeps its place, for when it is tried again."""
    spool = open_spool()
    for entry in (Entry(RECORD), Entry(part=PART), Entry(Record("c", "FAILURE", b""))):
        spool.append(entry)
    for seq, _ in spool.oldest(2):
        spool.refuse(seq, f"reason {seq}")
    assert [entry.task_id for entry in entries_of(spool)] == ["c"]
    assert [(r.task_id, r.chord_id, r.reason) for r in spool.refusals()] == [
        ("a", None, "reason 1"),
        ("a", "chord", "reason 2"),
    ]
    assert not spool.is_empty()
    spool.remove([seq for seq, _ in spool.oldest(1)])
    assert spool.is_empty()
    spool.readmit()
    assert entries_of(spool) == [Entry(RECORD), Entry(part=PART)]


def test_asking_makes_nothing(open_spool: OpenSpool, tmp_path: Path) -> None:
    """A spool that never held anything has no file."""
    spool = open_spool()
    assert spool.is_empty()
    assert spool.depth() == Depth()
    assert spool.oldest(10) == []
    assert spool.refusals() == []
    spool.readmit()
    spool.shrink()
    assert list(tmp_path.iterdir()) == []


def test_only_this_user_may_look(open_spool: OpenSpool) -> None:
    """The directory, the file, and what SQLite keeps beside it."""
    spool = open_spool()
    spool.append(Entry(RECORD))
    with spool.delivering() as is_mine:
        assert is_mine
    assert spool.path.parent.stat().st_mode & 0o777 == 0o700
    files = list(spool.path.parent.iterdir())
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_spool_belongs_to_an_app_and_a_store(open_spool: OpenSpool) -> None:
    """One password or another, it is the same store; and a name says whose it is."""
    spools = [
        open_spool("shop", "cellar+redis://u:one@h/0"),
        open_spool("shop", "redis://u:two@h/0"),
        open_spool("shop", "redis://u:one@h/1"),
        open_spool("till", "redis://u:one@h/0"),
        open_spool("", "redis://u:one@h/0"),
        open_spool("../../etc/x y", "redis://u:one@h/0"),
    ]
    assert spools[0].path == spools[1].path
    assert len({spool.path for spool in spools}) == 5
    assert {spool.path.parent for spool in spools} == {spools[0].path.parent}
    assert spools[0].name.startswith("shop-")


def test_no_secret_is_in_a_name_a_file_or_a_repr(open_spool: OpenSpool) -> None:
    """Neither a password nor a secret option."""
    spool = open_spool(url="postgresql://u:hunter2@h/x?sslpassword=hunter2")
    spool.append(Entry(RECORD))
    assert "hunter2" not in f"{spool!r} {spool.path} {spool.store_url}"
    spool.close()
    assert all(b"hunter2" not in file.read_bytes() for file in spool.path.parent.iterdir())
    assert RECORD.payload.decode() not in repr(spool.oldest(1)[0][1].record)


def test_a_full_spool_says_how_full_and_what_to_do(open_spool: OpenSpool) -> None:
    """And has room again once something is delivered."""
    spool = open_spool(max_bytes=100)
    spool.append(Entry(Record("a", "SUCCESS", b"x" * 60)))
    with pytest.raises(SpoolFull) as caught:
        spool.append(Entry(Record("b", "SUCCESS", b"x" * 41)))
    for said in ("60 bytes", "41 more", "cellar_spool_max_bytes", "(100)", "cellar_spool_dir", "spool flush"):
        assert said in str(caught.value)
    spool.append(Entry(Record("c", "SUCCESS", b"x" * 40)))
    assert [entry.task_id for entry in entries_of(spool)] == ["a", "c"]
    spool.remove([1])
    spool.append(Entry(Record("d", "SUCCESS", b"x" * 60)))


def test_no_bytes_means_no_spool(open_spool: OpenSpool) -> None:
    """``cellar_spool_max_bytes = 0``."""
    assert not open_spool(max_bytes=0).is_enabled
    assert open_spool(max_bytes=1).is_enabled


def test_a_directory_that_cannot_be_made_is_a_wrong_setting(open_spool: OpenSpool, tmp_path: Path) -> None:
    """A file is in its place; it is named, and so is the setting."""
    (tmp_path / "file").touch()
    spool = open_spool(directory="file/spool")
    for operation in (spool.check, lambda: spool.append(Entry(RECORD)), lambda: spool.delivering().__enter__()):
        with pytest.raises(ConfigurationError, match=r"file/spool cannot be made.* cellar_spool_dir"):
            operation()
    assert spool.is_empty()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become another user")
def test_a_directory_of_another_users_is_refused() -> None:
    """Who could read and change what lies there; and one that is closed to us is told."""
    with tempfile.TemporaryDirectory() as outer:  # not pytest's, which is closed to others
        Path(outer).chmod(0o755)
        spool = Spool(SpoolSettings(directory=Path(outer, "spool")), "shop", "redis://h/0")
        spool.path.parent.mkdir(mode=0o755)
        os.chown(spool.path.parent, 12345, 12345)
        with pytest.raises(ConfigurationError, match="belongs to the user with the number 12345"):
            spool.append(Entry(RECORD))
        os.chown(spool.path.parent, 0, 0)

        def as_another() -> None:
            os.seteuid(12345)
            with pytest.raises(ConfigurationError, match="cannot be written to by this process's user"):
                spool.append(Entry(RECORD))

        in_child(as_another)


def test_checking_makes_the_directory_and_no_spool(open_spool: OpenSpool) -> None:
    """So that a worker can say at its start that something is wrong."""
    spool = open_spool()
    spool.check()
    assert spool.path.parent.is_dir()
    assert not spool.path.exists()


def test_a_full_disk_is_told(open_spool: OpenSpool) -> None:
    """What was there stays; what did not fit is not half there."""
    spool = open_spool()
    spool.append(Entry(Record("first", "SUCCESS", b"x")))

    def with_a_full_disk() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(SpoolFull) as caught:
            list(map(spool.append, (Entry(Record(f"{number}", "SUCCESS", b"x" * 10_000)) for number in range(100))))
        return str(caught.value)

    said = in_child(with_a_full_disk)
    assert "Is the disk full?" in said
    assert "cellar_spool_dir" in said
    found = entries_of(spool)
    assert [entry.task_id for entry in found] == ["first", *(f"{number}" for number in range(len(found) - 1))]


def test_a_format_of_another_release_is_left_alone(open_spool: OpenSpool) -> None:
    """With an error that says what to do."""
    spool = open_spool()
    spool.append(Entry(RECORD))
    spool.close()
    with closing(sqlite3.connect(spool.path)) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(SpoolError, match="is of format 99; this rootcellar knows 1"):
        open_spool().append(Entry(RECORD))
    with pytest.raises(SpoolError, match="format 99"):
        Spool.at(spool.path)
    with closing(sqlite3.connect(spool.path)) as database:
        assert database.execute("SELECT count(*) FROM entry").fetchone() == (1,)


def test_a_file_that_is_no_spool_is_told(open_spool: OpenSpool) -> None:
    """Instead of being overwritten."""
    spool = open_spool()
    spool.check()
    spool.path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(SpoolError, match="no spool"):
        spool.append(Entry(RECORD))
    assert spool.path.read_bytes().startswith(b"something else")


def test_a_spool_that_is_deleted_while_it_is_open_is_made_anew(open_spool: OpenSpool) -> None:
    """By whoever tidies up; what is added afterwards must not go with the file that is gone."""
    spool = open_spool()
    spool.append(Entry(Record("gone", "SUCCESS", b"")))
    for file in spool.path.parent.iterdir():
        file.unlink()
    spool.path.parent.rmdir()
    assert spool.is_empty()
    spool.append(Entry(Record("kept", "SUCCESS", b"")))
    assert [entry.task_id for entry in entries_of(open_spool())] == ["kept"]


def test_a_spool_that_lies_there_can_be_opened_without_its_settings(open_spool: OpenSpool) -> None:
    """It knows whose it is; nothing can be added."""
    spool = open_spool("shop", "redis://u:hunter2@h/0")
    spool.append(Entry(RECORD))
    (path,) = Spool.paths_in(spool.path.parent)
    found = Spool.at(path)
    assert (found.app_name, found.store_url) == ("shop", "cellar+redis://u:***@h/0")
    assert entries_of(found) == [Entry(RECORD)]
    assert not found.is_enabled
    found.close()


def test_one_delivers_at_a_time(open_spool: OpenSpool) -> None:
    """On the whole host, and also among the threads of one process; nobody waits."""
    first, second = open_spool(), open_spool()
    with first.delivering() as is_firsts:
        assert is_firsts
        with second.delivering() as is_seconds:
            assert not is_seconds

        def child() -> bool:
            with second.delivering() as is_childs:
                return is_childs

        assert not in_child(child)
    with second.delivering() as is_seconds:
        assert is_seconds


def test_a_deliverers_death_lets_the_next_one_in(open_spool: OpenSpool) -> None:
    """Also where a process that it has forked lives on."""
    spool = open_spool()
    spool.check()
    reader, writer = os.pipe()

    deliverer = fork()
    if deliverer == 0:
        delivering = spool.delivering()
        if delivering.__enter__() and fork() == 0:
            os.close(writer)
            os.read(reader, 1)  # until the test closes its end
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(deliverer, 0)[1]) == -signal.SIGKILL

    def is_free() -> bool:
        with spool.delivering() as is_mine:
            return is_mine

    wait_until(is_free, "the forked process has given up what it inherited")
    os.close(writer)
    os.close(reader)


def test_many_processes_and_threads_add_at_once(open_spool: OpenSpool) -> None:
    """The first ones make the file, too; each one's entries are in its order."""
    spool = open_spool()

    def add(who: str) -> None:
        for number in range(25):
            spool.append(Entry(Record(f"{who}:{number}", "SUCCESS", b"x" * number)))

    def child(number: int) -> None:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(add, (f"{number}-0", f"{number}-1")))

    race(6, child)
    found = [entry.task_id for entry in entries_of(spool)]
    assert len(found) == 6 * 2 * 25
    for who in {one.partition(":")[0] for one in found}:
        assert [one for one in found if one.startswith(f"{who}:")] == [f"{who}:{number}" for number in range(25)]


def test_a_fork_amid_appends_harms_nobody(open_spool: OpenSpool) -> None:
    """No connection is open while it happens."""
    spool, stop = open_spool(), threading.Event()

    def add() -> int:
        count = 0
        while not stop.is_set():
            spool.append(Entry(Record("parent", "SUCCESS", b"")))
            count += 1
        return count

    with ThreadPoolExecutor(2) as threads:
        adding = [threads.submit(add) for _ in range(2)]
        try:
            for _ in range(5):
                in_child(lambda: spool.append(Entry(Record("child", "SUCCESS", b""))))
        finally:
            stop.set()
        count = sum(one.result(60) for one in adding)
    assert spool.depth().records == count + 5
    with closing(sqlite3.connect(spool.path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_emptied_spool_gives_the_disk_back(open_spool: OpenSpool) -> None:
    """Numbers go on, all the same."""
    spool = open_spool()
    for number in range(50):
        spool.append(Entry(Record(f"{number}", "SUCCESS", b"x" * 10_000)))
    last = spool.oldest(100)[-1][0]
    spool.remove([seq for seq, _ in spool.oldest(100)])
    spool.shrink()
    assert spool.path.stat().st_size < 100_000
    spool.append(Entry(RECORD))
    assert spool.oldest(1)[0][0] > last


def test_observers_are_told(open_spool: OpenSpool, caplog: pytest.LogCaptureFixture) -> None:
    """Until they say that it is enough; one that fails disturbs nobody."""
    reports: list[SpoolReport] = []
    ends = [observe(lambda report: 1 / 0), observe(reports.append)]
    spool = open_spool()
    spool.append(Entry(Record("a", "SUCCESS", b"12345")))
    for end in (*ends, *ends):
        end()
    spool.append(Entry(RECORD))
    (report,) = reports
    assert report._replace(age_s=0) == SpoolReport(spool.name, 1, 5, 0, 0)
    assert 0 <= report.age_s < 60
    assert "ZeroDivisionError" in caplog.text


def test_an_entry_in_full_can_be_read_by_people_and_programs() -> None:
    """Text as text, other bytes as base64."""
    found = json.loads(Entry(RECORD, PART._replace(payload=b"\xff"), Opening(b"doc")).in_full())
    assert found["record"]["payload"] == RECORD.payload.decode()
    assert found["part"]["payload"] == "base64:/w=="
    assert found["opening"] == {"document": "doc"}
