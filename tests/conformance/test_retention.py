"""Expiry, purging, scanning and counting, on every engine."""

import time
from collections.abc import Callable

import pytest

from rootcellar.errors import Unsupported
from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import wait_until

AnyRecord = Callable[..., Record]

FAR_S = 3600.0


def expired() -> float:
    """A moment that is over. Redis keeps whole seconds, at least one: there it is over in a second."""
    return time.time() - 1


def test_an_expired_record_is_invisible(store: Store, a_record: AnyRecord) -> None:
    """To every verb that reads; those that have time left, or for ever, are seen."""
    store.put(a_record("over", expires_at=expired()))
    store.put(a_record("lasting", expires_at=time.time() + FAR_S))
    store.put(a_record("eternal", expires_at=None))

    wait_until(lambda: store.get("over") is None, "it expires")

    assert {"lasting", "eternal"} == set(store.get_many(["over", "lasting", "eternal"]))
    assert {"lasting", "eternal"} == {record.id for batch in store.scan() for record in batch}


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_success_that_expired_may_be_replaced(store: Store, a_record: AnyRecord, compression: str | None) -> None:
    """Nobody can read it any more, so nobody is told otherwise."""
    store.put(a_record("a", "SUCCESS", "old", compression, expires_at=expired()))
    wait_until(lambda: store.get("a") is None, "it expires")

    assert store.put(a_record("a", "FAILURE", "new")) is True
    kept = store.get("a")
    assert kept is not None
    assert kept.state == "FAILURE"


def test_a_new_state_brings_a_new_expiry(store: Store, a_record: AnyRecord) -> None:
    """What was to expire soon is kept for ever, and the other way round."""
    store.put(a_record("kept", "STARTED", expires_at=time.time() + 1))
    store.put(a_record("kept", "SUCCESS", expires_at=None))
    store.put(a_record("dropped", "STARTED", expires_at=None))
    store.put(a_record("dropped", "SUCCESS", expires_at=time.time() + 1))

    wait_until(lambda: store.get("dropped") is None, "it expires")

    assert store.get("kept") is not None


def test_redis_keeps_a_record_as_long_as_it_says(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord, redis_client: object
) -> None:
    """To the second, rounded up; never shorter."""
    store = open_it(redis_url)
    now = time.time()
    store.put(a_record("hour", expires_at=now + FAR_S))
    store.put(a_record("eternal", expires_at=None))

    until = redis_client.pexpiretime("celery-task-meta-hour") / 1000  # type: ignore[attr-defined]
    assert now + FAR_S <= until + 0.001
    assert until <= time.time() + FAR_S + 1
    assert redis_client.ttl("celery-task-meta-eternal") == -1  # type: ignore[attr-defined]


def test_sql_purges_in_batches(sql_store: Store, a_record: AnyRecord) -> None:
    """Expired records, then expired groups; what has time left stays."""
    sql_store.put_many(a_record(f"over{number}", expires_at=expired()) for number in range(25))
    sql_store.put(a_record("lasting", expires_at=time.time() + FAR_S))
    sql_store.put(a_record("eternal"))
    for number in range(3):
        sql_store.group_put(f"over{number}", b"g", expired())
    sql_store.group_put("lasting", b"g", time.time() + FAR_S)
    sql_store.group_put("eternal", b"g", None)

    assert list(sql_store.purge(batch=10)) == [10, 10, 5, 3]
    assert list(sql_store.purge(batch=10)) == []
    assert {"lasting", "eternal"} == {record.id for batch in sql_store.scan() for record in batch}
    assert (sql_store.group_get("lasting"), sql_store.group_get("eternal")) == (b"g", b"g")


def test_purging_does_nothing_where_the_engine_does_it(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord
) -> None:
    """Redis."""
    store = open_it(redis_url)
    store.put(a_record("a"))

    assert store.capabilities.expires_itself
    assert list(store.purge()) == []
    assert store.get("a") is not None


def test_a_scan_sees_everything_once(store: Store, a_record: AnyRecord) -> None:
    """2,500 records, whatever the batch."""
    ids = {f"{number:04}" for number in range(2500)}
    store.put_many(a_record(record_id) for record_id in ids)

    for batch in (100, 1000, 5000):
        found = [record.id for records in store.scan(batch=batch) for record in records]
        assert (ids, 2500) == (set(found), len(found))


def test_a_scan_of_nothing_yields_nothing(store: Store) -> None:
    """Not an empty batch."""
    assert list(store.scan()) == []


def test_a_scan_leaves_other_things_in_the_store_alone(store: Store, a_record: AnyRecord) -> None:
    """Groups are no records."""
    store.put(a_record("a"))
    store.group_put("g", b"document", None)

    assert [[record.id for record in batch] for batch in store.scan()] == [["a"]]


def test_sql_resumes_a_scan_behind_an_id(sql_store: Store, a_record: AnyRecord) -> None:
    """In batches of just the size, in one order on every engine, whatever is in the ids."""
    ids = [f"{number:02}" for number in range(20)] + ["A", "a", "é", "ж", "半", "🥕", "back\\slash", "it's"]
    sql_store.put_many(a_record(record_id) for record_id in ids)
    batches = sql_store.scan(batch=5)
    first, second = next(batches), next(batches)
    rest = [record.id for records in sql_store.scan(after=second[-1].id, batch=5) for record in records]

    assert [len(first), len(second)] == [5, 5]
    assert sorted(ids) == [record.id for record in first + second] + rest


def test_redis_refuses_to_resume_a_scan(redis_url: str, open_it: Callable[..., Store]) -> None:
    """It has no order of keys; a clear error, never a silent start from the beginning."""
    with pytest.raises(Unsupported, match="no order"):
        next(open_it(redis_url).scan(after="a"))


def test_records_stored_during_a_scan_do_not_disturb_it(store: Store, a_record: AnyRecord) -> None:
    """Whatever lay there when it began is seen."""
    ids = {f"{number:04}" for number in range(500)}
    store.put_many(a_record(record_id) for record_id in ids)
    seen = set()
    for number, records in enumerate(store.scan(batch=100)):
        seen |= {record.id for record in records}
        store.put(a_record(f"new{number}"))

    assert ids == seen & ids


def test_stats_count_by_state(store: Store, a_record: AnyRecord) -> None:
    """And say how much room it all takes."""
    store.put_many(a_record(f"done{number}") for number in range(3))
    store.put_many(a_record(f"failed{number}", "FAILURE") for number in range(2))
    store.put(a_record("odd", "À MOITIÉ", compression="gzip"))

    stats = store.stats()

    assert stats.records == 6
    assert stats.by_state["SUCCESS"] == 3
    assert stats.by_state["FAILURE"] == 2
    assert stats.bytes > 0


def test_stats_of_an_empty_store_are_nothing(store: Store) -> None:
    """Also of one that was never used."""
    stats = store.stats()

    assert (stats.records, dict(stats.by_state)) == (0, {})


def test_a_group_is_kept_replaced_and_deleted(store: Store) -> None:
    """Its document byte for byte."""
    assert store.group_get("g") is None
    store.group_delete("g")

    store.group_put("g", b"first \x00\xff", None)
    assert store.group_get("g") == b"first \x00\xff"
    store.group_put("g", b"second", time.time() + FAR_S)
    assert store.group_get("g") == b"second"
    store.group_delete("g")

    assert store.group_get("g") is None


def test_an_expired_group_is_gone(store: Store) -> None:
    """As a record is; and may be saved again."""
    store.group_put("g", b"document", expired())
    wait_until(lambda: store.group_get("g") is None, "it expires")

    store.group_put("g", b"again", None)

    assert store.group_get("g") == b"again"


def test_a_group_and_a_task_may_have_one_id(store: Store, a_record: AnyRecord) -> None:
    """They lie apart; odd ids included."""
    odd = 'it\'s "a" \\ 半 * {x}'
    store.put(a_record(odd))
    store.group_put(odd, b"document", None)
    assert store.delete([odd]) == 1

    assert store.group_get(odd) == b"document"
