"""Delivery from the spool, to every engine."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rootcellar.errors import AccessDenied, StoreBusy, StoreError
from rootcellar.record import Record
from rootcellar.settings import SpoolSettings
from rootcellar.spool import Delivery, Entry, Spool, SpoolReport, attempt, deliver, observe
from rootcellar.spool.delivery import _runs
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Part

MakeRecord = Callable[..., Record]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    made = Spool(SpoolSettings(directory=tmp_path / "spool"), "shop", "redis://h/0")
    yield made
    made.close()


def ignore(claim: Claim) -> None:
    pytest.fail(f"no chord was to be completed: {claim}")


def run(spool: Spool, store: Store, on_claim: Callable[[Claim], object] = ignore, batch: int = 100) -> Delivery:
    return attempt(spool, store, on_claim, lambda: "token", 10.0, batch)


class Refusing:
    """Put before a store, it raises for some ids instead of passing them on."""

    def __init__(self, store: Store, errors: dict[str, Exception]) -> None:
        self.store = store
        self.errors = errors
        self.given: list[str] = []

    def put(self, record: Record) -> bool:
        self.given.append(record.id)
        if record.id in self.errors:
            raise self.errors[record.id]
        return self.store.put(record)

    def put_many(self, records: list[Record]) -> int:
        for record in records:
            if record.id in self.errors:
                raise self.errors[record.id]
        return self.store.put_many(records)


def test_all_is_delivered(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """In batches; nothing is left, and the records are what they were."""
    records = {f"r{n}": a_record(f"r{n}", ("SUCCESS", "FAILURE", "REVOKED")[n % 3], result=n) for n in range(250)}
    for record in records.values():
        spool.append(Entry(record))
    assert deliver(spool, store, ignore, lambda: "token", 10.0) == 250
    assert spool.is_empty()
    found = store.get_many(records)
    assert {i: (r.state, r.payload) for i, r in found.items()} == {i: (r.state, r.payload) for i, r in records.items()}
    assert deliver(spool, store, ignore, lambda: "token", 10.0) == 0


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_the_entries_of_one_task_keep_their_order(
    spool: Spool, store: Store, a_record: MakeRecord, compression: str | None
) -> None:
    """The last of equal rank is what stays; a SUCCESS gives way to none."""
    for number in range(5):
        spool.append(Entry(a_record("a", "FAILURE", result=number, compression=compression)))
        spool.append(Entry(a_record("b", "SUCCESS", result=number, compression=compression)))
    assert run(spool, store).delivered == 10
    found = store.get_many("ab")
    assert found["a"].payload == a_record("a", "FAILURE", result=4, compression=compression).payload
    assert found["b"].payload == a_record("b", "SUCCESS", result=0, compression=compression).payload


def test_what_lies_in_the_store_already_stays(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """Another worker ran the task meanwhile."""
    store.put(a_record("a", "SUCCESS", result="first"))
    spool.append(Entry(a_record("a", "SUCCESS", result="second")))
    assert run(spool, store).delivered == 1
    assert store.get("a").payload == a_record("a", "SUCCESS", result="first").payload  # type: ignore[union-attr]


def test_delivering_twice_changes_nothing(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """As after a death between storing and forgetting."""
    entries = [Entry(a_record(f"{n}", result=n)) for n in range(3)]
    entries.append(Entry(a_record("t0"), Part("chord", "t0", 0, "SUCCESS", b"[0]")))
    store.chords.open("chord", Opening())
    store.chords.set_size("chord", 2)
    for _ in range(2):
        for entry in entries:
            spool.append(entry)
        assert run(spool, store).delivered == 4
    assert store.chords.report(Part("chord", "t1", 1, "SUCCESS", b"[1]"), "last", 10.0).ready == 2


def test_a_chord_that_is_completed_is_handed_over(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """With a fresh token; one that cannot be finished is left to its lease."""
    for chord_id in ("one", "two"):
        for number in range(3):
            part = Part(chord_id, f"{chord_id}{number}", number, "SUCCESS", b"[%d]" % number)
            spool.append(Entry(a_record(part.task_id), part, Opening(b"document")))
        store.chords.open(chord_id, Opening(b"document"))
        store.chords.set_size(chord_id, 3)
    claims: list[Claim] = []

    def finish(claim: Claim) -> None:
        claims.append(claim)
        raise RuntimeError("the broker is away")

    tokens = iter(range(100))
    assert deliver(spool, store, finish, lambda: f"token {next(tokens)}", 10.0) == 6
    assert [(claim.chord_id, claim.ready) for claim in claims] == [("one", 3), ("two", 3)]
    assert claims[0].token != claims[1].token
    assert spool.is_empty()


def test_a_chord_that_nobody_has_opened_is_opened(spool: Spool, store: Store) -> None:
    """With what was spooled."""
    spool.append(Entry(None, Part("chord", "t", 0, "SUCCESS", b"[0]"), Opening(b"document", 1e10)))
    run(spool, store)
    store.chords.set_size("chord", 1)
    claim = store.chords.claim("chord", "token", 10.0)
    assert claim is not None
    assert claim.document == b"document"


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("error", [StoreBusy("not now"), AccessDenied("not you")])
def test_it_stops_when_the_store_goes_away(
    spool: Spool, store: Store, a_record: MakeRecord, error: Exception, batch: int
) -> None:
    """What was not delivered is there the next time, in its order."""
    for number in range(6):
        spool.append(Entry(a_record(f"{number}")))
    refusing = Refusing(store, {"3": error})
    done = run(spool, refusing, batch=batch)  # type: ignore[arg-type]
    assert done.stopped_by is error
    assert done.delivered == 3 // batch * batch
    assert spool.depth().records == 6 - done.delivered
    assert run(spool, store).delivered == 6 - done.delivered
    assert len(store.get_many("012345")) == 6


def test_what_the_store_refuses_is_set_aside(
    spool: Spool, store: Store, a_record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds up nothing, and is not lost: it stands in the spool and, in full, in the log."""
    for number in range(6):
        spool.append(Entry(a_record(f"{number}", result="all of it")))
    refusing = Refusing(store, {"1": StoreError("too odd"), "4": ValueError("odder still")})
    done = run(spool, refusing)  # type: ignore[arg-type]
    assert (done.delivered, done.refused, done.stopped_by) == (4, 2, None)
    assert {r.task_id: r.reason for r in spool.refusals()} == {
        "1": "StoreError: too odd",
        "4": "ValueError: odder still",
    }
    assert set(store.get_many("012345")) == set("0235")
    first, _ = (entry.getMessage() for entry in caplog.records if entry.levelno == logging.CRITICAL)
    assert json.loads(first[first.index('{"record"') :])["record"]["id"] == "1"
    spool.readmit()
    assert run(spool, store).delivered == 2


def test_one_deliverer_leaves_the_other_alone(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """It returns at once and says so."""
    spool.append(Entry(a_record()))
    with spool.delivering():
        done = run(spool, store)
    assert (done.is_elsewhere, done.delivered) == (True, 0)
    assert spool.depth().records == 1


def test_an_empty_spool_costs_nothing(spool: Spool, store: Store, tmp_path: Path) -> None:
    """Nothing is made, and the store is not asked."""
    assert deliver(spool, store, ignore, lambda: "token", 10.0) == 0
    assert not spool.path.parent.exists()


def test_observers_hear_of_a_delivery(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """After each batch."""
    for number in range(5):
        spool.append(Entry(a_record(f"{number}")))
    reports: list[SpoolReport] = []
    end = observe(reports.append)
    run(spool, store, batch=2)
    end()
    assert [report.records for report in reports] == [3, 1, 0]


def test_progress_is_told(spool: Spool, store: Store, a_record: MakeRecord) -> None:
    """For a bar."""
    for number in range(5):
        spool.append(Entry(a_record(f"{number}")))
    seen: list[int] = []
    deliver(spool, store, ignore, lambda: "t", 10.0, batch=2, on_progress=lambda done: seen.append(done.delivered))
    assert seen == [2, 4, 5]


def test_entries_are_cut_into_runs() -> None:
    """Of plain records, no two of one task; a part is by itself."""
    entries = [
        (0, Entry(Record(one, "SUCCESS", b"")) if one else Entry(part=Part("c", "t", 0, "SUCCESS", b"")))
        for one in ("a", "b", "a", "", "", "c")
    ]
    assert [len(one) for one in _runs(entries)] == [2, 1, 1, 1, 1]
    assert list(_runs([])) == []
