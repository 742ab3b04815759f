"""Hearing of changes, on every engine."""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from rootcellar.record import Record
from rootcellar.stores import open_store
from rootcellar.stores.base import Store, Watcher
from rootcellar.waiting import Hub
from servers import in_child, wait_until

AnyRecord = Callable[..., Record]


@pytest.fixture
def watcher(store: Store) -> Iterator[Watcher]:
    """A subscription to an empty store."""
    with closing(store.watcher()) as one:
        yield one


class Ear:
    """Collects the ids a watcher has heard of."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.ids: set[str] = set()
        self.records: list[Record] = []

    def hears(self, *ids: str) -> bool:
        heard = self.watcher.poll(0.2)
        self.records.extend(heard.records)
        self.ids |= set(heard.ids) | {record.id for record in heard.records}
        return set(ids) <= self.ids

    def wait_for(self, *ids: str) -> None:
        wait_until(lambda: self.hears(*ids), f"the watcher hears of {ids}")


def test_a_change_is_heard(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """Every state, not only the last."""
    watcher.add(["a"])
    for state in ("STARTED", "RETRY", "SUCCESS"):
        ear = Ear(watcher)
        store.put(a_record("a", state))
        ear.wait_for("a")


def test_a_record_that_a_notification_carries_is_the_one_that_lies_there(
    store: Store, watcher: Watcher, a_record: AnyRecord
) -> None:
    """Its state and its payload, compressed or not; an engine may carry none."""
    watcher.add(["a", "b"])
    ear = Ear(watcher)
    store.put(a_record("a", "SUCCESS", 1))
    store.put(a_record("b", "FAILURE", 2, compression="gzip"))
    ear.wait_for("a", "b")

    for record in ear.records:
        kept = store.get(record.id)
        assert kept is not None
        assert (kept.state, kept.payload) == (record.state, record.payload)


def test_a_change_by_another_process_is_heard(store_url: str, watcher: Watcher, a_record: AnyRecord) -> None:
    """Which is who changes things, as a rule."""
    watcher.add(["a"])
    in_child(lambda: open_store(store_url).put(a_record("a")))

    Ear(watcher).wait_for("a")


def test_a_change_by_put_many_is_heard(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """All of them."""
    ids = [f"{number:03}" for number in range(300)]
    watcher.add(ids)
    store.put_many(a_record(record_id) for record_id in ids)

    Ear(watcher).wait_for(*ids)


def test_a_success_that_was_kept_is_no_change(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """A late duplicate tells nobody anything: what is heard next is the next change."""
    store.put(a_record("a", "SUCCESS", "first"))
    watcher.add(["a", "b"])
    store.put(a_record("a", "SUCCESS", "second"))
    store.put(a_record("b"))
    ear = Ear(watcher)
    ear.wait_for("b")

    assert "second" not in "".join(record.payload.decode() for record in ear.records)


def test_ids_of_all_kinds_are_heard(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """Quotes, backslashes, braces, other scripts, 255 characters."""
    ids = ["it's", 'a"b', "back\\slash", "{x,y}", "半分 🥕", "*", "x" * 255, "🥕" * 255]
    watcher.add(ids)
    store.put_many(a_record(record_id) for record_id in ids)

    Ear(watcher).wait_for(*ids)


def test_a_thousand_ids_are_watched(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """With one call."""
    ids = [f"{number:04}" for number in range(1000)]
    watcher.add(ids)
    store.put(a_record("0999"))

    Ear(watcher).wait_for("0999")


def test_adding_an_id_again_does_no_harm(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """The hub does, after a reconnection."""
    watcher.add(["a"])
    watcher.add(["a", "b"])
    store.put(a_record("a"))

    Ear(watcher).wait_for("a")


def test_a_discarded_id_is_not_heard(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """And the others still are. An engine that hears of every change may go on hearing of it."""
    watcher.add(["a", "b"])
    watcher.discard(["a", "unknown"])
    store.put(a_record("a"))
    store.put(a_record("b"))
    ear = Ear(watcher)
    ear.wait_for("b")

    assert {"b"} == (ear.ids if store.capabilities.shared_between_hosts else ear.ids - {"a"})


def test_an_id_discarded_and_added_again_is_heard(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """Given up, and wanted after all."""
    watcher.add(["a"])
    watcher.discard(["a"])
    watcher.add(["a"])
    store.put(a_record("a"))

    Ear(watcher).wait_for("a")


def test_discarding_nothing_discards_nothing(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """Redis takes UNSUBSCRIBE without channels for all of them."""
    watcher.add(["a"])
    watcher.add([])
    watcher.discard([])
    store.put(a_record("a"))

    Ear(watcher).wait_for("a")


def settle(watcher: Watcher) -> None:
    """Return when nothing is left to hear, so that the next poll waits."""

    def waits() -> bool:
        before = time.monotonic()
        watcher.poll(0.02)
        return time.monotonic() - before >= 0.019

    wait_until(waits, "a poll that finds nothing to hear waits")


def poll_in_a_thread(watcher: Watcher) -> threading.Thread:
    """Poll for an hour, in a thread."""
    thread = threading.Thread(target=watcher.poll, args=(3600.0,), daemon=True)
    thread.start()
    return thread


def test_a_wake_up_ends_a_poll_at_once(watcher: Watcher) -> None:
    """From another thread, also while nothing is watched."""
    settle(watcher)
    thread = poll_in_a_thread(watcher)
    wait_until(thread.is_alive, "the poll is under way")

    watcher.wake()
    thread.join(30)

    assert not thread.is_alive()


def test_a_wake_up_before_a_poll_ends_the_next_one(watcher: Watcher) -> None:
    """It must not be lost in between."""
    settle(watcher)
    watcher.wake()
    thread = poll_in_a_thread(watcher)
    thread.join(30)

    assert not thread.is_alive()


def test_any_number_of_wake_ups_is_one(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """They neither block nor fail, and after them the watcher still hears."""
    for _ in range(100_000):
        watcher.wake()

    settle(watcher)
    watcher.add(["a"])
    store.put(a_record("a"))

    Ear(watcher).wait_for("a")


def test_waking_a_closed_watcher_does_nothing(store: Store) -> None:
    """A finalizer may come late; closing twice is fine too."""
    watcher = store.watcher()
    watcher.close()
    watcher.wake()
    watcher.close()


def test_a_poll_that_hears_nothing_ends_when_its_time_is_over(watcher: Watcher) -> None:
    """With nothing."""
    watcher.add(["a"])
    heard = watcher.poll(0.01)

    assert (list(heard.ids), list(heard.records)) == ([], [])


def test_two_watchers_hear_the_same_change(store: Store, watcher: Watcher, a_record: AnyRecord) -> None:
    """One process's subscription is not another's."""
    with closing(store.watcher()) as other:
        watcher.add(["a"])
        other.add(["a"])
        other.discard(["a"])
        other.add(["a"])
        store.put(a_record("a"))

        Ear(watcher).wait_for("a")
        Ear(other).wait_for("a")


def test_a_closed_watcher_leaves_the_store_as_it_was(store: Store, a_record: AnyRecord) -> None:
    """Nothing of it is left behind, and storing goes on."""
    watcher = store.watcher()
    watcher.add(["a"])
    watcher.close()

    assert store.put(a_record("a")) is True


@pytest.mark.postgresql
def test_postgresql_keeps_no_row_of_a_watcher_that_is_gone(
    postgresql_url: str, open_it: Callable[..., Store], execute: Callable[..., list[object]]
) -> None:
    """Each would cost every later put of that id."""
    store = open_it(postgresql_url)
    watcher = store.watcher()
    watcher.add(["a", "b"])
    assert execute(postgresql_url, "SELECT count(*) FROM cellar_waiter") == [(2,)]
    watcher.close()

    assert execute(postgresql_url, "SELECT count(*) FROM cellar_waiter") == [(0,)]


@pytest.mark.postgresql
def test_postgresql_purges_the_rows_of_a_watcher_that_died(
    postgresql_url: str, open_it: Callable[..., Store], execute: Callable[..., list[object]]
) -> None:
    """It could not say so itself."""
    store = open_it(postgresql_url)
    with closing(store.watcher()) as watcher:
        watcher.add(["alive"])
        execute(postgresql_url, "INSERT INTO cellar_waiter VALUES ('dead', 'c', now() - interval '1 hour')")
        list(store.purge())

        assert execute(postgresql_url, "SELECT id FROM cellar_waiter") == [("alive",)]


WRITER = """
import sys
from rootcellar.record import Record
from rootcellar.stores import open_store

store = open_store(sys.argv[1])
for number in range(50):
    store.put(Record(f"{sys.argv[2]}-{number}", "SUCCESS", b'{"status": "SUCCESS", "result": null}'))
"""


def test_the_hub_delivers_what_other_processes_store(store: Store, store_url: str) -> None:
    """Two that have nothing to do with this one, 50 records each; each record once."""
    ids = [f"{writer}-{number}" for writer in range(2) for number in range(50)]
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = Hub(store)
    try:
        hub.wait(ids, got.put)
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, store_url, str(writer)]) for writer in range(2)]

        assert sorted(ids) == sorted(got.get(timeout=30).id for _ in ids)
        assert [writer.wait() for writer in writers] == [0, 0]
        assert got.empty()
    finally:
        hub.close()


@pytest.mark.redis
def test_one_record_that_cannot_be_read_does_not_keep_others_from_their_waiters(
    redis_url: str, open_it: Callable[..., Store], a_record: AnyRecord, redis_client: object
) -> None:
    """Damaged bytes are one waiter's trouble, not the whole process's."""
    store = open_it(redis_url)
    redis_client.set("celery-task-meta-bad", b"\x80\x04K\x01.")  # type: ignore[attr-defined]
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = Hub(store, look_interval_s=0.05)
    try:
        hub.wait(["bad"], lambda record: None)
        store.put(a_record("good"))
        hub.wait(["good"], got.put)

        assert wait_until(lambda: not got.empty(), "'good' is delivered", timeout_s=5)
    finally:
        hub.close()
