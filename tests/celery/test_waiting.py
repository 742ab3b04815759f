"""Waiting: time-outs, intervals, listeners, and many at once."""

import gc
import threading
import uuid
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, ResultSet
from versions import FORGET_ENDS_LISTENING

from rootcellar.record import Record
from servers import in_child, wait_until

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_a_wait_ends_with_celerys_own_timeout_error(new_result: NewResult, timeout: float) -> None:
    """Also at once."""
    with pytest.raises(CeleryTimeoutError):
        new_result().get(timeout=timeout)


def test_a_ready_result_needs_no_time(new_result: NewResult, finish: Finish) -> None:
    """``timeout=0`` is one look."""
    result = new_result()
    finish(result, 1)
    assert result.get(timeout=0) == 1


def test_a_time_out_does_not_spoil_the_result(new_result: NewResult, finish: Finish) -> None:
    """It can be waited for again."""
    result = new_result()
    with pytest.raises(CeleryTimeoutError):
        result.get(timeout=0.05)
    finish(result, 1)
    assert result.get(timeout=30) == 1


def test_on_interval_is_called_while_waiting_for_a_group(new_result: NewResult, finish: Finish) -> None:
    """Every ``interval`` seconds; here it ends the task when it has been called three times."""
    result, calls = new_result(), []

    def on_interval() -> None:
        calls.append(1)
        if len(calls) == 3:
            finish(result, "done")

    assert ResultSet([result]).join_native(timeout=30, interval=0.01, on_interval=on_interval) == ["done"]
    assert len(calls) >= 3


def test_on_interval_is_called_while_waiting_for_a_task(new_result: NewResult, finish: Finish) -> None:
    """Once, since Celery's ``AsyncResult.get`` hangs it on a promise: with its own backends too."""
    result, calls = new_result(), []

    def on_interval() -> None:
        calls.append(1)
        finish(result, "done")

    assert (result.get(timeout=30, interval=0.01, on_interval=on_interval), calls) == ("done", [1])


def test_what_on_interval_raises_ends_the_wait(new_result: NewResult) -> None:
    """A caller can give up in its own way."""

    def on_interval() -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        new_result().get(timeout=30, interval=0.01, on_interval=on_interval)


def test_on_message_hears_a_state_once(app: Celery, elsewhere: Celery, new_result: NewResult, finish: Finish) -> None:
    """A state that was there before the wait began, and is read again while waiting, is one message."""
    result, heard = new_result(), []
    elsewhere.backend.store_result(result.id, {"done": 1}, "PROGRESS")
    timer = threading.Timer(0.3, finish, (result, "done"))
    timer.start()
    result.get(timeout=30, on_message=lambda meta: heard.append(meta["status"]))
    timer.join()
    assert heard == ["PROGRESS", "SUCCESS"]


def test_then_is_called_although_nobody_blocks(new_result: NewResult, finish: Finish) -> None:
    """The hub waits on the listener's behalf."""
    result, called = new_result(), threading.Event()
    result.then(lambda ready: called.set())
    finish(result, 1)
    assert called.wait(30)


def test_then_is_called_for_a_result_that_is_ready_already(new_result: NewResult, finish: Finish) -> None:
    """The hub looks first."""
    result, values = new_result(), []
    finish(result, 5)
    result.then(lambda ready: values.append(ready.get(timeout=0)))
    wait_until(lambda: values == [5], "the listener was called")


def test_then_is_called_once_for_each_listener(new_result: NewResult, finish: Finish) -> None:
    """Two listeners, one wait."""
    result, called = new_result(), []
    result.then(lambda ready: called.append("first"))
    result.then(lambda ready: called.append("second"))
    finish(result, 1)
    wait_until(lambda: called == ["first", "second"], "both were called")


def test_then_is_called_for_a_failure(new_result: NewResult, finish: Finish) -> None:
    """``then`` means ready, not successful."""
    result, called = new_result(), threading.Event()
    result.then(lambda ready: called.set())
    finish(result, KeyError("jam"), "FAILURE")
    assert called.wait(30)
    assert result.failed()


def test_a_listener_may_itself_wait(new_result: NewResult, finish: Finish) -> None:
    """A callback that calls ``get`` on a result that comes later."""
    first, second, values = new_result(), new_result(), []
    entered = threading.Event()

    def on_ready(ready: AsyncResult) -> None:
        entered.set()
        values.append(second.get(timeout=30))

    first.then(on_ready)
    finish(first, 1)
    assert entered.wait(30)
    finish(second, 2)
    wait_until(lambda: values == [2], "the listener's own wait is over")


def test_a_strong_listener_keeps_its_result_alive(app: Celery, finish: Finish) -> None:
    """``then(callback)`` on a result that nobody else keeps."""
    task_id, called = str(uuid.uuid4()), threading.Event()
    app.AsyncResult(task_id).then(lambda ready: called.set())
    gc.collect()
    finish(app.AsyncResult(task_id), 1)
    assert called.wait(30)


def test_a_weak_listener_does_not_keep_its_result_alive(app: Celery) -> None:
    """``then(callback, weak=True)``: when the result goes, so does the wait."""
    result = app.AsyncResult(str(uuid.uuid4()))
    result.then(lambda ready: None, weak=True)
    gone = weakref.ref(result)
    del result
    gc.collect()
    assert gone() is None
    wait_until(lambda: not app.backend.hub._waits, "the hub waits for nothing")


def test_a_weak_listener_is_called_while_its_result_lives(new_result: NewResult, finish: Finish) -> None:
    """As long as somebody keeps it."""
    result, called = new_result(), threading.Event()
    result.then(lambda ready: called.set(), weak=True)
    finish(result, 1)
    assert called.wait(30)


def test_forgetting_a_result_ends_its_listeners_wait(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Nothing will come, so nothing is waited for, where Celery says that it was forgotten."""
    result = new_result()
    result.then(lambda ready: None)
    wait_until(lambda: result.id in app.backend.hub._waits, "the hub waits")
    result.forget()
    if not FORGET_ENDS_LISTENING:
        finish(result)
    wait_until(lambda: result.id not in app.backend.hub._waits, "the hub waits no more")


def test_a_listener_that_raises_harms_nobody(
    new_result: NewResult, finish: Finish, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next listener is called."""
    first, second, called = new_result(), new_result(), threading.Event()

    def on_ready(ready: AsyncResult) -> None:
        raise LookupError("a listener's own mistake")

    first.then(on_ready)
    second.then(lambda ready: called.set())
    finish(first, 1)
    finish(second, 1)
    assert called.wait(30)
    wait_until(lambda: "a listener's own mistake" in caplog.text, "the mistake is in the log")


def test_a_result_may_be_collected_while_another_thread_waits(app: Celery, finish: Finish) -> None:
    """``AsyncResult.__del__`` of one object does not end the wait of another with the same id."""
    task_id, values = str(uuid.uuid4()), []
    thread = threading.Thread(target=lambda: values.append(app.AsyncResult(task_id).get(timeout=30)))
    thread.start()
    wait_until(lambda: task_id in app.backend.hub._waits, "the thread waits")
    for _ in range(100):
        other = app.AsyncResult(task_id)
        other.then(lambda ready: None, weak=True)
        del other
    gc.collect()
    finish(app.AsyncResult(task_id), 1)
    thread.join(30)
    assert values == [1]


def test_a_hundred_threads_wait_for_a_hundred_results(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Each gets its own."""
    results = [new_result() for _ in range(100)]
    with ThreadPoolExecutor(100) as threads:
        waits = [threads.submit(result.get, timeout=60) for result in results]
        wait_until(lambda: {result.id for result in results} <= set(app.backend.hub._waits), "all wait")
        for number, result in enumerate(results):
            finish(result, number)
        assert [wait.result(60) for wait in waits] == list(range(100))


def test_twenty_threads_wait_for_one_result(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """All get it, from one notification."""
    task_id = new_result().id
    with ThreadPoolExecutor(20) as threads:
        waits = [threads.submit(app.AsyncResult(task_id).get, timeout=60) for _ in range(20)]
        wait_until(lambda: len(app.backend.hub._waits.get(task_id, ())) == 20, "all wait")
        finish(app.AsyncResult(task_id), "for all")
        assert [wait.result(60) for wait in waits] == ["for all"] * 20


def test_a_forked_child_waits_with_a_hub_of_its_own(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """The parent's hub is running; the child's starts afresh, and the parent's goes on."""
    parents, childs = new_result(), new_result()
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(parents.get, timeout=60)
        wait_until(lambda: parents.id in app.backend.hub._waits, "the parent waits")

        def child() -> tuple[bool, int]:
            timer = threading.Timer(0.1, app.backend.store_result, (childs.id, 7, "SUCCESS"))
            timer.start()
            return app.backend.hub.is_running, app.AsyncResult(childs.id).get(timeout=30)

        assert in_child(child) == (False, 7)
        assert not wait.done()
        finish(parents, 8)
        assert wait.result(60) == 8


def test_an_unreadable_record_harms_only_whoever_waits_for_it(app: Celery, finish: Finish) -> None:
    """A record of another serializer, or a damaged one, must not keep the hub from its other waiters."""
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    with ThreadPoolExecutor(2) as threads:
        waits = [threads.submit(app.AsyncResult(task_id).get, timeout=5) for task_id in (bad, good)]
        wait_until(lambda: {good, bad} <= set(app.backend.hub._waits), "both wait")
        app.backend.store.put(Record(bad, "SUCCESS", b"\x80 no document at all"))
        finish(app.AsyncResult(good), 1)
        assert waits[1].result(60) == 1
        with pytest.raises(Exception, match=r"timed out|is not json"):
            waits[0].result(60)


def test_a_listener_that_comes_after_the_result_is_called_at_once(new_result: NewResult, finish: Finish) -> None:
    """The result was read already, so there is nothing to wait for."""
    result = new_result()
    finish(result, 1)
    assert result.get(timeout=60) == 1
    called: list[int] = []
    result.then(lambda ready: called.append(ready.result))
    assert called == [1]


def test_a_groups_listener_is_called_when_its_members_are_known(
    app: Celery, new_result: NewResult, finish: Finish
) -> None:
    """Whether they were read before the group was made, or through it."""
    before, through = new_result(), new_result()
    for result in (before, through):
        finish(result, 1)
    assert before.get(timeout=60) == 1
    called: list[str] = []
    group = app.GroupResult("group", [before, through])
    group.then(lambda ready: called.append(ready.id))
    assert group.get(timeout=60) == [1, 1]
    assert called == ["group"]


def test_a_listener_is_called_once_although_somebody_gets_the_result_too(new_result: NewResult, finish: Finish) -> None:
    """Two threads come by the same record at the same time."""
    for _ in range(30):
        result = new_result()
        called: list[str] = []
        done = threading.Event()
        result.then(lambda ready, called=called: called.append(ready.id))
        with ThreadPoolExecutor(1) as threads:
            wait = threads.submit(result.get, timeout=60)
            finish(result, list(range(2_000)))
            assert len(wait.result(60)) == 2_000
        later = new_result()
        later.then(lambda ready, done=done: done.set())
        finish(later, None)
        assert done.wait(60)  # the callbacks' thread has come past the first one
        assert called == [result.id]
