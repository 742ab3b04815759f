"""Groups and result sets."""

import threading
import uuid
from collections.abc import Callable

import pytest
from celery import Celery, group
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, GroupResult, ResultSet
from workers import Worker

from servers import wait_until

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


@pytest.mark.parametrize("how", ["get", "join", "join_native"])
def test_a_group_returns_its_results_in_the_order_of_its_members(app: Celery, worker: Worker, how: str) -> None:
    """Whichever way they are asked for."""
    result = group(app.tasks["add"].s(i, i) for i in range(20)).apply_async()
    assert getattr(result, how)(timeout=30) == [2 * i for i in range(20)]
    assert (result.ready(), result.successful(), result.failed(), result.completed_count()) == (True, True, False, 20)


def test_a_group_of_groups_returns_lists_of_lists(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Nested as it was built."""
    outer = GroupResult("outer", [GroupResult(f"inner {n}", [new_result(), new_result()]) for n in range(2)])
    for number, leaf in enumerate(leaf for inner in outer.results for leaf in inner.results):
        finish(leaf, number)
    assert outer.get(timeout=30) == [[0, 1], [2, 3]]


def test_a_group_may_hold_tasks_beside_groups(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Both in their places."""
    single, inner = new_result(), GroupResult("inner", [new_result(), new_result()])
    for number, leaf in enumerate([single, *inner.results]):
        finish(leaf, number)
    assert GroupResult("mixed", [inner, single]).get(timeout=30) == [[1, 2], 0]


def test_a_nested_group_is_waited_for(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Its members end one after the other, while somebody waits."""
    inner = GroupResult("inner", [new_result() for _ in range(3)])
    outer = GroupResult("outer", [inner, new_result()])
    thread = threading.Thread(
        target=lambda: [finish(leaf, n) for n, leaf in enumerate([*outer.results[1:], *inner.results])]
    )
    thread.start()
    assert outer.get(timeout=30) == [[1, 2, 3], 0]
    thread.join()


def test_iter_native_yields_members_as_they_end(new_result: NewResult, finish: Finish) -> None:
    """The order of completion, not the order of the group."""
    members = [new_result() for _ in range(4)]
    order = [members[2], members[0], members[3], members[1]]
    finish(order[0], "first")
    seen = []
    for task_id, _ in ResultSet(members).iter_native(timeout=30):
        seen.append(task_id)
        if len(seen) < len(order):
            finish(order[len(seen)])
    assert seen == [member.id for member in order]


def test_iter_native_reads_what_is_ready_already(new_result: NewResult, finish: Finish) -> None:
    """A group that ended before anybody asked."""
    members = [new_result() for _ in range(5)]
    for number, member in enumerate(members):
        finish(member, number)
    found = {task_id: meta["result"] for task_id, meta in ResultSet(members).iter_native(timeout=30)}
    assert found == {member.id: number for number, member in enumerate(members)}


def test_a_group_gives_up_when_its_time_is_over(new_result: NewResult, finish: Finish) -> None:
    """One of two members never ends."""
    members = [new_result(), new_result()]
    finish(members[0], 1)
    for how in (ResultSet(members).join, ResultSet(members).join_native):
        with pytest.raises(CeleryTimeoutError):
            how(timeout=0.1)


def test_a_failed_member_raises_its_exception(new_result: NewResult, finish: Finish) -> None:
    """``propagate``, the default; the group then counts its successes."""
    members = [new_result() for _ in range(3)]
    finish(members[0], 1)
    finish(members[1], KeyError("jam"), "FAILURE")
    finish(members[2], 3)
    whole = ResultSet(members)
    for how in (whole.join, whole.join_native):
        with pytest.raises(KeyError, match="jam"):
            how(timeout=30)
    assert (whole.completed_count(), whole.ready(), whole.successful(), whole.failed()) == (2, True, False, True)


def test_a_failed_member_can_be_returned_in_its_place(new_result: NewResult, finish: Finish) -> None:
    """``propagate=False``."""
    members = [new_result() for _ in range(3)]
    finish(members[0], 1)
    finish(members[1], KeyError("jam"), "FAILURE")
    finish(members[2], 3)
    for how in (ResultSet(members).join, ResultSet(members).join_native):
        first, second, third = how(timeout=30, propagate=False)
        assert (first, type(second), second.args, third) == (1, KeyError, ("jam",), 3)


def test_a_failed_member_raises_although_others_are_still_running(new_result: NewResult, finish: Finish) -> None:
    """``join_native`` does not wait for the rest to say that something is wrong."""
    members = [new_result() for _ in range(3)]
    finish(members[1], KeyError("jam"), "FAILURE")
    with pytest.raises(KeyError, match="jam"):
        ResultSet(members).join_native(timeout=30)


@pytest.mark.parametrize("how", ["join", "join_native"])
def test_a_callback_is_called_for_each_member(new_result: NewResult, finish: Finish, how: str) -> None:
    """``callback(task id, value)``, instead of a list."""
    members = [new_result() for _ in range(3)]
    for number, member in enumerate(members):
        finish(member, number)
    called = {}
    getattr(ResultSet(members), how)(timeout=30, callback=called.__setitem__)
    assert called == {member.id: number for number, member in enumerate(members)}


def test_the_same_task_twice_in_a_group_is_read_once(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """Two members with one id: ``join`` gives both places, and nothing waits for ever."""
    member = new_result()
    finish(member, 7)
    twice = GroupResult("twice", [member, app.AsyncResult(member.id)])
    assert twice.join(timeout=30) == [7, 7]
    assert [meta["result"] for _, meta in twice.iter_native(timeout=30)] == [7, 7]


def test_an_empty_group_is_an_empty_list(app: Celery) -> None:
    """Nothing to wait for."""
    empty = GroupResult("empty", [], app=app)
    assert (empty.get(timeout=1), empty.join(timeout=1), empty.join_native(timeout=1)) == ([], [], [])


def test_a_saved_group_can_be_restored_elsewhere(
    app: Celery, elsewhere: Celery, new_result: NewResult, finish: Finish
) -> None:
    """``save``, ``restore`` and ``delete``, with members, parents and nested groups."""
    parent = new_result()
    inner = GroupResult(str(uuid.uuid4()), [new_result()])
    saved = GroupResult(str(uuid.uuid4()), [new_result(), inner], parent=parent, app=app)
    assert GroupResult.restore(saved.id, app=elsewhere) is None
    saved.save()
    restored = GroupResult.restore(saved.id, app=elsewhere)
    assert restored.as_tuple() == saved.as_tuple()
    finish(saved.results[0], "a")
    finish(inner.results[0], "b")
    assert restored.get(timeout=30) == ["a", ["b"]]
    saved.delete()
    assert GroupResult.restore(saved.id, app=elsewhere) is None


def test_a_result_set_can_be_changed(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """``add``, ``remove``, ``discard``, ``update`` and ``clear``."""
    first, second, third = new_result(), new_result(), new_result()
    several = ResultSet([first], app=app)
    several.add(second)
    several.add(second)
    several.update([second, third])
    several.remove(first.id)
    several.discard(first)
    with pytest.raises(KeyError):
        several.remove(first)
    finish(second, 2)
    assert (several.waiting(), several.completed_count(), several[0]) == (True, 1, second)
    finish(third, 3)
    assert (several.get(timeout=30), several.waiting()) == ([2, 3], False)
    several.clear()
    assert list(several) == []


def test_a_group_of_a_thousand_is_read_whole(new_result: NewResult, finish: Finish) -> None:
    """More ids than one batch carries."""
    members = [new_result() for _ in range(1_500)]
    for number, member in enumerate(members):
        finish(member, number)
    assert ResultSet(members).join_native(timeout=60) == list(range(1_500))


def test_a_group_of_a_thousand_is_waited_for(new_result: NewResult, finish: Finish) -> None:
    """Its members end while somebody waits."""
    members = [new_result() for _ in range(1_500)]
    thread = threading.Thread(target=lambda: [finish(member, n) for n, member in enumerate(members)])
    thread.start()
    assert ResultSet(members).join_native(timeout=60) == list(range(1_500))
    thread.join()


def test_forgetting_a_group_forgets_its_members(app: Celery, new_result: NewResult, finish: Finish) -> None:
    """All of their records."""
    members = [new_result() for _ in range(3)]
    for member in members:
        finish(member, 1)
    ResultSet(members).forget()
    assert app.backend.store.get_many(member.id for member in members) == {}


def test_then_on_a_group_is_called_when_somebody_has_read_it(new_result: NewResult, finish: Finish) -> None:
    """A group's listener is called once all members have arrived."""
    members = [new_result() for _ in range(3)]
    whole = GroupResult("listened", members)
    called = []
    whole.then(lambda result: called.append(result.id))
    for number, member in enumerate(members):
        finish(member, number)
    assert whole.get(timeout=30) == [0, 1, 2]
    wait_until(lambda: called == ["listened"], "the listener was called once")
