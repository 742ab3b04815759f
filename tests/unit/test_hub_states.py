"""The hub's own logic, on a store in memory: a state that was seen is never followed by an earlier one."""

import queue
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from fakes import FakeStore, settle
from rootcellar.record import Record
from rootcellar.stores.base import Heard
from rootcellar.waiting import Hub, hub
from rootcellar.waiting.wait import Wait
from servers import wait_until


def at(percent: int) -> Record:
    return Record("a", "PROGRESS", b"%d" % percent)


DONE = Record("a", "SUCCESS", b"done")


@pytest.fixture
def seen() -> "queue.SimpleQueue[Record]":
    """What a reader of every state has been given."""
    return queue.SimpleQueue()


def test_a_message_overtaken_by_a_look_is_not_believed(
    store: FakeStore, make_hub: Callable[..., Hub], seen: "queue.SimpleQueue[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look found 60 while the message about 50 was still in the socket: what follows 60 is what lies there now."""
    monkeypatch.setattr(hub, "DOUBT_S", 3600.0)
    store.change(at(60), silently=True)
    make_hub().wait(["a"], seen.put, every_state=True)
    assert seen.get(timeout=30) == at(60)

    store.watchers[-1].said.put(Heard(records=[at(50)]))
    store.change(DONE)

    heard = [seen.get(timeout=30)]
    while heard[-1] != DONE:
        heard.append(seen.get(timeout=30))
    assert at(50) not in heard


def test_a_message_long_after_a_look_is_believed(
    store: FakeStore, make_hub: Callable[..., Hub], seen: "queue.SimpleQueue[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without reading again: it cannot be older."""
    monkeypatch.setattr(hub, "DOUBT_S", 0.0)
    store.change(at(60), silently=True)
    make_hub().wait(["a"], seen.put, every_state=True)
    assert seen.get(timeout=30) == at(60)
    wait_until(lambda: len(store.reads) >= 2, "the second look is over")
    before = len(store.reads)

    store.change(at(70), carried=True)

    wait_until(lambda: seen.get(timeout=30) == at(70), "70 is heard")
    assert len(store.reads) == before


@pytest.mark.parametrize("late", ["PENDING", "STARTED"])
def test_a_state_of_a_lower_rank_is_not_delivered(
    store: FakeStore,
    make_hub: Callable[..., Hub],
    seen: "queue.SimpleQueue[Record]",
    late: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long after; one of the same rank is."""
    monkeypatch.setattr(hub, "DOUBT_S", 0.0)
    make_hub().wait(["a"], seen.put, every_state=True)
    settle(store, "a")
    store.change(at(10), carried=True)
    assert seen.get(timeout=30) == at(10)

    overtaken = Record("a", late, b"late")
    store.watchers[-1].said.put(Heard(records=[overtaken]))
    store.change(DONE, carried=True)

    states = [seen.get(timeout=30).state]
    while states[-1] != "SUCCESS":
        states.append(seen.get(timeout=30).state)
    assert ("PENDING" in states, states.count("STARTED")) == (False, int(late == "STARTED"))


def test_what_comes_before_the_first_look_is_read_again(
    store: FakeStore, make_hub: Callable[..., Hub], seen: "queue.SimpleQueue[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else has subscribed already, and the new reader may know more than the message tells."""
    monkeypatch.setattr(hub, "DOUBT_S", 3600.0)
    subject = make_hub()
    subject.wait(["a"], lambda record: None)
    settle(store, "a")
    store.change(at(60), silently=True)

    subject.wait(["a"], seen.put, every_state=True)
    store.watchers[-1].said.put(Heard(records=[at(50)]))

    assert seen.get(timeout=30) == at(60)
    store.change(DONE, carried=True)
    rest = [seen.get(timeout=30)]
    while rest[-1] != DONE:
        rest.append(seen.get(timeout=30))
    assert at(50) not in rest


def test_a_final_state_is_believed_at_once(
    store: FakeStore, make_hub: Callable[..., Hub], seen: "queue.SimpleQueue[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can come after it."""
    monkeypatch.setattr(hub, "DOUBT_S", 3600.0)
    make_hub().wait(["a"], seen.put, every_state=True)
    settle(store, "a")
    wait_until(lambda: len(store.reads) >= 2, "the second look is over")
    before = len(store.reads)

    store.change(DONE, carried=True)

    assert seen.get(timeout=30) == DONE
    assert len(store.reads) == before


def test_nothing_is_kept_for_waits_that_want_only_the_end(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """And what is kept for the others goes with them."""
    subject = make_hub()
    subject.wait(["a"], lambda record: None)
    every = subject.wait(["b"], lambda record: None, every_state=True)
    settle(store, "a", "b")
    store.change(at(10), carried=True)
    wait_until(lambda: list(subject._followed) == ["b"], "only b is followed")

    subject.cancel(every)
    subject._wake()

    wait_until(lambda: not subject._followed, "nothing is followed")


def test_an_abandoned_wait_ends(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """Its caller is gone, and did not say so: an event loop that was closed."""
    subject = make_hub(look_interval_s=0.01)
    gone = threading.Event()
    subject.begin((Wait(["a"], lambda record: None, is_abandoned=gone.is_set),))
    settle(store, "a")

    gone.set()

    wait_until(lambda: not subject._waits, "nothing is waited for")
    settle(store)


def test_what_is_dropped_and_wanted_again_stays_subscribed(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """Subscriptions are given up a moment later, together; by then one may be wanted again."""
    subject = make_hub()
    for _ in range(5):
        wait = subject.wait(["a"], lambda record: None)
        settle(store, "a")
        subject.cancel(wait)
        subject._wake()
        wait_until(lambda: not subject._waits, "it is given up")
        got: queue.SimpleQueue[Record] = queue.SimpleQueue()
        again = subject.wait(["a"], got.put)
        wait_until(lambda: not subject._dropped and not subject._fresh, "the hub has caught up")
        assert store.watchers[-1].watched == {"a"}
        subject.cancel(again)
        subject._wake()
        settle(store)


def test_hearing_goes_on_between_the_batches_of_a_look(store: FakeStore, make_hub: Callable[..., Hub]) -> None:
    """A result does not wait until ten thousand others have been looked for.

    Between two times of hearing there is one batch of new ids at most, one of a second look, one of the regular look.
    """
    ids = [f"{number:05}" for number in range(10_000)]
    polls: list[int] = []
    store.on_read = lambda batch: polls.append(store.watchers[0].polls)
    make_hub().wait(ids, lambda record: None)
    settle(store, *ids)
    assert len(polls) >= 10
    assert max(Counter(polls).values()) <= 3
