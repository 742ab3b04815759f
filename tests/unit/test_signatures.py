"""What a canvas ends in, and which chord waits for that."""

from celery import Celery, chain, chord, group

from rootcellar.backend.signatures import Member, ends_of

app = Celery("unreached", set_as_current=False)


def _task(name: str, **options: object) -> object:
    return app.signature(name).set(task_id=name, **options)


def test_a_chain_ends_in_its_last_task() -> None:
    """The others are no member of anything."""
    outer = {"chord": "body", "group_id": "g", "group_index": 3}
    assert list(ends_of([chain(_task("a"), _task("b", **outer), app=app)])) == [Member("b", "g", 3, "body")]


def test_a_group_ends_in_each_of_its_tasks() -> None:
    """A chord counts each of them."""
    assert [one.id for one in ends_of([group(_task("a"), _task("b"), app=app)])] == ["a", "b"]


def test_a_chord_ends_in_its_body() -> None:
    """However deep."""
    inner = chord([_task("a")], chain(_task("b"), _task("c"), app=app), app=app)
    assert [one.id for one in ends_of([inner])] == ["c"]


def test_what_travelled_in_a_message_is_understood() -> None:
    """There signatures are plain mappings."""
    plain = {"task": "a", "options": {"task_id": "a", "group_id": "g", "group_index": None, "chord": {"task": "body"}}}
    assert list(ends_of([plain])) == [Member("a", "g", None, {"task": "body"})]


def test_nothing_ends_in_nothing() -> None:
    """A task without a chain, a signature that was never frozen."""
    assert list(ends_of(None)) == []
    assert list(ends_of([app.signature("a")])) == []
