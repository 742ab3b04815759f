"""Fixtures every test may use: real servers, started when the first test asks for them, and stores on them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
from celery import _state

from rootcellar.codec import Codec
from rootcellar.record import Record
from rootcellar.settings import Settings
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from servers import (
    MariaDBServer,
    MissingServer,
    MongoDBServer,
    PgBouncerServer,
    PostgreSQLServer,
    RabbitMQServer,
    RedisServer,
    SentinelServers,
)
from servers.process import Server

# A machine that has other things to do is not a failure.
hypothesis.settings.register_profile("rootcellar", deadline=None)
hypothesis.settings.load_profile("rootcellar")

S = TypeVar("S", bound=Server | SentinelServers)

#: what a test is called under → the fixture with its URL, the marks
ENGINES = {
    "SQLite": ("sqlite_url", ()),
    "Redis": ("redis_url", (pytest.mark.redis,)),
    "PostgreSQL": ("postgresql_url", (pytest.mark.postgresql,)),
    "PostgreSQL without superuser rights": ("postgresql_plain_url", (pytest.mark.postgresql,)),
}


@pytest.fixture(autouse=True)
def _tasks_go_with_their_test() -> Iterator[None]:
    """A task that is made for one app is handed to every app that this process makes later: not to other tests'."""
    shared = _state._on_app_finalizers
    before = set(shared)
    yield
    shared.clear()
    shared.update(before)


@contextmanager
def _running(make: Callable[[Path], S]) -> Iterator[S]:
    # Not pytest's own temporary directory: the user PostgreSQL runs as could not enter it.
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    directory.chmod(0o755)
    server = make(directory)
    try:
        try:
            server.start()
        except MissingServer as exc:
            if os.environ.get("CI"):
                pytest.fail(f"{exc}: in CI every server must be there", pytrace=False)
            pytest.skip(f"NOT TESTED: {exc}")
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for the whole session."""
    with _running(RedisServer) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """A PostgreSQL for the whole session."""
    with _running(PostgreSQLServer) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[RabbitMQServer]:
    """A RabbitMQ for the whole session."""
    with _running(RabbitMQServer) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """A MariaDB for the whole session."""
    with _running(MariaDBServer) as server:
        yield server


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[MongoDBServer]:
    """A MongoDB for the whole session."""
    with _running(MongoDBServer) as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer_server(postgresql_server: PostgreSQLServer) -> Iterator[PgBouncerServer]:
    """A PgBouncer in transaction mode before the session's PostgreSQL, for the whole session."""
    with _running(lambda directory: PgBouncerServer(directory, postgresql_server)) as server:
        yield server


@pytest.fixture(scope="session")
def sentinel_servers() -> Iterator[SentinelServers]:
    """A Redis and one sentinel for the whole session: to connect to. A test of fail-overs starts its own."""
    with _running(SentinelServers.small) as servers:
        yield servers


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis database."""
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def _postgresql_database(postgresql_server: PostgreSQLServer) -> str:
    return postgresql_server.create_database()


@pytest.fixture(scope="session")
def _postgresql_plain_database(postgresql_server: PostgreSQLServer) -> str:
    return postgresql_server.create_plain_login()


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer, _postgresql_database: str) -> str:
    """An empty PostgreSQL database, as the superuser."""
    _empty(postgresql_server, _postgresql_database)
    return _postgresql_database


@pytest.fixture
def postgresql_plain_url(postgresql_server: PostgreSQLServer, _postgresql_plain_database: str) -> str:
    """An empty PostgreSQL database, as the login it belongs to."""
    _empty(postgresql_server, _postgresql_plain_database)
    return _postgresql_plain_database


@pytest.fixture
def pgbouncer_url(pgbouncer_server: PgBouncerServer, postgresql_url: str) -> str:
    """The database of ``postgresql_url``, by way of PgBouncer."""
    return pgbouncer_server.through(postgresql_url)


@pytest.fixture
def mariadb_url(mariadb_server: MariaDBServer) -> str:
    """An empty MariaDB database, in SQLAlchemy's form."""
    return mariadb_server.create_database()


@pytest.fixture
def mongodb_url(mongodb_server: MongoDBServer) -> str:
    """An empty MongoDB database."""
    return mongodb_server.create_database()


def _empty(server: PostgreSQLServer, url: str) -> None:
    """Drop all there is in a database: a tenth of what making a new one costs."""
    import psycopg
    from psycopg import conninfo, sql

    owner = conninfo.conninfo_to_dict(url)["user"]
    with psycopg.connect(server.superuser_url(url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute(sql.SQL("CREATE SCHEMA public AUTHORIZATION {}").format(sql.Identifier(str(owner))))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'results.db'}"


@pytest.fixture(params=[pytest.param(fixture, id=name, marks=marks) for name, (fixture, marks) in ENGINES.items()])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each engine in turn."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def open_it() -> Iterator[Callable[..., Store]]:
    """Open stores that are closed when the test is over: ``open_it(url, settings)``."""
    with ExitStack() as stack:

        def open_one(url: str, settings: Settings | None = None) -> Store:
            store = open_store(url, settings or Settings())
            stack.callback(store.close)
            return store

        yield open_one


@pytest.fixture
def store(store_url: str, open_it: Callable[..., Store]) -> Store:
    """An empty store of each engine in turn."""
    return open_it(store_url)


@pytest.fixture
def a_record() -> Callable[..., Record]:
    """Make a record: ``a_record("id", "SUCCESS", result=1, compression="gzip", expires_at=…)``.

    Its payload is a document as Celery writes it, from which Redis reads the state.
    """

    def make(
        record_id: str = "a", state: str = "SUCCESS", result: Any = None, compression: str | None = None, **fields: Any
    ) -> Record:
        document = {"status": state, "result": result, "traceback": None, "children": [], "task_id": record_id}
        return Record(record_id, state, Codec(compression=compression).encode(document), **fields)

    return make
