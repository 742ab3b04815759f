"""``rootcellar doctor`` where the store is what is wrong: each cause is brought about, and must be named."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from doctored import HEALTHY, diagnosis, explained, project, said
from faults.proxy import Proxy
from rootcellar.specialist.doctor import SYMPTOMS, Diagnosis
from servers import RedisServer

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

#: Nobody listens there.
NO_BROKER = "amqp://127.0.0.1:1//"


#: Options of a Redis that may hold results.
DURABLE = ("--appendonly", "yes")


@pytest.fixture(scope="module")
def durable() -> Iterator[RedisServer]:
    with ExitStack() as stack:
        yield _started(stack, *DURABLE)


@pytest.fixture
def start(durable: RedisServer) -> Iterator[Callable[..., RedisServer]]:
    """Start a Redis: ``start("--maxmemory", "2mb")``; one that is only durable is emptied, and shared."""
    with ExitStack() as stack:

        def start_one(*options: str, **how: Any) -> RedisServer:
            if options != DURABLE or how:
                return _started(stack, *options, **how)
            with redis.Redis.from_url(durable.url) as client:
                client.flushall()
            return durable

        yield start_one


def _started(stack: ExitStack, *options: str, **how: Any) -> RedisServer:
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    server = RedisServer(directory, options=["--databases", "64", *options], **how)
    server.start()
    stack.callback(server.stop)
    return server


@pytest.fixture
def open_backend() -> Iterator[Callable[..., Any]]:
    """Give the backend of an app with a URL: the worker's side."""
    apps = []

    def open_one(url: str, **settings: Any) -> Any:
        app = Celery("stores", broker="memory://", backend=url, set_as_current=False)
        app.conf.update(settings)
        apps.append(app)
        return app.backend

    yield open_one
    for app in apps:
        client = getattr(app.backend, "client", None)
        if client is not None:
            client.connection_pool.disconnect()
        app.close()


def looked(name: str, folder: Path, backend: str, **settings: Any) -> Diagnosis:
    code = settings.pop("code", "")
    return diagnosis(name, project(folder, NO_BROKER, backend, code, **{**HEALTHY, **settings}))


def text(found: Diagnosis) -> str:
    assert found.explanation is not None, said(found)
    return found.explanation.evidence


@pytest.mark.redis
@pytest.mark.parametrize("symptom", ["not-persisting", "expired-early", "chord-stuck"])
def test_a_redis_that_was_restarted_and_writes_nothing_to_disk(
    symptom: str, tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start()
    open_backend(server.url).store_result("a", 1, "SUCCESS")
    server.stop()
    server.start()
    found = looked(symptom, tmp_path, server.url)
    # For a chord the broker, which nobody answers for either, is likelier.
    assert explained(found) == ("broker-away" if symptom == "chord-stuck" else "restarted"), said(found)
    assert said(found)["restarted"].startswith("explains")


@pytest.mark.redis
def test_a_redis_whose_memory_is_full(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start("--appendonly", "yes", "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    found = looked("not-persisting", tmp_path, server.url)
    assert explained(found) == "store-refuses"
    assert "OOM" in text(found) or "maxmemory" in text(found)


@pytest.mark.redis
def test_a_login_that_is_refused_and_never_shown(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start(password="the-right-one")
    found = looked("not-persisting", tmp_path, server.url.replace("the-right-one", "hunter2hunter2"))
    assert explained(found) == "store-away"
    assert "AuthenticationError" in text(found)
    assert "hunter2" not in repr((found.causes, found.looked))


@pytest.mark.redis
def test_a_redis_that_is_a_read_only_replica(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    master = start()
    replica = start("--replicaof", "127.0.0.1", str(master.port), "--appendonly", "yes")
    found = looked("pending-forever", tmp_path, replica.url)
    assert said(found)["store-refuses"].startswith("explains: Storing a test result raised ReadOnlyError")


@pytest.mark.redis
@pytest.mark.parametrize("symptom", ["expired-early", "not-persisting"])
def test_a_redis_that_has_evicted_results(
    symptom: str, tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes", "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
    backend = open_backend(server.url)
    for number in range(40):
        backend.store_result(str(number), "x" * 100_000, "SUCCESS")
    found = looked(symptom, tmp_path, server.url)
    assert explained(found) == "evicted", said(found)
    assert "allkeys-lru" in text(found)


@pytest.mark.redis
def test_results_that_are_kept_for_a_minute(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start("--appendonly", "yes")
    found = looked("expired-early", tmp_path, server.url, result_expires=60)
    assert explained(found) == "short-retention", said(found)


def test_a_backend_in_the_memory_of_one_process(tmp_path: Path) -> None:
    assert explained(looked("not-persisting", tmp_path, "cache+memory://")) == "RC309"


def test_results_of_rpc_that_another_process_looks_up(tmp_path: Path) -> None:
    code = """
    from celery.result import AsyncResult

    def late(task_id):
        return AsyncResult(task_id, app=app).state
    """
    found = diagnosis("pending-forever", project(tmp_path, NO_BROKER, "rpc://", code, **HEALTHY), is_live=False)
    assert explained(found) == "RC222", said(found)


def test_a_chord_on_rpc(tmp_path: Path) -> None:
    code = """
    from celery import chord

    def together():
        return chord([add.s(1, 1), add.s(2, 2)])(add.s(1))
    """
    found = diagnosis("chord-stuck", project(tmp_path, NO_BROKER, "rpc://", code, **HEALTHY))
    assert explained(found) == "chords-unsupported", said(found)
    static = diagnosis("chord-stuck", tmp_path, is_live=False)
    assert explained(static) == "RC221"


@pytest.mark.redis
def test_results_that_were_stored_as_pickles(
    tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes")
    worker = open_backend(server.url, result_serializer="pickle", result_accept_content=["pickle"])
    worker.store_result("a", {"set": {1, 2}}, "SUCCESS")
    found = looked("serialization", tmp_path, server.url)
    assert explained(found) == "undecodable", said(found)
    assert "1 of 1 results looked at are pickles" in text(found)


def test_a_row_that_cannot_be_decoded(tmp_path: Path, open_backend: Callable[..., Any]) -> None:
    url = f"db+sqlite:///{tmp_path / 'results.db'}"
    backend = open_backend(url)
    backend.store_result("good", 1, "SUCCESS")
    backend.store_result("bad", 2, "SUCCESS")
    with sqlite3.connect(tmp_path / "results.db") as database:
        database.execute("UPDATE celery_taskmeta SET result = ? WHERE task_id = 'bad'", (b"{no json",))
    found = looked("serialization", tmp_path, url)
    assert explained(found) == "undecodable", said(found)
    assert "One is bad." in text(found)


def test_a_result_store_that_polls(tmp_path: Path, open_backend: Callable[..., Any]) -> None:
    url = f"db+sqlite:///{tmp_path / 'results.db'}"
    open_backend(url).store_result("a", 1, "SUCCESS")
    found = diagnosis("slow", project(tmp_path, NO_BROKER, url, **HEALTHY), timeout_s=2)
    assert explained(found) == "polling", said(found)


@pytest.mark.redis
def test_a_store_that_is_far_away(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start("--appendonly", "yes")
    with Proxy(server.port) as proxy:
        proxy.delay(0.06)
        url = server.url.replace(str(server.port), str(proxy.port))
        found = diagnosis("slow", project(tmp_path, NO_BROKER, url, **HEALTHY), timeout_s=1)
    assert explained(found) == "slow-store", said(found)


@pytest.mark.postgresql
def test_a_web_process_that_connects_for_each_read(
    tmp_path: Path, postgresql_url: str, open_backend: Callable[..., Any]
) -> None:
    url = "db+" + postgresql_url.replace("postgresql://", "postgresql+psycopg://")
    open_backend(url).store_result("a", 1, "SUCCESS")
    module = f"""
    from celery import Celery

    app = Celery("shop", broker="{NO_BROKER}", backend="{url}")
    app.conf.result_backend_always_retry = True

    def state(task_id):
        return app.AsyncResult(task_id).state
    """
    from project_files import lay_out

    lay_out(tmp_path, {"shop.py": module})
    found = diagnosis("slow", tmp_path, timeout_s=2)
    assert explained(found) == "connection-per-call", said(found)


@pytest.mark.redis
def test_results_without_expiry(
    tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes")
    open_backend(server.url, result_expires=None).store_result("a", 1, "SUCCESS")
    assert explained(looked("memory-growing", tmp_path, server.url)) == "kept-for-ever"
    for_ever = looked("memory-growing", tmp_path / "none", server.url, result_expires=None)
    assert {one.suspect for one in for_ever.causes} >= {"kept-for-ever", "RC214"}


def test_rows_that_nobody_cleans_up(tmp_path: Path, open_backend: Callable[..., Any]) -> None:
    url = f"db+sqlite:///{tmp_path / 'results.db'}"
    open_backend(url).store_result("a", 1, "SUCCESS")
    old = (datetime.now(UTC) - timedelta(days=40)).replace(tzinfo=None)
    with sqlite3.connect(tmp_path / "results.db") as database:
        database.execute("UPDATE celery_taskmeta SET date_done = ?", (str(old),))
    found = looked("memory-growing", tmp_path, url)
    assert explained(found) == "rows-outlive", said(found)
    assert "40.0 days old" in text(found)


@pytest.mark.redis
def test_a_client_that_subscribes_to_results_nobody_reads(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start("--appendonly", "yes")
    app = Celery("leaking", broker="memory://", backend=server.url, set_as_current=False)
    kept = [app.send_task("add", (1, 2)) for _ in range(1_000)]
    found = looked("memory-growing", tmp_path, server.url)
    app.backend.result_consumer.cancel_for = lambda task_id: None
    kept.clear()
    app.backend.result_consumer.stop()
    app.backend.client.connection_pool.disconnect()
    assert explained(found) == "subscriptions", said(found)
    assert "1,000 channels" in text(found)


@pytest.mark.redis
def test_a_server_whose_connections_are_nearly_used_up(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    server = start("--appendonly", "yes", "--maxclients", "40")
    with ExitStack() as stack:
        for _ in range(36):
            stack.enter_context(redis.Redis.from_url(server.url)).ping()
        found = looked("slow", tmp_path, server.url)
    assert explained(found) == "connections-exhausted", said(found)


@pytest.mark.redis
def test_results_that_are_large(
    tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes")
    open_backend(server.url).store_result("a", "x" * 600_000, "SUCCESS")
    found = looked("memory-growing", tmp_path, server.url)
    assert explained(found) == "large-results", said(found)


def test_rows_that_the_clean_up_does_not_find(tmp_path: Path, open_backend: Callable[..., Any]) -> None:
    url = f"db+sqlite:///{tmp_path / 'results.db'}"
    open_backend(url).store_result("a", 1, "SUCCESS")
    with sqlite3.connect(tmp_path / "results.db") as database:
        database.executemany(
            "INSERT INTO celery_taskmeta (task_id, status) VALUES (?, 'STARTED')", [(str(n),) for n in range(150)]
        )
    found = looked("memory-growing", tmp_path, url)
    assert explained(found) == "rows-undated", said(found)


@pytest.mark.redis
def test_results_in_another_database_of_the_same_redis(
    tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes")
    open_backend(server.url).store_result("a", 1, "SUCCESS")
    found = looked("not-persisting", tmp_path, server.url.replace("/0", "/7"))
    assert found.explanation is None
    assert [one.suspect for one in found.possible] == ["other-database"]
    named = diagnosis("not-persisting", tmp_path, task_id="a")
    assert explained(named) == "task-in-other-place", said(named)


@pytest.mark.redis
def test_a_task_whose_record_says_that_it_has_begun(
    tmp_path: Path, start: Callable[..., RedisServer], open_backend: Callable[..., Any]
) -> None:
    server = start("--appendonly", "yes")
    open_backend(server.url).mark_as_started("a", pid=1, hostname="somewhere")
    folder = project(tmp_path, "memory://", server.url, **HEALTHY)
    assert explained(diagnosis("pending-forever", folder, task_id="a")) == "task-stored"
    gone = diagnosis("pending-forever", folder, task_id="b")
    assert gone.explanation is None
    assert said(gone)["task-stored"].startswith("cleared: nothing lies under the id")


@pytest.mark.parametrize("backend", ["db+sqlite:///{}", "cellar+sqlite:///{}"])
def test_a_database_that_is_not_there_is_not_made(backend: str, tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    for make in (lambda: None, file.touch):
        make()
        found = looked("not-persisting", tmp_path, backend.format(file))
        assert [one.suspect for one in found.possible] == ["nothing-stored"], said(found)
        assert not file.exists() or file.stat().st_size == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("scheme", ["db+postgresql+psycopg", "cellar+postgresql"])
def test_tables_that_are_not_there_are_not_made(scheme: str, tmp_path: Path, postgresql_url: str) -> None:
    import psycopg

    looked("not-persisting", tmp_path, postgresql_url.replace("postgresql", scheme, 1))
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("SELECT relname FROM pg_class WHERE relname LIKE '%cel%'").fetchall() == []


@pytest.mark.mongodb
def test_a_mongodb_is_looked_at_and_a_collection_not_made(
    tmp_path: Path, mongodb_url: str, open_backend: Callable[..., Any]
) -> None:
    import pymongo

    found = looked("not-persisting", tmp_path, mongodb_url)
    assert [one.suspect for one in found.possible] == ["nothing-stored"], said(found)
    with pymongo.MongoClient(mongodb_url) as client:
        assert client.get_default_database().list_collection_names() == []
        app = Celery("stores", broker="memory://", backend=mongodb_url, set_as_current=False)
        app.backend.store_result("a", 1, "SUCCESS")
        healthy = looked("not-persisting", tmp_path, mongodb_url)
        assert not healthy.causes, said(healthy)
        app.backend.database.client.close()
        app.close()


@pytest.mark.redis
def test_a_chord_of_ours_that_nobody_has_looked_after(tmp_path: Path, start: Callable[..., RedisServer]) -> None:
    import time

    from rootcellar.settings import Settings
    from rootcellar.stores import open_store
    from rootcellar.stores.ledger import Opening

    server = start("--appendonly", "yes")
    with ExitStack() as stack:
        store = open_store(f"cellar+{server.url}", Settings())
        stack.callback(store.close)
        store.chords.open("late", Opening(deadline_at=time.time() - 60))
        folder = project(tmp_path, "memory://", f"cellar+{server.url}", **HEALTHY)
        found = diagnosis("chord-stuck", folder)
    assert [one.suspect for one in found.possible] == ["ledger-overdue"], said(found)


@pytest.mark.redis
@pytest.mark.parametrize("symptom", [one.name for one in SYMPTOMS])
def test_a_healthy_store_of_ours_explains_no_symptom(
    symptom: str, tmp_path: Path, start: Callable[..., RedisServer]
) -> None:
    server = start("--appendonly", "yes")
    folder = project(tmp_path, "memory://", f"cellar+{server.url}", **HEALTHY)
    found = diagnosis(symptom, folder)
    assert not found.causes, found.causes
