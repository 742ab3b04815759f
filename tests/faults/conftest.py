"""Servers that may be killed, and what the tests ask them about."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from celery import Celery

from rootcellar.settings import Settings
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from servers import PostgreSQLServer, RedisServer, wait_until


class Target(ABC):
    """One engine's empty database, and what its server knows about its clients."""

    def __init__(self, url: str, server: Any = None) -> None:
        self.url = url
        self.server = server

    def through(self, port: int) -> str:
        """Return the URL of the same database by way of another port."""
        return self.url.replace(f":{self.server.port}", f":{port}")

    @abstractmethod
    def connections(self) -> int:
        """Return how many connections clients have, without the one that asks."""

    @abstractmethod
    def subscriptions(self) -> int:
        """Return how many ids are being waited for."""

    @abstractmethod
    def is_subscribed(self, task_id: str) -> bool:
        """Return whether this id is being waited for."""

    def end_connections(self) -> None:
        """End all clients' connections; the server goes on."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes clients."""
        try:
            self.connections()
        except (redis.RedisError, psycopg.Error):
            return False
        return True


class RedisTarget(Target):
    """Redis."""

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def connections(self) -> int:
        with self._client() as client:
            return len(client.client_list()) - 1

    def subscriptions(self) -> int:
        with self._client() as client:
            return len(client.pubsub_channels("celery-task-meta-?*"))

    def is_subscribed(self, task_id: str) -> bool:
        with self._client() as client:
            return client.pubsub_channels(f"celery-task-meta-{task_id}") != []

    def end_connections(self) -> None:
        with self._client() as client:
            for kind in ("normal", "pubsub"):
                client.client_kill_filter(_type=kind, skipme=True)


class PostgreSQLTarget(Target):
    """PostgreSQL."""

    def _ask(self, statement: str) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchone()[0]

    def connections(self) -> int:
        return self._ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rootcellar'")

    def subscriptions(self) -> int:
        if not self._ask("SELECT to_regclass('cellar_waiter') IS NOT NULL"):
            return 0
        return self._ask("SELECT count(*) FROM cellar_waiter")

    def is_subscribed(self, task_id: str) -> bool:
        return self._ask(f"SELECT count(*) FROM cellar_waiter WHERE id = '{task_id}'") > 0

    def end_connections(self) -> None:
        self._ask(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE application_name = 'rootcellar'"
        )


class SQLiteTarget(Target):
    """SQLite: its clients are this process's open files, and it knows nothing of waiting."""

    def connections(self) -> int:
        path = self.url.removeprefix("sqlite:///").partition("?")[0]
        return sum(file.path == path for file in psutil.Process().open_files())

    def subscriptions(self) -> int:
        return 0

    def is_subscribed(self, task_id: str) -> bool:
        return False


@pytest.fixture(scope="session")
def killable_redis(redis_server: RedisServer) -> Iterator[RedisServer]:
    """A Redis beside the session's, which other tests need alive."""
    yield from _own(RedisServer)


@pytest.fixture(scope="session")
def killable_postgresql(postgresql_server: PostgreSQLServer) -> Iterator[PostgreSQLServer]:
    """A PostgreSQL beside the session's, with all that makes it durable."""
    yield from _own(lambda directory: PostgreSQLServer(directory, durable=True))


def _own(make: Callable[[Path], Any]) -> Iterator[Any]:
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    directory.chmod(0o755)
    server = make(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis_target(killable_redis: RedisServer) -> RedisTarget:
    """An empty Redis."""
    target = RedisTarget(killable_redis.url, killable_redis)
    with target._client() as client:
        client.flushall()
    return target


@pytest.fixture
def postgresql_target(killable_postgresql: PostgreSQLServer) -> PostgreSQLTarget:
    """A fresh PostgreSQL database with its tables; making them is the business of ``test_first_use.py``."""
    target = PostgreSQLTarget(killable_postgresql.create_database(), killable_postgresql)
    store = open_store(target.url)
    store.get("nobody")
    store.close()
    return target


@pytest.fixture
def sqlite_target(tmp_path: Path) -> SQLiteTarget:
    """A SQLite file that does not exist yet."""
    return SQLiteTarget(f"sqlite:///{tmp_path / 'results.db'}?synchronous=OFF")


_TARGETS = {
    "Redis": pytest.param("redis_target", id="Redis", marks=pytest.mark.redis),
    "PostgreSQL": pytest.param("postgresql_target", id="PostgreSQL", marks=pytest.mark.postgresql),
    "SQLite": pytest.param("sqlite_target", id="SQLite"),
}


@pytest.fixture(params=[_TARGETS["Redis"], _TARGETS["PostgreSQL"]])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Each engine with a server in turn; whatever a test did to it, it runs again afterwards."""
    found: Target = request.getfixturevalue(request.param)
    yield found
    found.server.resume()
    found.server.start()
    wait_until(found.answers, "the server is back")


@pytest.fixture(params=list(_TARGETS.values()))
def any_target(request: pytest.FixtureRequest) -> Target:
    """Each engine in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def open_app() -> Iterator[Callable[..., Celery]]:
    """Make apps, closed when the test is over: ``open_app(url, cellar_look_interval=0.2)``."""
    with ExitStack() as stack:

        def open_one(url: str, **config: Any) -> Celery:
            app = Celery("faults", set_as_current=False)
            app.conf.update(result_backend=f"cellar+{url}", broker_url="memory://", **config)
            for close in (app.close, app.backend.store.close, lambda: app.backend.hub.close()):
                stack.callback(close)
            return app

        yield open_one


@pytest.fixture
def open_it() -> Iterator[Callable[..., Store]]:
    """Open stores, closed when the test is over: ``open_it(url)``."""
    with ExitStack() as stack:

        def open_one(url: str, settings: Settings | None = None) -> Store:
            store = open_store(url, settings)
            stack.callback(store.close)
            return store

        yield open_one
