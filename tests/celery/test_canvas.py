"""Every shape of the canvas, on every store, beside the same on Celery's own Redis backend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canvas_shapes import SHAPES, Shape, Tasks, describe
from celery import Celery, chord
from noted_tasks import notes
from versions import CHORDS_ARE_STOCKS
from workers import Worker

from servers import wait_until

pytestmark = [
    pytest.mark.usefixtures("worker"),
    # Celery's own backend calls SETEX, which redis-py 8 deprecates.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

_ERRBACKS_MAY_CHANGE = "ignore:task_allow_error_cb_on_chord_header:PendingDeprecationWarning"


@pytest.fixture(params=[pytest.param(shape, id=name) for name, shape in SHAPES.items()])
def shape(request: pytest.FixtureRequest) -> Shape:
    """Each shape in turn."""
    return request.param


@pytest.fixture(params=[pytest.param(shape, id=name) for name, shape in SHAPES.items() if not shape.has_gaps])
def whole_shape(request: pytest.FixtureRequest) -> Shape:
    """Each shape in turn of which all is kept."""
    return request.param


@pytest.fixture(scope="session")
def on_stock(stock_app: Celery, stock_worker: Worker) -> Callable[[Shape], Any]:
    """Return what a shape comes to on Celery's own backend: ``on_stock(shape)``."""
    known: dict[int, Any] = {}

    def outcome(shape: Shape) -> Any:
        if id(shape) not in known:
            result = shape.start(Tasks(stock_app))
            assert result.get(timeout=60) == shape.value
            known[id(shape)] = describe(result)
        return known[id(shape)]

    return outcome


def test_each_shape_has_its_value(app: Celery, shape: Shape) -> None:
    """Of tasks that all succeed."""
    assert shape.start(Tasks(app)).get(timeout=60) in (shape.value, shape.other_value)


@pytest.mark.redis
@pytest.mark.skipif(not CHORDS_ARE_STOCKS, reason="older than the chords that ours are equal to")
def test_each_shape_looks_as_on_celerys_own_backend(
    app: Celery, whole_shape: Shape, on_stock: Callable[[Shape], Any]
) -> None:
    """States, values, parents and children, all the way up and down."""
    result = whole_shape.start(Tasks(app))
    result.get(timeout=60)
    assert describe(result) == on_stock(whole_shape)


def test_tasks_may_be_added_to_a_running_chord(app: Celery) -> None:
    """By ``add_to_chord``, in one of its members; the body gets theirs too, in an order that is nobody's promise."""
    members = [app.tasks["adds_members"].s([1, 2, 3]), app.tasks["echo"].s(4)]
    value = chord(members)(app.tasks["echo"].s()).get(timeout=60)
    assert sorted(value, key=str) == [1, 2, 3, 4, "added"]


def test_a_chord_may_be_applied_again(app: Celery, tmp_path: Path) -> None:
    """The same signature, frozen: its second run is a run of its own."""
    path = tmp_path / "notes"
    again = chord([app.tasks["echo"].s(1), app.tasks["echo"].s(2)], app.tasks["note_all"].s(str(path)))
    again.freeze()
    for count in (1, 2, 3):
        assert again.apply_async().get(timeout=60) == [1, 2]
        wait_until(lambda count=count: len(notes(path, "body")) == count, "the body has run")


@pytest.mark.filterwarnings(_ERRBACKS_MAY_CHANGE)
def test_links_of_a_chord_are_those_of_its_body(app: Celery, tmp_path: Path) -> None:
    """``link`` gets what the body returned; ``link_error`` is left alone."""
    path = tmp_path / "notes"
    linked = chord([app.tasks["echo"].s(1), app.tasks["echo"].s(2)], app.tasks["total"].s())
    linked.link(app.tasks["note_all"].s(str(path), "link"))
    linked.link_error(app.tasks["note_error"].s(path=str(path)))
    assert linked.apply_async().get(timeout=60) == 3
    wait_until(lambda: notes(path, "link"), "the link has run")
    assert [note.value for note in notes(path)] == [3]


@pytest.mark.filterwarnings(_ERRBACKS_MAY_CHANGE)
def test_a_body_that_fails_calls_the_errback(app: Celery, tmp_path: Path) -> None:
    """As any task that fails does: once, and what waits for it gets its own error."""
    path = tmp_path / "notes"
    failing = chord([app.tasks["echo"].s(1)], app.tasks["note_failure_of"].si(str(path), "jam"))
    failing.link_error(app.tasks["note_error"].s(path=str(path)))
    with pytest.raises(ValueError, match="jam"):
        failing.apply_async().get(timeout=60)
    wait_until(lambda: notes(path, "error"), "the errback was called")
    assert [note.value for note in notes(path, "error")] == ["ValueError: jam"]


def test_no_chord_is_polled_for(app: Celery, worker: Worker) -> None:
    """No worker is kept busy with ``celery.chord_unlock``, for any of the chords there were."""
    assert chord([app.tasks["echo"].s(1)])(app.tasks["echo"].s()).get(timeout=60) == [1]
    assert "celery.chord_unlock[" not in worker.log()
    with app.connection_for_read() as connection:
        waiting = connection.default_channel.client.lrange(app.conf.task_default_queue, 0, -1)
    assert not [message for message in waiting if b"celery.chord_unlock" in message]
