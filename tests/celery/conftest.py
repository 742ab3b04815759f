"""Real workers, and apps that send to them and read their results: once with each of our stores.

Everything here lives for the whole session, and each app has a database of its own, so no test relies on an empty one.
"""

import gc
import itertools
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from servers import PostgreSQLServer, RedisServer

# A worker imports the tasks as `cellar_tasks`, and so must we, or exceptions come back as other classes than they left.
# The folder cannot be a package: `celery` is taken.
sys.path.insert(0, str(Path(__file__).parent))

from cellar_tasks import make_app
from workers import Worker, worker_of

#: programs, which tests run
collect_ignore = ["client_program.py", "example_probe.py"]

_STORES = {"SQLite": (), "Redis": (pytest.mark.redis,), "PostgreSQL": (pytest.mark.postgresql,)}
_BROKER_DATABASE = 63
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def own_redis(redis_server: RedisServer) -> Iterator[RedisServer]:
    """A Redis beside the session's: other tests empty that one, and here workers run on it for longer."""
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    server = RedisServer(directory, options=["--databases", str(_BROKER_DATABASE + 1)])
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def new_redis_url(own_redis: RedisServer) -> Callable[[], str]:
    """Return the URL of a Redis database nobody else uses: ``new_redis_url()``."""
    databases = iter(range(_BROKER_DATABASE))
    return lambda: f"redis://127.0.0.1:{own_redis.port}/{next(databases)}"


@pytest.fixture(scope="session", params=[pytest.param(name, id=name, marks=marks) for name, marks in _STORES.items()])
def new_store_url(
    request: pytest.FixtureRequest, new_redis_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Return the URL of an empty database of each engine in turn: ``new_store_url()``."""
    if request.param == "Redis":
        return new_redis_url
    if request.param == "PostgreSQL":
        server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
        return server.create_database
    return lambda: f"sqlite:///{tmp_path_factory.mktemp('results') / 'results.db'}"


@pytest.fixture(scope="session")
def open_app(own_redis: RedisServer) -> Iterator[Callable[..., Celery]]:
    """Make apps that are closed at the end: ``open_app("cellar+redis://…", result_extended=True)``."""
    apps = []

    def open_one(result_backend: str, **config: Any) -> Celery:
        app = make_app(
            {
                "broker_url": f"redis://127.0.0.1:{own_redis.port}/{_BROKER_DATABASE}",
                "task_default_queue": f"queue-{next(_numbers)}",
                "result_backend": result_backend,
                **config,
            }
        )
        apps.append(app)
        return app

    yield open_one
    for app in apps:
        _close(app)


def _close(app: Celery) -> None:
    app.pool.force_close_all()
    if app.conf.result_backend.startswith("cellar+"):
        app.backend.hub.close()
        app.backend.store.close()
    else:
        gc.collect()  # Celery's own results talk to Redis when they are collected
        app.backend.result_consumer.cancel_for = lambda task_id: None  # later, as a failed test's are, there is none
        app.backend.result_consumer.stop()
        app.backend.client.connection_pool.disconnect()
    app.close()


@pytest.fixture(scope="session")
def app(new_store_url: Callable[[], str], open_app: Callable[..., Celery]) -> Celery:
    """A client with each of our stores in turn; see ``worker``."""
    return open_app(f"cellar+{new_store_url()}")


@pytest.fixture(scope="session")
def worker(app: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of ``app``."""
    with worker_of(app, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture(scope="session")
def extended_app(new_store_url: Callable[[], str], open_app: Callable[..., Celery]) -> Celery:
    """A client with ``result_extended``; see ``extended_worker``."""
    return open_app(f"cellar+{new_store_url()}", result_extended=True)


@pytest.fixture(scope="session")
def extended_worker(extended_app: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of ``extended_app``."""
    with worker_of(extended_app, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture(scope="session")
def stock_app(new_redis_url: Callable[[], str], open_app: Callable[..., Celery]) -> Celery:
    """A client with Celery's own Redis backend; see ``stock_worker``."""
    return open_app(new_redis_url())


@pytest.fixture(scope="session")
def stock_worker(stock_app: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The worker of ``stock_app``."""
    with worker_of(stock_app, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture(scope="session")
def elsewhere(app: Celery, open_app: Callable[..., Celery]) -> Celery:
    """An app with connections of its own to the database of ``app``, as a worker has: what it stores is news there."""
    return open_app(app.conf.result_backend)


@pytest.fixture
def new_result(app: Celery) -> Callable[[], AsyncResult]:
    """Return the result of a task nobody has run yet: ``new_result()``."""
    return lambda: app.AsyncResult(str(uuid.uuid4()))


@pytest.fixture
def finish(elsewhere: Celery) -> Callable[..., None]:
    """End tasks from elsewhere: ``finish(result, 42)``, ``finish(result, KeyError("jam"), state="FAILURE")``."""

    def finish_one(result: AsyncResult, value: Any = None, state: str = "SUCCESS") -> None:
        elsewhere.backend.store_result(result.id, value, state)

    return finish_one


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A gate that a task waits at until ``open_gate(gate)``."""
    return tmp_path / "gate"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the workers' logs with a test that failed."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Worker):
                report.sections.append((f"log of {name}", value.log()[-20_000:]))
    return report
