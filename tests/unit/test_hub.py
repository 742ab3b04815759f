"""The hub's own logic, on a store in memory: what it delivers, and when it looks."""

import queue
import threading
from collections.abc import Callable

import pytest

from fakes import FakeStore, settle
from rootcellar.record import Record
from rootcellar.waiting import Hub
from servers import wait_until

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
    wait_until(lambda: len(store.reads) >= 2, "the first and the second look are over")
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
    wait_until(lambda: len(store.reads) >= 2, "the hub has settled")

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
