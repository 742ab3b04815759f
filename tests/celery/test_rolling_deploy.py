"""Half a fleet on ``redis://``, half on ``cellar+redis://``, one queue: chords begun by either kind, run by both."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from celery import Celery, chord
from noted_tasks import notes
from versions import CHORDS_ARE_STOCKS
from workers import Worker, worker_of

from servers import wait_until

pytestmark = [
    pytest.mark.redis,
    # Celery's own backend calls SETEX, which redis-py 8 deprecates.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

CHORDS, MEMBERS = 50, 10
_OPEN_CHORDS = "celery-cellar-chords"


class Fleet(NamedTuple):
    """A client and a worker of each kind, and the Redis all their results are in."""

    clients: dict[str, Celery]
    workers: dict[str, Worker]
    results: redis.Redis


@pytest.fixture(scope="module")
def fleet(
    new_redis_url: Callable[[], str], open_app: Callable[..., Celery], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """A fleet in the middle of a deploy."""
    url, directory = new_redis_url(), tmp_path_factory.mktemp("fleet")
    ours = open_app(f"cellar+{url}", cellar_housekeeping_interval=0.1)
    queue = ours.conf.task_default_queue
    clients = {"ours": ours, "stock": open_app(url, task_default_queue=queue)}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(worker_of(client, directory, name=f"{queue}-{name}"))
            for name, client in clients.items()
        }
        results = stack.enter_context(redis.Redis.from_url(url, decode_responses=True))
        yield Fleet(clients, workers, results)


def _start(client: Celery, path: Path, first: int) -> dict[str, list[int]]:
    """Start the chords; return what is to come to each body, by its id."""
    expected = {}
    for number in range(first, first + CHORDS):
        values = list(range(number * MEMBERS, (number + 1) * MEMBERS))
        body = client.tasks["note_all"].s(str(path))
        expected[chord([client.tasks["echo"].s(value) for value in values])(body).id] = values
    return expected


@pytest.mark.skipif(
    not CHORDS_ARE_STOCKS, reason="Celery's own counts without looking who reports, and so finds no end"
)
def test_chords_begun_by_either_end_once(fleet: Fleet, tmp_path: Path) -> None:
    """Whoever reports, and whoever comes last: each body runs once, with its values in their order."""
    path = tmp_path / "notes"
    expected = _start(fleet.clients["ours"], path, 0) | _start(fleet.clients["stock"], path, CHORDS)
    reader = fleet.clients["ours"]
    assert {task_id: reader.AsyncResult(task_id).get(timeout=60) for task_id in expected} == expected
    ran = notes(path, "body")
    assert Counter(note.task_id for note in ran) == dict.fromkeys(expected, 1)
    assert {note.task_id: note.value for note in ran} == expected
    did = {name: worker.log().count(" succeeded in ") for name, worker in fleet.workers.items()}
    assert min(did.values()) > CHORDS, f"both have taken part: {did}"
    _let_ten_minutes_pass(fleet.results)
    wait_until(lambda: _left_of_chords(fleet.results) == [], "nothing is left of the chords")
    assert "chord_unlock" not in "".join(worker.log() for worker in fleet.workers.values())


def _let_ten_minutes_pass(results: redis.Redis) -> None:
    """Have our housekeeper look at what stock workers ended, which do not know all that is kept."""
    open_chords = results.zrange(_OPEN_CHORDS, 0, -1)
    if open_chords:
        results.zadd(_OPEN_CHORDS, dict.fromkeys(open_chords, 0), xx=True)


def _left_of_chords(results: redis.Redis) -> list[str]:
    """Return the keys of chords, but for the marks of those that are over, that nothing will remove."""
    return [
        key
        for key in results.scan_iter(count=1_000)
        if not key.startswith("celery-task-meta-") and not key.endswith(".c") and results.ttl(key) == -1
    ]


def test_parts_that_an_older_celery_counted_are_noticed(fleet: Fleet, tmp_path: Path) -> None:
    """5.5 and 5.6 do not say whose part it is: the chord ends all the same, and our worker warns."""
    client, path = fleet.clients["ours"], tmp_path / "notes"
    echo, ids = client.tasks["echo"], [str(uuid.uuid4()) for _ in range(2)]
    fleet.workers["stock"].stop()
    # The first member goes to nobody's queue; a worker of Celery 5.6 reports it.
    header = [echo.s(1).set(task_id=ids[0], queue=f"nobody-{ids[0]}"), echo.s(2).set(task_id=ids[1], countdown=1)]
    result = chord(header)(client.tasks["note_all"].s(str(path)))
    older = client.backend.codec.encode([1, ids[0], "SUCCESS", 1])
    fleet.results.zadd(f"celery-taskset-meta-{result.parent.id}.j", {older: 0})

    assert result.get(timeout=60) == [1, 2]
    assert len(notes(path, "body")) == 1
    wait_until(lambda: "Celery older than 5.7" in fleet.workers["ours"].log(), "the worker warns")
