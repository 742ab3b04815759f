"""The hub's own logic, on a store in memory: its thread and its connection, and when they end."""

import logging
import queue
import threading
from collections.abc import Callable

import pytest

from fakes import FakeStore, settle
from rootcellar.errors import StoreUnavailable
from rootcellar.record import Record
from rootcellar.waiting import Hub
from servers import in_child, wait_until

DONE = Record("a", "SUCCESS", b"1")


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), OSError("gone"), KeyError("gone")])
def test_a_lost_connection_is_made_again_and_everything_subscribed_again(
    store: FakeStore, make_hub: Callable[..., Hub], caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """And read, since whatever changed meanwhile was not heard."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub()
    hub.wait(["a", "b"], got.put)
    settle(store, "a", "b")
    store.change(DONE, silently=True)

    store.watchers[0].said.put(error)

    assert DONE is got.get(timeout=30)
    assert store.watchers[0].is_closed
    wait_until(lambda: len(store.watchers) == 2, "a second connection")
    assert store.watchers[1].calls[0] == ("add", ("a", "b"))
    store.change(Record("b", "SUCCESS", b"2"))
    assert got.get(timeout=30).id == "b"
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


def test_an_outage_is_told_once_and_so_is_its_end(
    store: FakeStore, make_hub: Callable[..., Hub], caplog: pytest.LogCaptureFixture
) -> None:
    """However often connecting fails meanwhile."""
    caplog.set_level(logging.INFO, "rootcellar")
    hub = make_hub()
    hub.wait(["a"], lambda record: None)
    settle(store, "a")
    for outage in (1, 2):
        store.fails = [StoreUnavailable("down")] * 3
        store.watchers[-1].said.put(StoreUnavailable("gone"))
        wait_until(lambda: len(store.watchers) == outage + 1, "a new connection")  # noqa: B023
        settle(store, "a")
        wait_until(lambda: caplog.text.count("connection again") == outage, "it says so")  # noqa: B023
        assert caplog.text.count("There is no notification connection") == outage


def test_a_look_that_fails_in_an_outage_does_not_end_the_thread(
    store: FakeStore, make_hub: Callable[..., Hub], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it raises: somebody waits."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub(look_interval_s=0.001)
    hub.wait(["a"], got.put)
    settle(store, "a")

    def fail_once(ids: list[str]) -> None:
        store.on_read = lambda ids: None
        raise KeyError("a bug")

    store.fails = [StoreUnavailable("down")]
    store.on_read = fail_once
    store.watchers[0].said.put(StoreUnavailable("gone"))
    wait_until(lambda: len(store.watchers) == 2, "a new connection")
    store.change(DONE)

    assert DONE is got.get(timeout=30)
    assert hub.is_running
    assert "a bug" in caplog.text


def test_a_wait_begun_during_an_outage_is_served_after_it(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """However often connecting fails."""
    store.fails = [StoreUnavailable("down")] * 3
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub()
    hub.wait(["a"], got.put)
    wait_until(lambda: len(store.fails) < 3, "the first attempt has failed")
    hub.wait(["b"], got.put)
    wait_until(lambda: store.watchers, "it is connected")
    settle(store, "a", "b")

    store.change(DONE)
    store.change(Record("b", "SUCCESS", b"2"))

    assert {"a", "b"} == {got.get(timeout=30).id, got.get(timeout=30).id}


def test_the_thread_ends_when_nobody_has_waited_for_a_while(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """With its connection; the next wait starts another."""
    hub = make_hub(linger_s=0.01)
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub.wait(["a"], got.put)
    settle(store, "a")
    assert hub.is_running
    store.change(DONE)
    got.get(timeout=30)

    wait_until(lambda: not hub.is_running, "the thread ends")
    wait_until(lambda: store.watchers[0].is_closed, "its connection is closed")
    hub.wait(["b"], got.put)
    wait_until(lambda: len(store.watchers) == 2, "another connection is made")
    settle(store, "b")
    store.change(Record("b", "SUCCESS", b"2"))

    assert got.get(timeout=30).id == "b"


def test_no_wait_is_lost_while_the_thread_is_ending(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """It either takes the wait along or is followed by another."""
    hub = make_hub(linger_s=0.0)
    for number in range(300):
        record = Record(str(number), "SUCCESS", b"")
        store.change(record, silently=True)
        got: queue.SimpleQueue[Record] = queue.SimpleQueue()

        hub.wait([record.id], got.put)

        assert record is got.get(timeout=30)


def test_a_connection_that_fails_when_nobody_waits_is_not_made_again(
    store: FakeStore, make_hub: Callable[..., Hub]
) -> None:
    """An outage keeps no thread alive that has nothing to do."""
    hub = make_hub(linger_s=0.01)
    wait = hub.wait(["a"], lambda record: None)
    settle(store, "a")
    store.fails = [StoreUnavailable("down")] * 1000
    hub.cancel(wait)
    store.watchers[0].said.put(StoreUnavailable("gone"))

    wait_until(lambda: not hub.is_running, "the thread ends")
    assert store.watchers[0].is_closed


def test_closing_ends_the_thread_and_its_connection(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """Open waits get nothing more; closing again does nothing; a later wait starts anew."""
    hub = make_hub()
    late: list[Record] = []
    hub.wait(["a"], late.append)
    settle(store, "a")

    hub.close()
    hub.close()

    assert not hub.is_running
    assert store.watchers[0].is_closed
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    store.change(DONE, silently=True)
    hub.wait(["a"], got.put)
    assert DONE is got.get(timeout=30)
    assert late == []


def test_many_threads_may_wait_at_once(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """With one thread and one connection for all of them."""
    hub = make_hub()
    got: queue.SimpleQueue[str] = queue.SimpleQueue()
    ids = {f"{thread}-{number}" for thread in range(8) for number in range(50)}
    for record_id in ids:
        store.change(Record(record_id, "SUCCESS", b""), silently=True)

    def work(thread: int) -> None:
        for number in range(50):
            hub.wait([f"{thread}-{number}"], lambda record: got.put(record.id))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids == {got.get(timeout=30) for _ in ids}
    assert got.empty()
    assert len(store.watchers) == 1


def test_a_child_has_a_hub_of_its_own(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """It knows nothing of its parent's waits, and leaves its parent's connection alone."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub.wait(["a"], got.put)
    settle(store, "a")

    def in_the_child() -> tuple[bool, str, bool, int]:
        was_running = hub.is_running
        store.change(Record("b", "SUCCESS", b"2"), silently=True)
        mine: queue.SimpleQueue[Record] = queue.SimpleQueue()
        hub.wait(["b"], mine.put)
        record = mine.get(timeout=30)
        hub.close()
        return was_running, record.id, store.watchers[0].is_closed, len(store.watchers)

    assert in_child(in_the_child) == (False, "b", False, 2)
    store.change(DONE)
    assert DONE is got.get(timeout=30)
    assert len(store.watchers) == 1
