"""What workers do besides running tasks: finish chords nobody finishes, drop a body sent twice, deliver a spool."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chord
from celery.app.task import Context
from celery.exceptions import ChordError, SoftTimeLimitExceeded
from chaos_tasks import read_notes
from kombu.exceptions import OperationalError
from workers import Worker, worker_of

import rootcellar
from rootcellar import aio
from rootcellar.record import Record
from rootcellar.spool import Entry
from rootcellar.stores.ledger import Opening, Part
from servers import wait_until

_SAFETY_S = 60


@pytest.fixture(scope="module")
def kept_app(
    new_store_url: Callable[[], str], open_app: Callable[..., Celery], tmp_path_factory: pytest.TempPathFactory
) -> Celery:
    """A client whose chords may take two seconds, and whose workers look after them often."""
    return open_app(
        f"cellar+{new_store_url()}",
        cellar_chord_deadline=2,
        cellar_housekeeping_interval=0.1,
        cellar_spool_dir=str(tmp_path_factory.mktemp("spool")),
        cellar_track_sent=True,
    )


@pytest.fixture(scope="module")
def housekeeper(kept_app: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of ``kept_app``, started with ``--quiet``, which looks no backend up for its banner."""
    with worker_of(kept_app, tmp_path_factory.mktemp("worker"), is_quiet=True) as worker:
        yield worker


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where tasks say that they ran."""
    return tmp_path / "notes"


def _complete(app: Celery, body: Any, values: list[Any], lease_s: float) -> str:
    """Do what a worker does that reports a chord's last part and then dies; return the chord's id."""
    chord_id, ledger, codec = str(uuid.uuid4()), app.backend.store.chords, app.backend.codec
    ledger.open(chord_id, Opening(codec.encode({"body": body, "header": None})))
    ledger.set_size(chord_id, len(values))
    for place, value in enumerate(values):
        task_id = str(uuid.uuid4())
        part = Part(chord_id, task_id, place, "SUCCESS", codec.encode([1, task_id, "SUCCESS", value]))
        tally = ledger.report(part, "the dead one", lease_s)
    assert tally.claim is not None
    return chord_id


def test_a_chord_whose_worker_died_before_the_body_is_finished_by_another(
    kept_app: Celery, housekeeper: Worker, notes: Path
) -> None:
    """Once the dead one's lease is over."""
    body = kept_app.tasks["chaos.body"].s(path=str(notes))
    result = body.freeze()

    _complete(kept_app, body, [1, 2, 3], lease_s=0.1)

    assert result.get(timeout=_SAFETY_S) == 6
    assert len(read_notes(notes)) == 1


def test_a_body_that_was_sent_twice_runs_once(kept_app: Celery, housekeeper: Worker, notes: Path) -> None:
    """By a worker that died before it could say so, and by the one that took over."""
    body = kept_app.tasks["chaos.body"].s([1, 2], path=str(notes))
    body.freeze()
    chord_id = _complete(kept_app, body, [1, 2], lease_s=_SAFETY_S)

    for token in ("first", "second", "first"):  # the first is delivered again, too
        body.clone().set(headers={"cellar_chord": [chord_id, token, ""]}).apply_async()
    last = kept_app.tasks["add"].delay(1, 1)

    assert last.get(timeout=_SAFETY_S) == 2
    wait_until(lambda: len(read_notes(notes)) == 2, "the first has run, as often as it was delivered")
    assert {note["token"] for note in read_notes(notes)} == {"first"}
    wait_until(lambda: "was sent twice" in housekeeper.log(), "the worker says so")


def test_a_chord_that_is_past_its_deadline_ends_in_an_error(kept_app: Celery, housekeeper: Worker, notes: Path) -> None:
    """One of its members went to a queue that nobody reads."""
    add, error = kept_app.tasks["add"], kept_app.tasks["chaos.error"]
    header = [add.s(1, 1), add.s(2, 2).set(queue=f"nobody-{uuid.uuid4()}")]
    result = chord(header)(kept_app.tasks["total"].s().on_error(error.s(path=str(notes))))

    with pytest.raises(ChordError, match="Only 1 of 2 tasks had ended when cellar_chord_deadline was over"):
        result.get(timeout=_SAFETY_S)
    assert [note["id"] for note in read_notes(notes)] == [result.id]


def test_a_spool_that_a_dead_worker_left_is_delivered_by_the_next(kept_app: Celery, housekeeper: Worker) -> None:
    """Records and parts, and a chord that is complete with them."""
    backend = kept_app.backend
    task_id = str(uuid.uuid4())
    payload = backend.codec.encode({"status": "SUCCESS", "result": 42, "traceback": None, "children": []})
    body = kept_app.tasks["total"].s()
    result = body.freeze()
    opening = Opening(backend.codec.encode({"body": body}), time.time() + _SAFETY_S)
    part = Part(str(uuid.uuid4()), task_id, 0, "SUCCESS", backend.codec.encode([1, task_id, "SUCCESS", 42]))
    backend.store.chords.set_size(part.chord_id, 1)

    backend.spool.append(Entry(Record(task_id, "SUCCESS", payload, expires_at=time.time() + 60), part, opening))

    assert kept_app.AsyncResult(task_id).get(timeout=_SAFETY_S) == 42
    assert result.get(timeout=_SAFETY_S) == 42
    wait_until(backend.spool.is_empty, "nothing is left in the spool")


def test_an_id_that_was_sent_is_told_from_one_nobody_knows(kept_app: Celery) -> None:
    """With ``cellar_track_sent``; ``AsyncResult.state`` stays PENDING, as Celery's."""
    sent = kept_app.tasks["add"].apply_async((1, 1), queue=f"nobody-{uuid.uuid4()}")
    unknown = kept_app.AsyncResult(str(uuid.uuid4()))

    async def states() -> list[str]:
        return [await aio.state(result.id, app=kept_app) for result in (sent, unknown)]

    assert asyncio.run(states()) == ["PENDING", "UNKNOWN"]
    assert [rootcellar.exists(result.id, app=kept_app) for result in (sent, unknown)] == [True, False]
    assert [sent.state, unknown.state] == ["PENDING", "PENDING"]


def test_a_retry_that_is_sent_does_not_take_its_task_back(
    kept_app: Celery, housekeeper: Worker, tmp_path: Path
) -> None:
    """Sending it again puts no PENDING over the RETRY."""
    gate = tmp_path / "gate"
    result = kept_app.tasks["fails_once"].delay(str(gate))
    wait_until(lambda: result.state == "RETRY", "the first run has asked for another")
    gate.touch()

    assert result.get(timeout=_SAFETY_S) == "after 1 retry"


def _broken_once(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    """Have the broker refuse the next body that this process sends."""
    send, refused = app.amqp.send_task_message, []

    def refuse_one(producer: Any, name: str, message: Any, **options: Any) -> Any:
        if name.startswith("chaos.body") and not refused:
            refused.append(name)
            raise OperationalError("the broker is away")
        return send(producer, name, message, **options)

    monkeypatch.setattr(app.amqp, "send_task_message", refuse_one)


def _report_last(app: Celery, body: Any, values: list[int]) -> None:
    """Report a chord's members from this process, which then sends the body as a worker does."""
    chord_id = str(uuid.uuid4())
    app.backend.apply_chord((chord_id, []), body)
    app.backend.set_chord_size(chord_id, len(values))
    for place, value in enumerate(values):
        request = Context(id=str(uuid.uuid4()), group=chord_id, group_index=place, chord=body)
        app.backend.mark_as_done(request.id, value, request)


def test_a_body_that_the_broker_did_not_take_is_sent_later(
    kept_app: Celery, housekeeper: Worker, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its own id has a state already, since a task was replaced by the chord."""
    body = kept_app.tasks["chaos.body"].s(path=str(notes))
    result = body.freeze()
    kept_app.backend.store_result(result.id, None, "STARTED")
    _broken_once(monkeypatch, kept_app)

    _report_last(kept_app, body, [1, 2])

    assert result.get(timeout=_SAFETY_S) == 3
    assert len(read_notes(notes)) == 1


def test_a_body_that_cannot_be_kept_ends_in_an_error_where_the_broker_does_not_take_it(
    kept_app: Celery, housekeeper: Worker, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its arguments are no JSON, and its errback is called: it does not vanish."""
    error = kept_app.tasks["chaos.error"].s(path=str(notes))
    body = kept_app.tasks["chaos.body"].s(path=str(notes), extra=object()).on_error(error)
    result = body.freeze()
    _broken_once(monkeypatch, kept_app)

    _report_last(kept_app, body, [1, 2])

    with pytest.raises(ChordError, match="Callback error"):
        result.get(timeout=_SAFETY_S)
    assert [note["what"] for note in read_notes(notes)] == ["error"]


def test_a_soft_time_limit_while_a_body_is_sent_makes_no_failure_of_it(
    kept_app: Celery, housekeeper: Worker, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been sent; whoever takes over sends it under another claim, and one of the two runs."""
    body = kept_app.tasks["chaos.body"].s(path=str(notes))
    result = body.freeze()
    send = kept_app.amqp.send_task_message

    def send_and_run_out_of_time(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(kept_app.amqp, "send_task_message", send)
        send(*args, **options)
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(kept_app.amqp, "send_task_message", send_and_run_out_of_time)

    _report_last(kept_app, body, [1, 2])

    assert result.get(timeout=_SAFETY_S) == 3
    add = kept_app.tasks["add"].delay(1, 1)
    assert add.get(timeout=_SAFETY_S) == 2
    assert len(read_notes(notes)) == 1


def test_a_frozen_chord_that_is_applied_again_runs_again(kept_app: Celery, housekeeper: Worker, notes: Path) -> None:
    """Both of its bodies, though they have one id, and whichever comes first."""
    body = kept_app.tasks["chaos.body"].s(path=str(notes))
    frozen = chord([kept_app.tasks["add"].s(1, 1), kept_app.tasks["add"].s(2, 2)], body)
    frozen.freeze()
    for run in (1, 2):
        frozen.apply_async().get(timeout=_SAFETY_S)
        wait_until(lambda run=run: len(read_notes(notes)) == run, f"body {run} has run")

    assert [note["total"] for note in read_notes(notes)] == [6, 6]
