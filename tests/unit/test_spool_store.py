"""The store with a spool behind it, over real stores that are put out of use and back."""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rootcellar.errors import AccessDenied, SchemaError, SpoolFull, StoreError, StoreTimeout
from rootcellar.record import Record
from rootcellar.settings import DatabaseSettings, Settings, SpoolSettings
from rootcellar.spool import Entry, Spool, SpooledStore, deliver
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Part, Tally
from servers import in_child

OpenIt = Callable[..., Store]

#: A SQLite store that gives up on a locked file at once.
IMPATIENT = Settings(database=DatabaseSettings(connect_args={"timeout": 0.01}))


def done(record_id: str, payload: bytes = b'{"status": "SUCCESS"}') -> Record:
    return Record(record_id, "SUCCESS", payload)


class Place:
    """A store in a file that can be locked, and a spool for it."""

    def __init__(self, directory: Path, open_it: OpenIt) -> None:
        self.file = directory / "results.db"
        self.settings = SpoolSettings(retry_s=0.0, directory=directory / "spool")
        self.plain = open_it(f"sqlite:///{self.file}?synchronous=OFF", IMPATIENT)
        self.plain.get("make the tables")
        self.spooled: list[int] = []
        self.spool = Spool(self.settings, "shop", str(self.plain.url))
        self.store = self.new_store()

    def new_store(self, spool: Spool | None = None, retry_s: float = 0.0) -> SpooledStore:
        return SpooledStore(self.plain, lambda: spool or self.spool, retry_s, lambda: self.spooled.append(1))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Keep every writer out."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def deliver(self) -> int:
        return deliver(self.spool, self.store, lambda claim: None, lambda: "token", 10.0)

    def attempts(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Return a list that will hold the ids of the records the store itself is given."""
        seen: list[str] = []
        put = self.plain.put
        monkeypatch.setattr(self.plain, "put", lambda record: (seen.append(record.id), put(record))[1])
        return seen


@pytest.fixture
def place(tmp_path: Path, open_it: OpenIt) -> Iterator[Place]:
    """A store that can be put out of use."""
    made = Place(tmp_path, open_it)
    yield made
    made.spool.close()


def test_what_the_store_takes_never_touches_the_spool(place: Place) -> None:
    """And the answers are the store's."""
    assert place.store.put(done("a"))
    assert not place.store.put(Record("a", "FAILURE", b"late"))
    assert place.store.put(Record("b", "STARTED", b""))
    assert place.store.put_many([done("c"), done("d")]) == 2
    assert place.store.get("a") == done("a")
    assert set(place.store.get_many(iter("abcd"))) == set("abcd")
    assert place.store.states(iter("ab")) == {"a": "SUCCESS", "b": "STARTED"}
    assert not place.settings.directory.exists()
    assert place.spooled == []


def test_a_finished_record_is_spooled_while_the_store_is_away_and_delivered_later(place: Place) -> None:
    """The caller is told that it is safe."""
    with place.away():
        assert place.store.put(done("a"))
    assert place.store.get("a") is None
    assert place.spooled == [1]
    assert place.deliver() == 1
    assert place.store.get("a") == done("a")


def test_an_outage_is_waited_out_for_a_while(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is spooled."""
    store = place.new_store(retry_s=60.0)
    seen = place.attempts(monkeypatch)
    outage = place.away()
    outage.__enter__()
    monkeypatch.setattr("time.sleep", lambda seconds: outage.__exit__(None, None, None) if len(seen) == 3 else None)
    assert store.put(done("a"))
    assert seen == ["a"] * 4
    assert place.spool.is_empty()
    assert store.get("a") is not None


def test_reads_and_groups_wait_too_and_then_raise(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing else to be done."""
    store = place.new_store(retry_s=0.2)
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with place.away():
        for operation in (
            lambda: store.delete(["a"]),
            lambda: store.group_put("g", b"", None),
            lambda: store.group_delete("g"),
            lambda: store.put_many([done("a")]),
        ):
            pauses.clear()
            with pytest.raises(StoreTimeout):
                operation()
            assert pauses
    assert place.spool.is_empty()


def test_an_outage_costs_a_worker_the_waiting_only_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finishes afterwards goes straight to the spool, in its order, until that has been delivered."""
    seen = place.attempts(monkeypatch)
    with place.away():
        place.store.put(done("a"))
        assert seen == ["a"]
        place.store.put(done("b"))
        place.store.put(done("c"))
    place.store.put(done("d"))
    assert seen == ["a"]
    assert [entry.task_id for _, entry in place.spool.oldest(10)] == ["a", "b", "c", "d"]
    assert len(place.spooled) == 4
    assert place.deliver() == 4
    place.store.put(done("e"))
    assert seen[-1] == "e"
    assert place.store.get("e") is not None


def test_a_forked_child_goes_on_as_its_parent_did(place: Place) -> None:
    """It spools while there is something in the spool, and no longer."""
    with place.away():
        place.store.put(done("a"))
        in_child(lambda: place.store.put(done("b")))
    in_child(lambda: place.store.put(done("c")))
    assert [entry.task_id for _, entry in place.spool.oldest(10)] == ["a", "b", "c"]
    assert in_child(place.deliver) == 3
    assert in_child(lambda: place.store.put(done("d")) and place.spool.is_empty())
    assert set(place.store.get_many("abcd")) == set("abcd")


def test_progress_is_dropped_with_one_warning_an_outage(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One attempt, no sleep, no error; the spool never sees it."""
    store = place.new_store(retry_s=60.0)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it slept"))
    for outage in (1, 2):
        with place.away():
            for number in range(3):
                for state in ("PENDING", "STARTED", "RETRY", "PROGRESS"):
                    assert not store.put(Record(f"{number}", state, b""))
        assert place.spool.is_empty()
        assert store.put(done(f"x{outage}"))
        assert store.put(Record(f"y{outage}", "PROGRESS", b""))
        assert len([entry for entry in caplog.records if entry.levelno == logging.WARNING]) == outage


def test_a_slow_refusal_of_progress_is_not_asked_for_again_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that hangs would otherwise cost a task its time-out at each report."""
    seen = place.attempts(monkeypatch)
    now = [1000.0]
    monkeypatch.setattr("rootcellar.spool.store.time.monotonic", lambda: now[0])

    def slow(record: Record) -> bool:
        seen.append(record.id)
        now[0] += 2.0
        raise StoreTimeout("no answer")

    monkeypatch.setattr(place.plain, "put", slow)
    progress = Record("p", "PROGRESS", b"")
    for seconds, expected in ((0, 1), (19, 1), (2, 2)):
        now[0] += seconds
        place.store.put(progress)
        assert len(seen) == expected


def test_progress_is_not_tried_while_records_are_spooled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is known to be away."""
    with place.away():
        place.store.put(done("a"))
    seen = place.attempts(monkeypatch)
    assert not place.store.put(Record("b", "STARTED", b""))
    assert seen == []
    place.deliver()
    assert place.store.put(Record("b", "STARTED", b""))


@pytest.mark.parametrize("why", ["no tables", "no directory"])
def test_a_store_that_is_not_usable_now_is_as_good_as_away(
    tmp_path: Path, open_it: OpenIt, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing wrong with the record, and no use in asking again at once: missing tables, a missing right."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it slept"))
    directory = tmp_path / "store"
    settings = Settings(database=DatabaseSettings(create_tables=why != "no tables"))
    if why == "no tables":
        directory.mkdir()
    plain = open_it(f"sqlite:///{directory / 'results.db'}", settings)
    with pytest.raises((SchemaError, AccessDenied)):
        plain.put(done("a"))
    spool = Spool(SpoolSettings(directory=tmp_path / "spool"), "shop", str(plain.url))
    store = SpooledStore(plain, lambda: spool, 60.0)
    assert store.put(done("a"))
    assert not store.put(Record("b", "STARTED", b""))
    assert spool.depth().records == 1
    assert deliver(spool, store, lambda claim: None, lambda: "t", 10.0) == 0
    if why == "no tables":
        store.schema_upgrade()
    else:
        directory.mkdir()
    assert deliver(spool, store, lambda claim: None, lambda: "t", 10.0) == 1
    assert store.get("a") == done("a")
    assert "go to the spool" in caplog.text
    spool.close()


def test_what_the_store_says_of_the_value_is_the_callers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spooled, it would be refused for ever."""
    with pytest.raises(StoreError):
        place.store.put(done("a", "not bytes"[:0] or object()))  # type: ignore[arg-type]
    assert place.spool.is_empty()


def test_a_record_that_no_spool_takes_is_logged_in_full(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So that it can be entered by hand; the error says what to do."""
    small = Spool(replace(place.settings, max_bytes=10), "shop", "redis://u:hunter2@h/0")
    (tmp_path / "file").touch()
    nowhere = Spool(replace(place.settings, directory=tmp_path / "file" / "x"), "shop", "redis://u:hunter2@h/0")
    part = Part("chord", "b", 0, "SUCCESS", b"[1]")
    for spool, said in ((small, "cellar_spool_max_bytes"), (nowhere, "cellar_spool_dir")):
        store = place.new_store(spool)
        caplog.clear()
        with place.away():
            with pytest.raises(SpoolFull, match=said):
                store.put(done("a", b'{"status": "SUCCESS", "result": "all of it"}'))
            with pytest.raises(SpoolFull, match=said):
                store.chords.report(part, "token", 10.0, record=done("b" * 20), opening=lambda: Opening(b"doc" * 10))
        first, second = [entry for entry in caplog.records if entry.levelno == logging.CRITICAL]
        text = first.getMessage()
        assert "hunter2" not in caplog.text
        assert json.loads(text[text.index('{"record"') :])["record"] == {
            "id": "a",
            "state": "SUCCESS",
            "payload": '{"status": "SUCCESS", "result": "all of it"}',
        }
        assert '"chord_id": "chord"' in second.getMessage()
    assert place.spooled == []


def test_a_full_spool_does_not_keep_records_from_a_store_that_is_back(place: Place) -> None:
    """It may take a while to be delivered."""
    store = place.new_store(Spool(replace(place.settings, max_bytes=30), "shop", "redis://h/0"))
    with place.away():
        assert store.put(done("a"))
    store.chords.open("chord", Opening())
    assert store.put(done("b"))
    assert store.chords.report(part(0), "token", 10.0, record=done("t0")).ready == 1
    assert set(place.plain.get_many(["a", "b", "t0"])) == {"b", "t0"}
    assert store.spool.depth().records == 1
    store.spool.close()


def test_without_a_spool_the_error_is_the_stores(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """``cellar_spool_max_bytes = 0``: as it was before there was one."""
    store = place.new_store(Spool(replace(place.settings, max_bytes=0), "shop", "redis://h/0"))
    with place.away(), pytest.raises(StoreTimeout):
        store.put(done("a"))
    assert not place.settings.directory.exists()


def test_a_spool_that_breaks_sends_its_worker_back_to_the_store(place: Place) -> None:
    """A circuit that waits for an unreadable file to be empty would stay open for ever."""
    with place.away():
        place.store.put(done("a"))
    place.spool.close()
    for file in place.settings.directory.iterdir():
        file.unlink()
    place.spool.path.write_bytes(b"rubbish" * 1000)
    assert place.store.put(done("b"))
    assert place.store.get("b") is not None


def test_what_follows_an_append_cannot_fail_it(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """The record is safe."""
    store = SpooledStore(place.plain, lambda: place.spool, 0.0, lambda: 1 / 0)
    with place.away():
        assert store.put(done("a"))
    assert place.spool.depth().records == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_spooled_store_has_what_its_store_has(place: Place) -> None:
    """Whoever looks for more than the verbs finds it."""
    assert place.store.url == place.plain.url
    assert place.store.capabilities == place.plain.capabilities
    assert place.store.schema_version() == place.plain.schema_version()  # type: ignore[attr-defined]
    assert place.store.path == place.file
    assert place.store.check() == place.plain.check()
    place.store.put(done("a"))
    assert [record.id for batch in place.store.scan() for record in batch] == ["a"]
    assert place.store.stats().records == 1
    assert list(place.store.purge()) == []
    with pytest.raises(AttributeError):
        place.store.no_such_thing  # noqa: B018


# -- chords -----------------------------------------------------------------------------------------------------------


def part(number: int) -> Part:
    return Part("chord", f"t{number}", number, "SUCCESS", b"[1, %d]" % number)


def test_a_members_report_is_as_safe_as_its_result(place: Place) -> None:
    """Both are spooled together, and whoever delivers the last one gets the chord to finish."""
    place.store.chords.open("chord", Opening(b"document"))
    place.store.chords.set_size("chord", 3)
    assert place.store.chords.report(part(0), "one", 10.0, record=done("t0")).ready == 1
    with place.away():
        for number in (1, 2):
            tally = place.store.chords.report(part(number), "lost", 10.0, record=done(f"t{number}"))
            assert tally == Tally(is_stored=True, ready=0)
    claims: list[Claim] = []
    assert deliver(place.spool, place.store, claims.append, lambda: "deliverer", 10.0) == 2
    (claim,) = claims
    assert (claim.chord_id, claim.token, claim.ready, claim.document) == ("chord", "deliverer", 3, b"document")
    assert set(place.store.states(["t0", "t1", "t2"])) == {"t0", "t1", "t2"}
    assert [p for batch in place.store.chords.parts("chord") for p in batch] == [part(n).payload for n in range(3)]


def test_how_a_chord_is_opened_is_spooled_too(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Without asking again later; where it cannot be told, the part is spooled without."""
    with place.away():
        place.store.chords.report(part(0), "t", 10.0, opening=lambda: Opening(b"document", 1e10))
        place.store.chords.report(part(1), "t", 10.0, opening=lambda: Opening(b"%d" % (1 // 0)))
    assert [entry for _, entry in place.spool.oldest(2)] == [
        Entry(None, part(0), Opening(b"document", 1e10)),
        Entry(None, part(1), None),
    ]
    assert "ZeroDivisionError" in caplog.text
    assert place.deliver() == 2
    place.store.chords.set_size("chord", 2)
    claim = place.store.chords.claim("chord", "t", 10.0)
    assert claim is not None
    assert claim.document == b"document"


def test_the_other_verbs_of_a_chord_wait_and_then_raise(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chord that cannot be begun is the caller's to know."""
    store = place.new_store(retry_s=0.2)
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with place.away():
        for operation in (
            lambda: store.chords.open("chord", Opening()),
            lambda: store.chords.set_size("chord", 1),
            lambda: store.chords.add("chord", "task"),
        ):
            pauses.clear()
            with pytest.raises(StoreTimeout):
                operation()
            assert pauses
