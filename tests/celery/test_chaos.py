"""Chords while workers are killed and messages are delivered again: each body runs once, or its error path does."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from celery import Celery, chord
from celery.exceptions import ChordError
from celery.result import AsyncResult
from chaos_tasks import read_notes
from workers import Worker

from servers import RabbitMQServer

pytestmark = pytest.mark.rabbitmq

PARTS = 20
#: of so many chords one has a member that fails
FAILING = 10
_SAFETY_S = 600


@pytest.fixture
def chaotic_app(
    new_store_url: Callable[[], str], open_app: Callable[..., Celery], rabbitmq_server: RabbitMQServer
) -> Celery:
    """A client whose tasks are delivered again when their worker dies.

    By RabbitMQ: with Redis as its broker, kombu loses a message that a worker has taken out of its list and not yet
    put among the unacknowledged.
    """
    return open_app(
        f"cellar+{new_store_url()}",
        broker_url=rabbitmq_server.url,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        cellar_chord_lease=2,
        cellar_housekeeping_interval=0.5,
    )


@contextmanager
def _killing(workers: Sequence[Worker], generator: random.Random) -> Iterator[Counter[str]]:
    """Kill one of the workers, or one of their processes, every now and then; start the killed one again."""
    is_over = threading.Event()
    kills: Counter[str] = Counter()

    def kill() -> None:
        while not is_over.wait(generator.uniform(0.2, 1.0)):
            worker = generator.choice(workers)
            if generator.random() < 0.3:
                worker.kill()
                kills["worker"] += 1
                worker.start()
            else:
                worker.kill_child()
                kills["process"] += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield kills
    finally:
        is_over.set()
        thread.join()


def _send(app: Celery, how_many: int, notes: Path) -> dict[str, AsyncResult]:
    """Start chords; return their results by the id of their body."""
    member, body, error = (app.tasks[f"chaos.{name}"] for name in ("member", "body", "error"))
    results = {}
    for number in range(how_many):
        fails = number % FAILING == FAILING - 1
        header = [member.s(value, fails and value == PARTS // 2) for value in range(PARTS)]
        result = chord(header)(body.s(path=str(notes)).on_error(error.s(path=str(notes))))
        results[result.id] = result
    return results


@pytest.mark.parametrize(
    "how_many",
    [
        pytest.param(40, id="40 chords"),
        pytest.param(1000, id="1,000 chords", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_a_body_runs_once_or_its_error_path_does_while_workers_are_killed(
    chaotic_app: Celery, tmp_path: Path, how_many: int
) -> None:
    """``kill -9`` of workers and of their processes, at random; none of the chords is left hanging."""
    notes = tmp_path / "notes"
    workers = [Worker(chaotic_app.given, tmp_path, name=f"chaos-{tmp_path.name}-{n}") for n in (1, 2)]
    with ExitStack() as stack:
        for worker in workers:
            stack.callback(worker.stop)
            worker.start()
        with _killing(workers, random.Random(how_many)) as kills:
            results = _send(chaotic_app, how_many, notes)
            outcomes = {one: result.get(timeout=_SAFETY_S, propagate=False) for one, result in results.items()}

    assert kills.total() > 0
    _check(outcomes, list(results), notes)


def _check(outcomes: dict[str, object], ids: list[str], notes: Path) -> None:
    claims, totals, errors = defaultdict(set), {}, set()
    for note in read_notes(notes):
        if note["what"] == "body":
            # A body whose own worker is killed is delivered again, as any task. It must not have been *sent* twice.
            claims[note["id"]].add(note["token"])
            totals[note["id"]] = note["total"]
        else:
            errors.add(note["id"])
            assert "raised ValueError" in note["error"]
    failing = {one for number, one in enumerate(ids) if number % FAILING == FAILING - 1}
    assert {one: len(tokens) for one, tokens in claims.items()} == dict.fromkeys(set(ids) - failing, 1)
    assert set(totals.values()) == {sum(range(PARTS))}
    assert errors == failing
    for one, outcome in outcomes.items():
        if one in failing:
            assert isinstance(outcome, ChordError)
        else:
            assert outcome == sum(range(PARTS))
