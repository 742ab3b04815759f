"""Tasks that make tasks: chains, links, children, chords."""

import uuid

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import ChordError
from celery.result import GroupResult

from servers import wait_until

pytestmark = pytest.mark.usefixtures("worker")


def test_a_chain_links_each_result_to_its_parent(app: Celery) -> None:
    """The last result knows the one before it, and so on to the first."""
    add = app.tasks["add"]
    last = chain(add.s(1, 1), add.s(10), add.s(100)).apply_async()
    assert last.get(timeout=30) == 112
    assert (last.parent.get(timeout=30), last.parent.parent.get(timeout=30), last.parent.parent.parent) == (12, 2, None)


def test_a_chain_that_fails_in_the_middle_raises_at_its_end(app: Celery) -> None:
    """Whoever waits for the end is not left waiting: a parent's failure is looked at in every interval."""
    last = chain(app.tasks["missing_key"].si("jam"), app.tasks["add"].si(1, 1)).apply_async()
    with pytest.raises(KeyError, match="jam"):
        last.get(timeout=30, interval=0.05)


def test_the_record_of_a_chained_task_names_its_parent(app: Celery) -> None:
    """So that a store can be searched by it."""
    add = app.tasks["add"]
    last = chain(add.s(1, 1), add.s(10)).apply_async()
    last.get(timeout=30)
    document = app.backend.codec.decode(app.backend.store.get(last.id).payload)
    assert document["parent_id"] == last.parent.id


def test_the_tasks_a_task_sent_are_its_children(app: Celery) -> None:
    """``children``, ``iterdeps`` and ``collect`` follow them."""
    result = app.tasks["spread"].delay(3)
    assert result.get(timeout=30) == "spread"
    assert sorted(child.get(timeout=30) for child in result.children) == [0, 2, 4]
    assert [parent for parent, _ in result.iterdeps()] == [None, result, result, result]
    assert sorted(value for _, value in result.collect(timeout=30) if value != "spread") == [0, 2, 4]


def test_collect_waits_for_a_chain(app: Celery) -> None:
    """From the first result down, each is waited for."""
    add = app.tasks["add"]
    first = chain(add.s(1, 1), add.s(10)).apply_async().parent
    assert [value for _, value in first.collect(intermediate=True, timeout=30)] == [2, 12]


def test_a_link_is_called_with_the_result(app: Celery) -> None:
    """``link``: the next task gets the value, and is a child."""
    linked_id = str(uuid.uuid4())
    app.tasks["add"].apply_async((1, 2), link=app.tasks["add"].s(10).set(task_id=linked_id))
    assert app.AsyncResult(linked_id).get(timeout=30) == 13


def test_a_link_error_is_called_with_the_failed_task(app: Celery) -> None:
    """``link_error``: the errback gets the id of the task that failed."""
    errback_id = str(uuid.uuid4())
    errback = app.tasks["note_failure"].s().set(task_id=errback_id)
    failed = app.tasks["missing_key"].apply_async(("jam",), link_error=errback)
    assert app.AsyncResult(errback_id).get(timeout=30) == failed.id


def test_a_chord_gives_its_body_all_results(app: Celery) -> None:
    """Through Celery's own ``chord_unlock``, until chords are native here."""
    add, total = app.tasks["add"], app.tasks["total"]
    assert chord([add.s(i, i) for i in range(5)])(total.s()).get(timeout=60) == 20


def test_a_chord_with_a_failed_member_fails_its_body(app: Celery) -> None:
    """The body's waiter learns which member failed."""
    members = [app.tasks["add"].s(1, 1), app.tasks["missing_key"].s("jam")]
    body = chord(members)(app.tasks["total"].s())
    with pytest.raises(ChordError, match="KeyError"):
        body.get(timeout=60, follow_parents=False)


def test_a_group_inside_a_chain_becomes_a_chord(app: Celery) -> None:
    """A task, a group of it, and a task of the group's results."""
    add, total = app.tasks["add"], app.tasks["total"]
    result = chain(add.s(1, 1), group(add.s(10), add.s(20)), total.s()).apply_async()
    assert result.get(timeout=60) == 34
    assert isinstance(result.parent, GroupResult)
    assert sorted(result.parent.get(timeout=30)) == [12, 22]


def test_a_group_at_the_end_of_a_chain_is_a_group(app: Celery) -> None:
    """Its result has the first task as its parent."""
    add = app.tasks["add"]
    result = chain(add.s(1, 1), group(add.s(10), add.s(20))).apply_async()
    assert (result.get(timeout=30), result.parent.get(timeout=30)) == ([12, 22], 2)
    wait_until(result.successful, "all members are seen as successful")
