"""What each verb costs: one round trip, or one statement."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from chords import FAR_S, a_part, opened
from rootcellar.record import Record
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Opening
from servers import Relay

AnyRecord = Callable[..., Record]

VERBS: dict[str, Callable[[Store, Record], object]] = {
    "put": lambda store, record: store.put(record),
    "get": lambda store, record: store.get(record.id),
    "get_many of 1,000": lambda store, record: store.get_many([f"{number:04}" for number in range(1000)]),
    "delete": lambda store, record: store.delete([record.id]),
    "group_put": lambda store, record: store.group_put("g", b"document", None),
    "group_get": lambda store, record: store.group_get("g"),
    "group_delete": lambda store, record: store.group_delete("g"),
}


@pytest.fixture(
    params=[
        pytest.param("redis_url", id="Redis", marks=pytest.mark.redis),
        pytest.param("postgresql_url", id="PostgreSQL", marks=pytest.mark.postgresql),
    ]
)
def relayed(request: pytest.FixtureRequest, open_it: Callable[..., Store]) -> Iterator[tuple[Store, Relay]]:
    """A store that reaches its server through a relay which counts round trips."""
    url: str = request.getfixturevalue(request.param)
    port = urlsplit(url).port
    assert port is not None
    with Relay(port) as relay:
        yield open_it(url.replace(f":{port}", f":{relay.port}")), relay


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_is_one_round_trip(relayed: tuple[Store, Relay], a_record: AnyRecord, verb: str) -> None:
    """From the second time on: the first connects, and prepares."""
    store, relay = relayed
    run = VERBS[verb]
    run(store, a_record("a", "STARTED"))
    before = relay.round_trips

    run(store, a_record("a", "SUCCESS"))

    assert relay.round_trips - before == 1


@pytest.mark.parametrize("size", [10, 200_000])
def test_storing_over_what_lies_there_is_one_round_trip(
    relayed: tuple[Store, Relay], a_record: AnyRecord, size: int
) -> None:
    """Whether it is refused or not, and however large it is."""
    store, relay = relayed
    store.put(a_record("other"))
    costs = []
    for state in ("STARTED", "RETRY", "SUCCESS", "FAILURE"):
        before = relay.round_trips
        store.put(a_record("a", state, "x" * size))
        costs.append(relay.round_trips - before)

    assert costs == [1, 1, 1, 1]


def test_reading_2500_records_is_three_round_trips(relayed: tuple[Store, Relay], a_record: AnyRecord) -> None:
    """One for each thousand."""
    store, relay = relayed
    ids = [f"{number:04}" for number in range(2500)]
    store.put_many(a_record(record_id) for record_id in ids)
    store.get_many(ids[:2])
    before = relay.round_trips

    assert len(store.get_many(ids)) == 2500
    assert relay.round_trips - before == 3


@pytest.mark.postgresql
def test_reading_2500_states_is_three_round_trips(
    postgresql_url: str, open_it: Callable[..., Store], a_record: AnyRecord
) -> None:
    """One for each thousand, whatever lies behind them."""
    ids = [f"{number:04}" for number in range(2500)]
    port = urlsplit(postgresql_url).port
    assert port is not None
    with Relay(port) as relay:
        store = open_it(postgresql_url.replace(f":{port}", f":{relay.port}"))
        store.put_many(a_record(record_id, "SUCCESS", "x" * 1000) for record_id in ids)
        store.states(ids[:2])
        before = relay.round_trips

        assert len(store.states(ids)) == 2500
        assert relay.round_trips - before == 3


def test_storing_2500_records_is_a_few_round_trips(relayed: tuple[Store, Relay], a_record: AnyRecord) -> None:
    """``put_many`` works in batches: it is for copying millions."""
    store, relay = relayed
    store.put_many([a_record("first")])
    before = relay.round_trips

    store.put_many(a_record(f"{number:04}") for number in range(2500))

    assert relay.round_trips - before <= 30


def test_storing_where_nobody_waits_tells_nobody(relayed: tuple[Store, Relay], a_record: AnyRecord) -> None:
    """Nothing is subscribed to by storing and reading."""
    store, relay = relayed
    store.put(a_record("a"))
    store.get("a")
    before = relay.round_trips

    for number in range(5):
        store.put(a_record(str(number)))
        store.get(str(number))

    assert relay.round_trips - before == 10


CHORD_VERBS: dict[str, Callable[[Store, Record], object]] = {
    "open": lambda store, record: store.chords.open("c", Opening(b"document", None, None, "run")),
    "set_size": lambda store, record: store.chords.set_size("c", 2),
    "add": lambda store, record: store.chords.add("c", record.id),
    "report": lambda store, record: store.chords.report(a_part("c", record.id, 1), "t", FAR_S),
    "report with its record": lambda store, record: store.chords.report(
        a_part("c", record.id, 1), "t", FAR_S, record=record, opening=Opening
    ),
    "claim": lambda store, record: store.chords.claim("c", "t", FAR_S),
    "begin_body": lambda store, record: store.chords.begin_body("c", "t", None),
    "due": lambda store, record: store.chords.due(),
}


@pytest.mark.parametrize("verb", sorted(CHORD_VERBS))
def test_a_verb_of_the_ledger_is_one_round_trip(relayed: tuple[Store, Relay], a_record: AnyRecord, verb: str) -> None:
    """Also where a part completes its chord, and its record is stored with it."""
    store, relay = relayed
    run = CHORD_VERBS[verb]
    opened(store, "c", size=2)
    run(store, a_record("a", "SUCCESS"))
    before = relay.round_trips

    run(store, a_record("b", "SUCCESS"))

    assert relay.round_trips - before == 1


def test_what_nobody_has_said_of_a_chord_is_one_round_trip_more(
    relayed: tuple[Store, Relay], a_record: AnyRecord
) -> None:
    """Once; the next report finds it."""
    store, relay = relayed
    for chord_id in ("warm", "c"):
        costs = []
        for task_id in ("a", "b"):
            before = relay.round_trips
            part = a_part(chord_id, task_id, 0)
            store.chords.report(part, "t", FAR_S, record=a_record(task_id), opening=lambda: Opening(b"document"))
            costs.append(relay.round_trips - before)

    assert costs == [2, 1]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement SQLite runs from now on."""
    ran: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        db = connect(*args, **kwargs)
        db.set_trace_callback(ran.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", traced)
    return ran


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_is_one_statement_in_sqlite(
    sqlite_url: str, open_it: Callable[..., Store], a_record: AnyRecord, statements: list[str], verb: str
) -> None:
    """And with it one transaction."""
    store = open_it(sqlite_url)
    run = VERBS[verb]
    run(store, a_record("a", "STARTED"))
    statements.clear()

    run(store, a_record("a", "SUCCESS"))

    assert len(statements) == 1, statements


@pytest.mark.parametrize("verb", sorted({*CHORD_VERBS} - {"due", "set_size", "add", "begin_body"}))
def test_a_verb_of_the_ledger_is_one_transaction_in_sqlite(
    sqlite_url: str, open_it: Callable[..., Store], a_record: AnyRecord, statements: list[str], verb: str
) -> None:
    """That locks the file from its beginning: nothing comes between what it reads and what it writes."""
    store = open_it(sqlite_url)
    opened(store, "c", size=2)
    statements.clear()

    CHORD_VERBS[verb](store, a_record("a", "SUCCESS"))

    assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert sum(statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")) for statement in statements) == 2
