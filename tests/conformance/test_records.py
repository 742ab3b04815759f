"""Storing, reading and deleting records, on every engine."""

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from rootcellar.errors import DecodeError, RootcellarError
from rootcellar.record import MAX_ID_LENGTH, Record, merge
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from servers import in_child, race, wait_until

STATES = ("PENDING", "RECEIVED", "STARTED", "RETRY", "PROGRESS", "FAILURE", "REVOKED", "SUCCESS")
ODD_IDS = (
    "it's",
    'double"quote',
    "back\\slash",
    "trailing\\",
    "{brace,comma}",
    "percent%s$1?1:x",
    "a b\tc\nd\re",
    "*?[a-z]",
    "',); DROP TABLE cellar_record; --",
    "наряд-Ω-半分-🥕",
    "e\u0301 is not \u00e9",
    "NULL",
    " ",
    "x" * MAX_ID_LENGTH,
    "🥕" * MAX_ID_LENGTH,
)

AnyRecord = Callable[..., Record]


def essence(record: Record | None) -> tuple[str, str, bytes] | None:
    """What every engine keeps of a record, however it keeps it."""
    return None if record is None else (record.id, record.state, record.payload)


def test_a_stored_record_is_read_back(store: Store, a_record: AnyRecord) -> None:
    """Its id, its state, its payload byte for byte."""
    record = a_record("a", "SUCCESS", {"x": [1, 2]})

    assert store.put(record) is True
    assert essence(record) == essence(store.get("a"))


def test_what_was_never_stored_is_none(store: Store) -> None:
    """Not an error."""
    assert store.get("a") is None
    assert store.get_many(["a", "b"]) == {}
    assert store.get_many([]) == {}
    assert store.delete(["a"]) == 0
    assert store.delete([]) == 0
    assert store.put_many([]) == 0


def test_sql_keeps_every_field_of_a_record(sql_store: Store, a_record: AnyRecord) -> None:
    """Those an engine can search by."""
    record = a_record(
        "a",
        "FAILURE",
        name="shop.tasks.add",
        worker="celery@cellar",
        queue="beets",
        retries=3,
        parent_id="p",
        group_id="g",
        done_at=1_700_000_000.123456,
        expires_at=4_000_000_000.654321,
    )
    sql_store.put(record)
    expected = record._replace(done_at=pytest.approx(record.done_at, abs=1e-5))  # type: ignore[arg-type]
    expected = expected._replace(expires_at=pytest.approx(record.expires_at, abs=1e-5))  # type: ignore[arg-type]

    assert expected == sql_store.get("a")
    assert {"a": expected} == sql_store.get_many(["a"])
    assert [[expected]] == list(sql_store.scan())


def test_a_record_that_replaces_another_replaces_all_of_it(sql_store: Store, a_record: AnyRecord) -> None:
    """No field of the old one shows through."""
    sql_store.put(a_record("a", "RETRY", name="n", worker="w", queue="q", retries=1, parent_id="p", done_at=1.0))

    sql_store.put(a_record("a", "FAILURE"))

    assert a_record("a", "FAILURE") == sql_store.get("a")


@pytest.mark.parametrize("compression", [(None, None), (None, "gzip"), ("gzip", None), ("gzip", "gzip")])
def test_every_pair_of_states_is_merged_by_the_rule(
    store: Store, a_record: AnyRecord, compression: tuple[str | None, str | None]
) -> None:
    """A SUCCESS is final, no state gives way to one that has come less far; also where the payloads are compressed."""
    expected, actual, answers, is_new = {}, {}, {}, {}
    for old_state, new_state in itertools.product(STATES, STATES):
        record_id = f"{old_state}-{new_state}"
        old = a_record(record_id, old_state, "old", compression[0])
        new = a_record(record_id, new_state, "new", compression[1])
        store.put(old)
        answers[record_id] = store.put(new)
        is_new[record_id] = merge(old, new) is new
        expected[record_id] = essence(merge(old, new))
        actual[record_id] = essence(store.get(record_id))

    assert expected == actual
    assert is_new == answers


def test_the_same_success_again_changes_nothing_and_says_so(store: Store, a_record: AnyRecord) -> None:
    """A put that is repeated because its answer was lost."""
    record = a_record("a")
    store.put(record)

    assert store.put(record) is False
    assert essence(record) == essence(store.get("a"))


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_threads_that_race_to_store_a_success_have_one_winner(
    store: Store, a_record: AnyRecord, compression: str | None
) -> None:
    """One is told that it changed something, and its payload is what lies there."""
    start = threading.Barrier(8)
    won: list[Record] = []
    errors: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(10):
                start.wait(60)
                record = a_record(str(number), "SUCCESS", writer, compression)
                if store.put(record):
                    won.append(record)
        except BaseException as exc:
            errors.append(exc)
            start.abort()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert [str(number) for number in range(10)] == sorted(record.id for record in won)
    assert {record.id: essence(record) for record in won} == {
        record_id: essence(record) for record_id, record in store.get_many([r.id for r in won]).items()
    }


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_processes_that_race_leave_the_success(
    store_url: str, open_it: Callable[..., Store], a_record: AnyRecord, compression: str | None
) -> None:
    """Seven report a FAILURE or a RETRY over and over, one a SUCCESS: that is what remains."""

    def write(writer: int) -> list[bool]:
        mine = open_store(store_url)
        state = "SUCCESS" if writer == 0 else ("FAILURE", "RETRY")[writer % 2]
        return [mine.put(a_record(str(number), state, writer, compression)) for number in range(10)]

    answers = race(8, write)

    assert answers[0] == [True] * 10
    found = open_it(store_url).get_many([str(number) for number in range(10)])
    assert {str(number): essence(a_record(str(number), "SUCCESS", 0, compression)) for number in range(10)} == {
        record_id: essence(record) for record_id, record in found.items()
    }


@pytest.mark.parametrize("payload_size", [0, 1 << 20, 10 << 20])
def test_a_payload_of_any_size_is_read_back(store: Store, a_record: AnyRecord, payload_size: int) -> None:
    """Alone and among others."""
    record, other = a_record("a", "SUCCESS", "x" * payload_size), a_record("b")
    store.put(other)
    store.put(record)

    assert essence(record) == essence(store.get("a"))
    assert {"a": essence(record), "b": essence(other)} == {
        record_id: essence(found) for record_id, found in store.get_many(["a", "b"]).items()
    }


def test_a_payload_is_bytes_not_text(store: Store, a_record: AnyRecord) -> None:
    """Zeros, and what is no UTF-8."""
    record = a_record("a", "SUCCESS", "Rüben 🥕 \0 \x7f", compression="gzip")
    store.put(record)

    assert essence(record) == essence(store.get("a"))


def test_sql_keeps_a_payload_of_no_bytes(sql_store: Store) -> None:
    """It is not the same as none."""
    sql_store.put(Record("a", "SUCCESS", b""))

    assert Record("a", "SUCCESS", b"") == sql_store.get("a")


def test_ids_of_all_kinds_stay_what_they_are(store: Store, a_record: AnyRecord) -> None:
    """Quotes, backslashes, patterns, other scripts, 255 characters: read, watched, scanned and deleted alike."""
    records = {record_id: a_record(record_id, "SUCCESS", record_id) for record_id in ODD_IDS}
    for record in records.values():
        store.put(record)
    expected = {record_id: essence(record) for record_id, record in records.items()}

    assert expected == {record_id: essence(store.get(record_id)) for record_id in ODD_IDS}
    assert expected == {record_id: essence(record) for record_id, record in store.get_many(ODD_IDS).items()}
    assert expected == {record.id: essence(record) for batch in store.scan() for record in batch}
    assert len(ODD_IDS) == store.delete(ODD_IDS)
    assert store.get_many(ODD_IDS) == {}


def test_ids_differ_in_case_and_accents(store: Store, a_record: AnyRecord) -> None:
    """They are compared byte by byte, in every locale."""
    ids = ("a", "A", "á", "a\u0301", "a ", " a")
    for record_id in ids:
        store.put(a_record(record_id, "SUCCESS", record_id))

    assert {record_id: a_record(record_id, "SUCCESS", record_id).payload for record_id in ids} == {
        record_id: record.payload for record_id, record in store.get_many(ids).items()
    }


def test_many_records_are_read_in_batches(store: Store, a_record: AnyRecord) -> None:
    """2,500 of them, and some that are not there."""
    records = [a_record(f"{number:04}", "SUCCESS", number) for number in range(2500)]

    assert store.put_many(iter(records)) == 2500
    found = store.get_many([*(record.id for record in records), "missing"])

    assert {record.id: essence(record) for record in records} == {i: essence(r) for i, r in found.items()}


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_states_are_read_without_their_records(store: Store, a_record: AnyRecord, compression: str | None) -> None:
    """2,500 of them; those that are not there are left out, and those that have expired."""
    ids = [f"{number:04}" for number in range(2500)]
    records = [a_record(i, STATES[n % len(STATES)], "x" * 100, compression) for n, i in enumerate(ids)]
    store.put_many(records)
    store.put(a_record("over", "SUCCESS", "x", compression, expires_at=time.time() - 1))
    wait_until(lambda: store.get("over") is None, "it expires")

    assert {record.id: record.state for record in records} == store.states([*ids, "over", "missing"])
    assert store.states([]) == {}


def test_an_id_asked_for_twice_is_found_once(store: Store, a_record: AnyRecord) -> None:
    """The answer is by id."""
    store.put(a_record("a"))

    assert list(store.get_many(["a", "a"])) == ["a"]


def test_storing_many_obeys_the_rule_for_each(store: Store, a_record: AnyRecord) -> None:
    """Also among themselves; only those that changed something are counted."""
    store.put(a_record("done", "SUCCESS", "first"))
    store.put(a_record("failed", "FAILURE", "first"))

    changed = store.put_many(
        [
            a_record("done", "SUCCESS", "second"),
            a_record("failed", "SUCCESS", "second"),
            a_record("failed", "FAILURE", "third"),
            a_record("new", "STARTED", "first"),
            a_record("new", "PENDING", "second"),
            a_record("new", "SUCCESS", "third"),
        ]
    )

    assert changed == 3
    assert {
        "done": essence(a_record("done", "SUCCESS", "first")),
        "failed": essence(a_record("failed", "SUCCESS", "second")),
        "new": essence(a_record("new", "SUCCESS", "third")),
    } == {i: essence(record) for i, record in store.get_many(["done", "failed", "new"]).items()}


def test_deleting_counts_what_there_was(store: Store, a_record: AnyRecord) -> None:
    """And leaves the rest; a deleted SUCCESS may be stored anew."""
    store.put_many([a_record("a"), a_record("b"), a_record("c")])

    assert store.delete(["a", "b", "missing"]) == 2
    assert list(store.get_many(["a", "b", "c"])) == ["c"]
    assert store.put(a_record("a", "STARTED")) is True


def test_thousands_are_deleted_at_once(store: Store, a_record: AnyRecord) -> None:
    """In batches."""
    ids = [f"{number:04}" for number in range(2500)]
    store.put_many(a_record(record_id) for record_id in ids)

    assert store.delete(ids) == 2500
    assert store.get_many(ids) == {}


def test_a_second_store_on_the_same_url_sees_the_same_records(
    store: Store, store_url: str, open_it: Callable[..., Store], a_record: AnyRecord
) -> None:
    """With and without the prefix, in this process and another."""
    store.put(a_record("a"))

    assert essence(a_record("a")) == essence(open_it(f"cellar+{store_url}").get("a"))
    assert essence(a_record("a")) == essence(in_child(lambda: open_store(store_url).get("a")))


def test_a_closed_store_may_be_used_again(store: Store, a_record: AnyRecord) -> None:
    """It opens new connections."""
    store.put(a_record("a"))

    store.close()
    store.close()

    assert essence(a_record("a")) == essence(store.get("a"))


def test_an_error_while_storing_many_leaves_a_store_that_works(store: Store, a_record: AnyRecord) -> None:
    """Whoever supplies the records may fail in the middle."""

    def some() -> object:
        yield a_record("a")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        store.put_many(some())  # type: ignore[arg-type]

    assert store.put(a_record("b")) is True
    assert list(store.get_many(["b"])) == ["b"]


def test_a_thousand_uses_by_eight_threads_stay_apart(store: Store, a_record: AnyRecord) -> None:
    """Everybody reads what they wrote."""
    errors: list[object] = []

    def work(thread: int) -> None:
        try:
            for number in range(25):
                record = a_record(f"{thread}-{number}", "SUCCESS", f"{thread}-{number}")
                store.put(record)
                if essence(record) != essence(store.get(record.id)):
                    errors.append(record)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


# -- what only Redis can meet: others write there too ------------------------------------------------------------------


@pytest.mark.redis
def test_one_record_that_cannot_be_read_does_not_hide_the_others(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord, redis_client: object
) -> None:
    """Bytes that somebody else wrote under a task's key."""
    store = open_it(redis_url)
    store.put(a_record("good"))
    redis_client.set("celery-task-meta-bad", b"\x80\x04K\x01.")  # type: ignore[attr-defined]

    assert "good" in store.get_many(["good", "bad"])
    assert "good" in {record.id for batch in store.scan() for record in batch}


@pytest.mark.redis
def test_a_result_is_stored_over_bytes_that_cannot_be_read(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord, redis_client: object
) -> None:
    """They are no SUCCESS anybody could have read, and a finished task's result is never lost."""
    store = open_it(redis_url)
    redis_client.set("celery-task-meta-a", b"\x80\x04K\x01.")  # type: ignore[attr-defined]

    assert store.put(a_record("a")) is True
    assert essence(a_record("a")) == essence(store.get("a"))


@pytest.mark.redis
def test_a_record_that_cannot_be_read_says_so(
    redis_url: str, open_it: Callable[..., Store], redis_client: object
) -> None:
    """Where it is asked for by name: an error, or a record whose payload then fails to decode."""
    store = open_it(redis_url)
    redis_client.set("celery-task-meta-bad", b"\x80\x04K\x01.")  # type: ignore[attr-defined]

    try:
        record = store.get("bad")
    except DecodeError:
        return
    assert record is not None
    assert record.payload == b"\x80\x04K\x01."


@pytest.mark.redis
def test_answers_stay_in_step_after_a_key_of_another_kind_was_met(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord, redis_client: object
) -> None:
    """A list under a task's key makes Redis refuse one command of several sent together."""
    store = open_it(redis_url)
    for number in range(5):
        store.put(a_record(str(number), "SUCCESS", number))
    redis_client.rpush("celery-task-meta-list", "x")  # type: ignore[attr-defined]

    with suppress(RootcellarError):
        list(store.scan())

    assert {str(number): essence(a_record(str(number), "SUCCESS", number)) for number in range(5)} == {
        str(number): essence(store.get(str(number))) for number in range(5)
    }


@pytest.mark.redis
@pytest.mark.filterwarnings("ignore:.*setex:DeprecationWarning")  # Celery's own call
def test_what_celery_wrote_is_read_and_what_we_write_celery_reads(
    redis_url: str, open_it: Callable[..., Store]
) -> None:
    """The same keys and bytes, so that a fleet can be half one and half the other."""
    from celery import Celery

    store = open_it(redis_url)
    app = Celery(backend=redis_url, set_as_current=False)
    app.conf.result_compression = "gzip"
    app.backend.store_result("theirs", {"x": 1}, "SUCCESS")
    theirs = store.get("theirs")
    assert theirs is not None
    store.put(theirs._replace(id="ours"))

    assert theirs.state == "SUCCESS"
    assert app.backend.get_task_meta("ours")["result"] == {"x": 1}
    app.backend.client.close()
    app.backend.result_consumer.stop()
