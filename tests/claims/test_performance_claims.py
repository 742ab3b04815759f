"""What the performance rules say of Celery, made to happen on the installed one."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from celery import Celery, __version__
from packaging.version import Version
from sqlalchemy.pool import NullPool, QueuePool

CELERY = Version(__version__)

# Celery's own call, where redis-py deprecates it
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


def said(error: BaseException) -> str:
    """Return an exception's words and those of what caused it."""
    return "".join(traceback.format_exception(error))


def driver_url(url: str) -> str:
    """Name the driver that is installed: psycopg 3."""
    return url.replace("postgresql://", "db+postgresql+psycopg://")


@pytest.mark.redis
@pytest.mark.claims("RC401")
def test_broker_and_results_in_one_redis_database_share_one_key_space(redis_url: str) -> None:
    import redis

    app = Celery("claims", broker=redis_url, backend=redis_url, set_as_current=False)
    app.send_task("nobody.takes.this", task_id="one")
    app.backend.mark_as_done("two", 2)
    with redis.Redis.from_url(redis_url) as client:
        keys = {key.decode() for key in client.scan_iter()}
        assert {"celery", "celery-task-meta-two"} <= keys
        client.flushdb()
        assert client.llen("celery") == 0
    app.close()


@pytest.mark.redis
@pytest.mark.claims("RC402")
def test_a_redis_pool_that_is_used_up_raises_instead_of_waiting(new_app: Any, redis_url: str) -> None:
    import redis

    at_once = {"retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}}
    app = new_app(redis_url, redis_max_connections=1, result_backend_transport_options=at_once)
    client = app.backend.client
    taken = client.connection_pool.get_connection()
    with pytest.raises(redis.ConnectionError, match="Too many connections"):
        app.backend.mark_as_done("one", 1)
    client.connection_pool.release(taken)
    app.backend.mark_as_done("one", 1)


@pytest.mark.claims("RC403")
def test_each_forked_process_may_open_fifteen_connections_unless_told_otherwise(new_app: Any, sqlite_url: str) -> None:
    engine = _forked_engine(new_app(f"db+{sqlite_url}"))
    assert isinstance(engine.pool, QueuePool)
    assert (engine.pool.size(), engine.pool._max_overflow) == (5, 10)


def _forked_engine(app: Any, **options: Any) -> Any:
    """Return the engine that a worker's child has: Celery tells one by this flag, which billiard sets after a fork."""
    manager = app.backend.session_manager
    manager.forked = True
    return manager.get_engine(app.backend.url, **{**app.backend.engine_options, **options})


@pytest.mark.postgresql
@pytest.mark.claims("RC404")
@pytest.mark.parametrize(
    "pings", [False, True], ids=["fails and is tried again without pool_pre_ping", "works with it"]
)
def test_the_first_store_after_the_server_closed_the_connection(
    new_app: Any, postgresql_url: str, caplog: pytest.LogCaptureFixture, *, pings: bool
) -> None:
    app = new_app(driver_url(postgresql_url), database_engine_options={"pool_pre_ping": pings})
    app.backend.session_manager.forked = True
    app.backend.mark_as_done("one", 1)
    close_connections(app)
    app.backend.mark_as_done("two", 2)
    assert ("Failed operation" in caplog.text) is not pings
    engine_of(app).dispose()


@pytest.mark.postgresql
@pytest.mark.claims("RC404")
@pytest.mark.skipif(Version("5.7") > CELERY, reason="before Celery 5.7 the database backend always tries again")
def test_the_result_is_lost_where_retrying_is_switched_off(new_app: Any, postgresql_url: str) -> None:
    options = {"echo": False}
    app = new_app(driver_url(postgresql_url), database_engine_options=options, result_backend_always_retry=False)
    app.backend.session_manager.forked = True
    app.backend.mark_as_done("one", 1)
    close_connections(app)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Celery 5.7 wraps it
        app.backend.mark_as_done("two", 2)
    assert "terminating connection" in said(caught.value)
    engine_of(app).dispose()


@pytest.mark.claims("RC404")
@pytest.mark.claims("RC405")
def test_pinging_and_recycling_are_defaults_since_5_6_that_a_setting_replaces(new_app: Any) -> None:
    defaults = {"pool_pre_ping": True, "pool_recycle": 3600} if Version("5.6") <= CELERY else None
    assert new_app("db+sqlite://").conf.database_engine_options == defaults
    assert new_app("db+sqlite://", database_engine_options={"echo": False}).backend.engine_options == {"echo": False}


def close_connections(app: Any) -> None:
    """Let PostgreSQL close every connection but the one that says so."""
    other = sqlalchemy.create_engine(app.backend.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    kill = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid <> pg_backend_pid()"
    with other.connect() as connection:
        connection.execute(sqlalchemy.text(kill))


def engine_of(app: Any) -> Any:
    """Return the engine that stores an app's results."""
    return app.backend.session_manager.get_engine(app.backend.url)


@pytest.mark.claims("RC406")
def test_waiting_on_a_database_reads_it_twice_a_second_until_the_result_is_there(new_app: Any, sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}")
    app.backend.mark_as_started("one")
    reads: list[str] = []
    naps: list[float] = []
    read = app.backend._get_task_meta_for

    def counted(task_id: str) -> Any:
        reads.append(task_id)
        if len(reads) == 3:
            app.backend.mark_as_done(task_id, 1)
        return read(task_id)

    app.backend._get_task_meta_for = counted
    assert app.backend.wait_for("one", timeout=60, on_interval=lambda: naps.append(1))["result"] == 1
    assert len(reads) >= 3
    assert len(naps) == len(reads) - 1
    assert app.backend.wait_for.__kwdefaults__ is None
    assert 0.5 in app.backend.wait_for.__defaults__


@pytest.mark.claims("RC407")
def test_outside_a_forked_worker_each_read_of_a_database_opens_a_connection(new_app: Any, sqlite_url: str) -> None:
    opened: list[int] = []
    app = new_app(f"db+{sqlite_url}", database_engine_options={"pool_size": 5})
    app.backend.mark_as_done("one", 1)
    made = app.backend.session_manager.get_engine(app.backend.url, pool_size=5)
    assert isinstance(made.pool, NullPool)

    def note(*_: Any) -> None:
        opened.append(1)

    sqlalchemy.event.listen(sqlalchemy.pool.Pool, "connect", note)
    try:
        for _ in range(3):
            assert app.backend.get_state("one") == "SUCCESS"
            app.backend._cache.clear()
    finally:
        sqlalchemy.event.remove(sqlalchemy.pool.Pool, "connect", note)
    assert len(opened) >= 3


@pytest.mark.redis
@pytest.mark.claims("RC408")
@pytest.mark.parametrize("ignores", [False, True], ids=["of a task that stores results", "not where it is ignored"])
def test_sending_subscribes_to_the_result(new_app: Any, redis_url: str, *, ignores: bool) -> None:
    import redis

    app = new_app(redis_url)

    @app.task(name="add", ignore_result=ignores)
    def add(number: int) -> int:
        return number

    result = add.apply_async((1,))
    with redis.Redis.from_url(redis_url) as client:
        channels = [name.decode() for name in client.pubsub_channels()]
    assert (f"celery-task-meta-{result.id}" in channels) is not ignores
    app.backend.result_consumer.stop()


@pytest.mark.redis
@pytest.mark.claims("RC409")
@pytest.mark.parametrize("extended", [False, True], ids=["not by default", "with result_extended"])
def test_arguments_are_stored_beside_the_result(new_app: Any, redis_url: str, *, extended: bool) -> None:
    from celery.app.task import Context

    app = new_app(redis_url, result_extended=extended)
    request = Context(id="one", task="pay", args=["a large document"], kwargs={}, hostname="w1", retries=0)
    app.backend.mark_as_done("one", 1, request=request)
    stored = json.loads(app.backend.client.get("celery-task-meta-one"))
    assert (stored.get("args") == ["a large document"]) is extended


@pytest.mark.redis
@pytest.mark.claims("RC410")
def test_a_binary_result_cannot_be_read_where_redis_decodes(new_app: Any, redis_url: str) -> None:
    settings = {"result_serializer": "pickle", "result_accept_content": ["pickle"]}
    app = new_app(f"{redis_url}?decode_responses=True", **settings)
    app.backend.mark_as_done("one", {"value": 10**18, "bytes": "é" * 300})
    with pytest.raises((UnicodeDecodeError, ValueError, TypeError)):
        app.AsyncResult("one").get(timeout=5)


@pytest.mark.redis
@pytest.mark.claims("RC410")
@pytest.mark.skipif(Version("5.7") > CELERY, reason="result_compression does nothing before Celery 5.7")
def test_decoding_switches_compression_off(new_app: Any, redis_url: str) -> None:
    app = new_app(f"{redis_url}?decode_responses=True", result_compression="gzip")
    with pytest.warns(UserWarning, match="decode_responses"):
        assert app.backend.compression is None


@pytest.mark.claims("RC412")
def test_a_table_that_exists_gets_no_index_from_celery(new_app: Any, sqlite_url: str, tmp_path: Path) -> None:
    app = new_app(f"db+{sqlite_url}")
    engine = sqlalchemy.create_engine(sqlite_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "create table celery_taskmeta (id integer primary key, task_id varchar(155) unique, status varchar(50),"
                " result blob, date_done datetime, traceback text, name varchar(155), args blob, kwargs blob,"
                " worker varchar(155), retries integer, queue varchar(155))"
            )
        )
    app.backend.mark_as_done("one", 1)
    assert _indexed(engine) == set()
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    new_app(f"db+{fresh}").backend.mark_as_done("one", 1)
    made = _indexed(sqlalchemy.create_engine(fresh, poolclass=NullPool))
    assert ("date_done" in made) is (Version("5.6") <= CELERY)


def _indexed(engine: Any) -> set[str]:
    indexes = sqlalchemy.inspect(engine).get_indexes("celery_taskmeta")
    return {column for index in indexes for column in index["column_names"] if column}


@pytest.mark.claims("RC415")
def test_a_second_writer_of_a_sqlite_file_is_refused(new_app: Any, sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", database_engine_options={"connect_args": {"timeout": 0.05}})
    app.backend.mark_as_done("one", 1)
    engine = sqlalchemy.create_engine(sqlite_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("pragma journal_mode")).scalar() == "delete"
        raw = connection.connection.dbapi_connection
        raw.isolation_level = None
        raw.execute("begin immediate")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - Celery 5.7 wraps it
            app.backend.mark_as_done("two", 2)
        assert "database is locked" in said(caught.value)
        raw.execute("rollback")


@pytest.mark.claims("RC416")
@pytest.mark.parametrize("backend", ["db+sqlite", "redis"])
def test_a_task_that_was_never_sent_is_pending(new_app: Any, backend: str, request: pytest.FixtureRequest) -> None:
    fixture: Callable[[str], str] = request.getfixturevalue
    url = f"db+{fixture('sqlite_url')}" if backend == "db+sqlite" else fixture("redis_url")
    result = new_app(url).AsyncResult("no-such-task")
    assert result.state == "PENDING"
    assert not result.ready()
