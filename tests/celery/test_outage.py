"""The store is away while tasks end and workers are killed: nothing is lost or changed, and all waiters answered."""

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from celery import Celery, chord
from celery.result import AsyncResult
from chaos_tasks import read_notes
from workers import Worker

from servers import PostgreSQLServer, RabbitMQServer, RedisServer

pytestmark = pytest.mark.rabbitmq

#: tasks that end in a second
RATE = 200
_SAFETY_S = 240


class Outage(NamedTuple):
    """A store, and a way to have it away: for as long as the block lasts."""

    url: str
    config: dict[str, Any]
    away: Callable[[], AbstractContextManager[None]]


@contextmanager
def _stopped(server: RedisServer | PostgreSQLServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


@pytest.fixture(
    params=[
        pytest.param("SQLite", id="SQLite locked by another process"),
        pytest.param("Redis", id="Redis stopped", marks=pytest.mark.redis),
        pytest.param("PostgreSQL", id="PostgreSQL stopped", marks=pytest.mark.postgresql),
    ]
)
def outage(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outage]:
    """Each engine in turn, on a server of its own that keeps what it has when it is stopped."""
    if request.param == "SQLite":
        path = tmp_path / "results.db"
        config = {"database_engine_options": {"connect_args": {"timeout": 0.2}}}
        yield Outage(f"cellar+sqlite:///{path}", config, lambda: _locked(path))
        return
    with ExitStack() as stack:
        server: RedisServer | PostgreSQLServer
        directory = stack.enter_context(_server_directory())
        if request.param == "Redis":
            server = RedisServer(directory, options=["--appendonly", "yes"])
        else:
            server = PostgreSQLServer(directory, durable=True)
        stack.callback(server.stop)
        server.start()
        url = server.url if isinstance(server, RedisServer) else server.create_database()
        yield Outage(f"cellar+{url}", {}, lambda: _stopped(server))


@contextmanager
def _server_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    directory.chmod(0o755)  # PostgreSQL's user must get in
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def outage_app(
    outage: Outage, open_app: Callable[..., Celery], rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> Celery:
    """A client whose store goes away; see ``outage``."""
    return open_app(
        outage.url,
        broker_url=rabbitmq_server.url,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=20,
        cellar_spool_dir=str(tmp_path / "spool"),
        cellar_retry_timeout=1,
        cellar_housekeeping_interval=0.5,
        **outage.config,
    )


class _Load:
    """Sends tasks at a steady pace, and has a thread wait for those of each second."""

    def __init__(self, app: Celery, notes: Path) -> None:
        self._task = app.tasks["chaos.number"]
        self._notes = notes
        self.sent: dict[str, int] = {}
        self.answers: dict[str, Any] = {}
        self._waiters: list[threading.Thread] = []

    def run(self, seconds: float) -> None:
        """Send for so long."""
        for second in range(round(seconds)):
            began = time.monotonic()
            results = {}
            for number in range(RATE):
                value = second * RATE + number
                result = self._task.delay(value, str(self._notes))
                self.sent[result.id] = value
                results[result.id] = result
            waiter = threading.Thread(target=self._wait, args=(results,))
            waiter.start()
            self._waiters.append(waiter)
            time.sleep(max(0.0, began + 1 - time.monotonic()))

    def _wait(self, results: dict[str, AsyncResult]) -> None:
        for one, result in results.items():
            try:
                self.answers[one] = result.get(timeout=_SAFETY_S)
            except Exception as exc:
                self.answers[one] = exc

    def finish(self) -> None:
        """Wait until every waiter is answered."""
        for waiter in self._waiters:
            waiter.join()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(4, id="for 4 s"),
        pytest.param(30, id="for 30 s", marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
def test_nothing_is_lost_while_the_store_is_away(
    outage: Outage, outage_app: Celery, tmp_path: Path, seconds: int
) -> None:
    """200 tasks end in each second; meanwhile each worker is killed and started again."""
    app, notes = outage_app, tmp_path / "notes"
    workers = [Worker(app.given, tmp_path, name=f"outage-{n}-{tmp_path.name}") for n in (1, 2)]
    with ExitStack() as stack:
        for worker in workers:
            stack.callback(worker.stop)
            worker.start()
        load = _Load(app, notes)
        load.run(1)
        chords = [
            chord([app.tasks["chaos.number"].s(value, str(notes)).set(countdown=2) for value in range(10)])(
                app.tasks["chaos.body"].s(path=str(notes))
            )
            for _ in range(5)
        ]
        with outage.away():
            sender = threading.Thread(target=load.run, args=(seconds,))
            sender.start()
            for worker in workers:
                time.sleep(seconds / 3)
                worker.kill()
                worker.start()
            sender.join()
        load.run(1)
        load.finish()
        totals = [result.get(timeout=_SAFETY_S) for result in chords]

    assert len(load.sent) == (seconds + 2) * RATE
    assert load.answers == load.sent
    assert totals == [sum(range(10))] * 5
    # What was first stored is what lies there now.
    kept = {one: app.AsyncResult(one).get(timeout=_SAFETY_S) for one in load.sent}
    assert kept == load.sent
    ran = {note["id"] for note in read_notes(notes) if note["what"] == "number"}
    assert set(load.sent) <= ran
    assert app.backend.spool.is_empty()
