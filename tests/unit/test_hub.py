"""The hub's own logic, on a store in memory: what it delivers, when it looks, and when it ends."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from rootcellar.errors import StoreUnavailable
from rootcellar.record import Record
from rootcellar.stores.base import Heard, Watcher
from rootcellar.waiting import Hub
from servers import in_child, wait_until

NEVER_S = 3600.0


class FakeWatcher(Watcher):
    """Hears what the test says, and notes what it is asked to watch."""

    def __init__(self, store: "FakeStore") -> None:
        self.store = store
        self.watched: set[str] = set()
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.said: queue.SimpleQueue[Heard | Exception] = queue.SimpleQueue()
        self.polls = 0
        self.is_closed = False

    def add(self, ids: Sequence[str]) -> None:
        self._note("add", ids)
        self.watched |= set(ids)

    def discard(self, ids: Sequence[str]) -> None:
        self._note("discard", ids)
        self.watched -= set(ids)

    def _note(self, verb: str, ids: Sequence[str]) -> None:
        assert threading.current_thread().name == "rootcellar-hub", "only the hub's thread may use its connection"
        assert ids, "Redis takes 'unsubscribe from nothing' for 'from everything'"
        self.calls.append((verb, tuple(sorted(ids))))

    def poll(self, timeout_s: float) -> Heard:
        self.polls += 1
        try:
            said = self.said.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return Heard()
        if isinstance(said, Exception):
            raise said
        return said

    def wake(self) -> None:
        self.said.put(Heard())

    def close(self) -> None:
        self.is_closed = True


class FakeStore:
    """The two verbs of a store that the hub uses."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.reads: list[list[str]] = []
        self.watchers: list[FakeWatcher] = []
        self.fails: list[Exception] = []
        self.on_read: Callable[[list[str]], None] = lambda ids: None

    def get_many(self, ids: Sequence[str]) -> dict[str, Record]:
        self.reads.append(list(ids))
        self.on_read(list(ids))
        return {i: self.records[i] for i in ids if i in self.records}

    def watcher(self) -> FakeWatcher:
        if self.fails:
            raise self.fails.pop(0)
        self.watchers.append(FakeWatcher(self))
        return self.watchers[-1]

    def change(self, record: Record, *, carried: bool = False, silently: bool = False) -> None:
        """Store a record and tell the hub of it, by id or with the record itself."""
        self.records[record.id] = record
        if not silently:
            self.watchers[-1].said.put(Heard(records=[record]) if carried else Heard(ids=[record.id]))


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def make_hub(store: FakeStore) -> Iterator[Callable[..., Hub]]:
    """Make hubs that look again only when told to, and are closed at the end."""
    hubs: list[Hub] = []

    def make(**arguments: float) -> Hub:
        settings: dict[str, Any] = {"look_interval_s": NEVER_S, "linger_s": NEVER_S, **arguments}
        hubs.append(Hub(store, **settings))  # type: ignore[arg-type]
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.close()
        assert not hub.is_running


def is_idle(store: FakeStore, watched: set[str]) -> Callable[[], bool]:
    """Whether the hub watches just these and waits to hear of them."""
    return lambda: bool(store.watchers) and store.watchers[-1].watched == watched and store.watchers[-1].polls > 0


def settle(store: FakeStore, *watched: str) -> None:
    """Return when the hub watches just these ids and has looked a second time."""
    wait_until(is_idle(store, set(watched)), f"the hub watches {watched}")


DONE = Record("a", "SUCCESS", b"1")
STARTED = Record("a", "STARTED", b"0")


def test_nobody_waits_and_nothing_is_paid(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """No thread, no connection, no read."""
    hub = make_hub()

    assert not hub.is_running
    assert (store.watchers, store.reads) == ([], [])


def test_what_is_ready_already_is_delivered(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """By the look that follows the subscription."""
    store.change(DONE, silently=True)
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()

    make_hub().wait(["a"], got.put)

    assert DONE is got.get(timeout=30)


@pytest.mark.parametrize("carried", [True, False])
def test_what_is_heard_is_delivered(store: FakeStore, make_hub: Callable[..., Hub], carried: bool) -> None:
    """Whether the notification carries the record or only its id."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    make_hub().wait(["a"], got.put)
    settle(store, "a")

    store.change(DONE, carried=carried)

    assert DONE is got.get(timeout=30)


def test_a_carried_record_is_not_read_again(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """It is at hand."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    make_hub().wait(["a"], got.put)
    wait_until(lambda: len(store.reads) >= 3, "the first, the regular and the second look are over")
    before = len(store.reads)

    store.change(DONE, carried=True)
    got.get(timeout=30)

    assert before == len(store.reads)


def test_a_final_record_is_delivered_once(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """However often it is heard of."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub()
    hub.wait(["a", "b"], got.put)
    settle(store, "a", "b")
    for _ in range(5):
        store.change(DONE, carried=True)
        store.change(DONE)

    store.change(Record("b", "SUCCESS", b"2"))

    assert [got.get(timeout=30).id, got.get(timeout=30).id] == ["a", "b"]
    assert got.empty()


def test_everybody_who_waits_for_an_id_gets_its_record(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """And it is subscribed to once."""
    hub = make_hub()
    got: list[queue.SimpleQueue[Record]] = [queue.SimpleQueue() for _ in range(3)]
    for one in got:
        hub.wait(["a"], one.put)
    settle(store, "a")

    store.change(DONE)

    assert [one.get(timeout=30) for one in got] == [DONE, DONE, DONE]


def test_an_id_asked_for_twice_in_one_wait_is_one(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """A wait is for a set of ids."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub()
    hub.wait(["a", "a"], got.put)
    hub.wait(["b"], got.put)
    settle(store, "a", "b")

    store.change(DONE)
    store.change(Record("b", "SUCCESS", b"2"))

    assert [got.get(timeout=30).id, got.get(timeout=30).id] == ["a", "b"]


@pytest.mark.parametrize("state", ["PENDING", "STARTED", "RETRY", "PROGRESS"])
def test_a_state_that_is_not_final_is_only_for_those_who_asked(
    store: FakeStore, make_hub: Callable[..., Hub], state: str
) -> None:
    """``every_state``."""
    hub = make_hub()
    final: queue.SimpleQueue[str] = queue.SimpleQueue()
    every: queue.SimpleQueue[str] = queue.SimpleQueue()
    hub.wait(["a"], lambda record: final.put(record.state))
    hub.wait(["a"], lambda record: every.put(record.state), every_state=True)
    settle(store, "a")
    store.change(Record("a", state, b""), carried=True)
    assert state == every.get(timeout=30)

    store.change(Record("a", "FAILURE", b""), carried=True)

    assert final.get(timeout=30) == "FAILURE"
    wait_until(lambda: every.get(timeout=30) == "FAILURE", "the last of every state is the final one")
    assert final.empty()


def test_a_cancelled_wait_gets_nothing(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """And is unsubscribed; others are not disturbed."""
    hub = make_hub()
    cancelled: list[Record] = []
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    wait = hub.wait(["a", "b"], cancelled.append)
    hub.wait(["b"], got.put)
    settle(store, "a", "b")

    hub.cancel(wait)
    hub._wake()
    settle(store, "b")
    store.change(DONE)
    store.change(Record("b", "SUCCESS", b"2"))

    assert got.get(timeout=30).id == "b"
    assert cancelled == []


def test_cancelling_twice_or_after_the_delivery_does_no_harm(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """A finalizer cannot know."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    wait = hub.wait(["a"], got.put)
    settle(store, "a")
    store.change(DONE)
    got.get(timeout=30)

    hub.cancel(wait)
    hub.cancel(wait)
    hub.wait(["b"], got.put)
    settle(store, "b")
    store.change(Record("b", "SUCCESS", b"2"))

    assert got.get(timeout=30).id == "b"


def test_a_wait_that_is_over_is_unsubscribed(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """Nothing piles up."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub.wait(["a"], got.put)
    settle(store, "a")

    store.change(DONE)

    assert DONE is got.get(timeout=30)
    wait_until(lambda: store.watchers[-1].watched == set(), "it is unsubscribed")


def test_waiting_again_for_an_id_just_given_up_subscribes_again(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """The departure of one and the arrival of another may come in one turn."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    for _ in range(20):
        wait = hub.wait(["a"], got.put)
        hub.cancel(wait)
    hub.wait(["a"], got.put)
    settle(store, "a")

    store.change(DONE)

    assert DONE is got.get(timeout=30)
    assert got.empty()


def test_a_lost_notification_costs_a_look(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """Everything waited for is read again now and then."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    make_hub(look_interval_s=0.01).wait(["a"], got.put)
    wait_until(lambda: len(store.reads) > 3, "several looks have found nothing")

    store.change(DONE, silently=True)

    assert DONE is got.get(timeout=30)


def test_a_change_while_a_wait_was_being_registered_is_found_by_the_second_look(
    store: FakeStore, make_hub: Callable[..., Hub]
) -> None:
    """It came too early for the subscription and too late for the first look."""
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    hub = make_hub()
    hub.wait(["other"], got.put)
    wait_until(lambda: len(store.reads) >= 3, "the hub has settled")

    def commit_afterwards(ids: list[str]) -> None:
        if ids == ["a"]:
            store.on_read = lambda ids: None
            threading.Timer(0, store.change, (DONE,), {"silently": True}).start()

    store.on_read = commit_afterwards
    hub.wait(["a"], got.put)

    assert DONE is got.get(timeout=30)


def test_a_thousand_ids_are_one_read_and_one_subscription(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """And 2,500 are three of each."""
    ids = [f"{number:04}" for number in range(2500)]
    make_hub().wait(ids, lambda record: None)
    settle(store, *ids)

    assert [len(ids) for verb, ids in store.watchers[0].calls if verb == "add"] == [1000, 1000, 500]
    assert [len(batch) for batch in store.reads[:3]] == [1000, 1000, 500]


def test_a_waiter_that_fails_does_not_disturb_the_others(
    store: FakeStore, make_hub: Callable[..., Hub], caplog: pytest.LogCaptureFixture
) -> None:
    """Its failure is logged."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()

    def fail(record: Record) -> None:
        raise RuntimeError("no hands")

    hub.wait(["a"], fail)
    hub.wait(["a"], got.put)
    settle(store, "a")
    store.change(DONE)

    assert DONE is got.get(timeout=30)
    assert len(store.watchers) == 1
    assert "A waiter for task a failed" in caplog.text


def test_a_waiter_may_wait_and_cancel_from_within_a_delivery(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """A callback that starts the next wait."""
    hub = make_hub()
    got: queue.SimpleQueue[Record] = queue.SimpleQueue()
    unwanted = hub.wait(["c"], got.put)

    def next_one(record: Record) -> None:
        hub.cancel(unwanted)
        hub.wait(["b"], got.put)

    hub.wait(["a"], next_one)
    settle(store, "a", "c")
    store.change(DONE)
    settle(store, "b")
    store.change(Record("b", "SUCCESS", b"2"))

    assert got.get(timeout=30).id == "b"


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
