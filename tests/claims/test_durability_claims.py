"""What the durability rules say of Celery and its servers, made to happen."""

import datetime
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from celery import Celery, __version__
from celery.app.task import Context
from packaging.version import Version

from servers import RedisServer, SentinelServers

CELERY = Version(__version__)

# Celery's own call, where redis-py deprecates it
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

#: Nobody listens there.
CLOSED_PORT = 9


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Any]:
    """Start Redis servers with options of one's own: ``own_redis("--maxmemory", "2mb")``."""
    started: list[RedisServer] = []

    def start(*options: str, **arguments: Any) -> RedisServer:
        directory = tmp_path / f"redis-{len(started)}"
        directory.mkdir()
        server = RedisServer(directory, options=options, **arguments)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.mark.claims("RC301")
def test_expired_rows_stay_readable_until_backend_cleanup_runs(new_app: Any, sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", result_expires=60)
    app.backend.mark_as_done("old", 1)
    engine = sqlalchemy.create_engine(sqlite_url)
    with engine.begin() as connection:
        long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=30)
        connection.execute(sqlalchemy.text("update celery_taskmeta set date_done = :then"), {"then": long_ago})
    engine.dispose()
    assert app.AsyncResult("old").state == "SUCCESS"
    app.tasks["celery.backend_cleanup"]()
    app.backend._cache.clear()
    assert app.AsyncResult("old").state == "PENDING"


@pytest.mark.claims("RC301")
@pytest.mark.parametrize(("backend", "has"), [("db+sqlite://", True), ("redis://", False)], ids=["database", "Redis"])
def test_beat_schedules_the_cleanup_where_the_store_does_not_expire(new_app: Any, backend: str, *, has: bool) -> None:
    from celery.beat import Scheduler

    entries: dict[str, Any] = {}
    app = new_app(backend)
    scheduler = Scheduler(app, lazy=True)
    scheduler.install_default_entries(entries)
    assert ("celery.backend_cleanup" in scheduler.schedule) is has


@pytest.mark.redis
@pytest.mark.claims("RC302")
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "noeviction"])
def test_a_full_redis(new_app: Any, own_redis: Any, policy: str) -> None:
    import redis

    server = own_redis("--maxmemory", "3mb", "--maxmemory-policy", policy)
    app = new_app(server.url)
    refused = False
    for number in range(60):
        try:
            app.backend.mark_as_done(str(number), "x" * 100_000)
        except redis.ResponseError as exc:
            refused = "maxmemory" in str(exc)
            break
    app.backend._cache.clear()
    first = app.backend.get_state("0")
    assert (refused, first) == ((True, "SUCCESS") if policy == "noeviction" else (False, "PENDING"))


@pytest.mark.redis
@pytest.mark.claims("RC303")
@pytest.mark.claims("RC305")
@pytest.mark.parametrize("appends", [False, True], ids=["loses results without persistence", "keeps them with a log"])
def test_a_redis_that_is_restarted(new_app: Any, own_redis: Any, *, appends: bool) -> None:
    server = own_redis("--save", "", "--appendonly", "yes" if appends else "no", "--appendfsync", "always")
    app = new_app(server.url)
    app.backend.mark_as_done("one", 1)
    server.stop()
    server.start()
    assert new_app(server.url).backend.get_state("one") == ("SUCCESS" if appends else "PENDING")


@pytest.mark.rabbitmq
@pytest.mark.claims("RC306")
@pytest.mark.parametrize("persistent", [False, True], ids=["transient by default", "persistent where set"])
def test_replies_are(rabbitmq_server: Any, *, persistent: bool) -> None:
    app = Celery("claims", broker=rabbitmq_server.url, backend="rpc://", set_as_current=False)
    app.conf.result_persistent = persistent
    with app.connection_for_write() as connection:
        queue = app.backend.binding.bind(connection.default_channel)
        queue.declare()
        assert queue.durable is (Version("5.7") <= CELERY)
        with app.amqp.producer_pool.acquire() as producer:
            producer.publish(
                {"task_id": "one"},
                exchange="",
                routing_key=queue.name,
                delivery_mode=app.backend.delivery_mode,
            )
        message = next(found for _ in range(1000) if (found := queue.get() or time.sleep(0.01)))
        assert message.properties["delivery_mode"] == (2 if persistent else 1)
        message.ack()
        queue.delete()
    app.close()


@pytest.mark.claims("RC307")
@pytest.mark.parametrize("retries", [False, True], ids=["once by default", "again where set"])
def test_storing_on_a_redis_that_is_away_is_tried(
    new_app: Any, monkeypatch: pytest.MonkeyPatch, *, retries: bool
) -> None:
    tries = tries_at(new_app, f"redis://127.0.0.1:{CLOSED_PORT}/0", monkeypatch, **_retrying(retries))
    assert tries == (3 if retries else 1)


@pytest.mark.claims("RC307")
@pytest.mark.parametrize("retries", [None, False, True], ids=["where unset", "where off", "where on"])
def test_storing_on_a_database_that_is_away_is_tried(
    new_app: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, retries: bool | None
) -> None:
    settings = {} if retries is None else _retrying(retries)
    tries = tries_at(new_app, f"db+sqlite:///{tmp_path}/no/such/folder/results.db", monkeypatch, **settings)
    if Version("5.7") <= CELERY:
        assert tries == {None: 4, False: 1, True: 3}[retries]
    else:
        assert tries >= 1


@pytest.mark.claims("RC307")
def test_storing_on_a_mongodb_that_is_away_is_tried_once_whatever_is_set(
    new_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymongo")
    url = f"mongodb://127.0.0.1:{CLOSED_PORT}/?serverSelectionTimeoutMS=50"
    assert tries_at(new_app, url, monkeypatch, **_retrying(True)) == 1


def _retrying(is_on: bool) -> dict[str, Any]:
    return {
        "result_backend_always_retry": is_on,
        "result_backend_max_retries": 2,
        "result_backend_base_sleep_between_retries_ms": 1,
        "result_backend_max_sleep_between_retries_ms": 1,
    }


def tries_at(new_app: Any, url: str, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> int:
    """Return how often a backend tries to store one result on a server that is away."""
    app = new_app("db+sqlite://" if url.startswith("db+") else url, **settings)
    backend = app.backend
    if url.startswith("db+"):
        backend.url = url.removeprefix("db+")  # it was there when the worker started
    tries = []
    store = type(backend)._store_result

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        tries.append(args)
        return store(self, *args, **kwargs)

    monkeypatch.setattr(type(backend), "_store_result", counted)
    monkeypatch.setattr(type(backend), "_sleep", lambda self, seconds: None)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each driver has its own
        backend.mark_as_done("one", 1)
    if url.startswith("mongodb"):
        backend._get_connection().close()
    return len(tries)


@pytest.mark.sentinel
@pytest.mark.claims("RC308")
def test_a_result_that_ends_during_a_fail_over_is_stored_only_where_it_is_tried_again(
    new_app: Any, tmp_path: Path
) -> None:
    import redis

    servers = SentinelServers(tmp_path, replicas=1, sentinels=1)
    servers.start()
    try:
        options = {"master_name": servers.master_name}
        default = new_app(servers.url, result_backend_transport_options=options)
        patient = new_app(servers.url, result_backend_transport_options=options, result_backend_always_retry=True)
        default.backend.mark_as_done("before", 1)
        servers.master().kill()
        with pytest.raises(redis.ConnectionError):
            default.backend.mark_as_done("lost", 2)
        patient.backend.mark_as_done("during", 3)
        assert patient.backend.get_state("during") == "SUCCESS"
        for app in (default, patient):
            app.backend.client.connection_pool.disconnect()
    finally:
        servers.stop()


@pytest.mark.claims("RC309")
def test_another_process_sees_nothing_of_a_result_in_memory(new_app: Any) -> None:
    app = new_app("cache+memory://")
    app.backend.mark_as_done("one", 1)
    assert app.backend.get_state("one") == "SUCCESS"
    look = "from celery import Celery; print(Celery(broker='memory://', backend='cache+memory://').backend.get_state('one'))"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "PENDING"


@pytest.mark.claims("RC309")
def test_a_sqlite_without_a_file_is_a_new_one_for_each_connection(new_app: Any) -> None:
    app = new_app("db+sqlite://")

    def store_and_read() -> None:
        app.backend.mark_as_done("one", 1)
        app.backend.get_state("one")

    with pytest.raises(Exception) as caught:  # noqa: PT011 - Celery 5.7 wraps it
        store_and_read()
    assert "no such table" in "".join(traceback.format_exception(caught.value))


@pytest.mark.claims("RC310")
def test_a_result_that_a_cache_dropped_looks_like_a_task_never_sent(new_app: Any) -> None:
    app = new_app("cache+memory://")
    app.backend.mark_as_done("one", 1)
    app.backend.client.delete(app.backend.get_key_for_task("one"))
    app.backend._cache.clear()
    assert app.AsyncResult("one").state == app.AsyncResult("never-sent").state == "PENDING"


@pytest.mark.redis
@pytest.mark.claims("RC312")
def test_the_parts_of_a_chord_expire_after_the_last_of_them(new_app: Any, redis_url: str) -> None:
    import redis

    app = new_app(redis_url, result_expires=600)

    @app.task(name="body")
    def body(numbers: list[int]) -> int:
        return sum(numbers)

    app.backend.apply_chord(("g", [app.AsyncResult("a"), app.AsyncResult("b")]), body.s())
    member = Context(id="a", group="g", chord=body.s(), group_index=0, root_id="g", parent_id=None)
    app.backend.on_chord_part_return(member, "SUCCESS", 1)
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter("*g.j*"))
        assert keys
        assert all(0 < client.ttl(key) <= 600 for key in keys)


@pytest.mark.claims("RC313")
def test_a_chord_has_three_seconds_to_collect_its_parts_unless_told_otherwise(new_app: Any) -> None:
    app = new_app("db+sqlite://")
    assert app.conf.result_chord_join_timeout == 3.0
    assert not app.backend.supports_native_join
