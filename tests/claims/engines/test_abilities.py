"""What the table says an engine can and cannot do: the installed Celery shows it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from celery import Celery

from claims.engines.observing import Observation, World, close, is_pickle, make_app, request_of, store
from claims.engines.samples import INSTALLED
from claims.engines.tried import TRIED, each
from rootcellar.specialist.engines import ENGINES, holds, honours

# Celery calls redis-py, and redis-py warns.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

Observe = Callable[..., Observation]

_DATABASES = ("database on PostgreSQL", "database on MariaDB")
_STORING = tuple(engine for engine in TRIED if engine != "disabled")
_DAY_S = 86400

#: ability → why no test here shows it
NOT_SHOWN: Mapping[str, str] = {
    "durable": "it is the server's, not Celery's",
}


def _engine(name: str) -> Any:
    return ENGINES[name.partition(" on ")[0]]


@pytest.mark.parametrize("engine", each(*TRIED, *_DATABASES))
def test_chords_are_native_polled_or_refused(engine: str, seen: Observe):
    chord = seen(engine, {})["chord"]
    said = "none" if chord.get("error") == "NotImplementedError" else chord["kind"]
    assert said == _engine(engine).abilities.chords


@pytest.mark.parametrize("engine", each())
def test_another_app_can_read_a_result_where_it_is_shared(engine: str, seen: Observe):
    assert (seen(engine, {})["elsewhere"] == "SUCCESS") is ENGINES[engine].abilities.is_shared


@pytest.mark.parametrize("engine", each())
def test_a_result_can_be_read_again_where_it_is_reread(engine: str, seen: Observe):
    assert (seen(engine, {})["again"] == "SUCCESS") is ENGINES[engine].abilities.is_reread


@pytest.mark.parametrize("engine", each(*_STORING, *_DATABASES))
def test_a_success_is_final_in_the_versions_named(engine: str, seen: Observe):
    is_final = holds(_engine(engine).abilities.success_is_final, INSTALLED)
    assert seen(engine, {})["second run"] == ("first" if is_final else "second")


@pytest.mark.parametrize("engine", each(*_STORING, *_DATABASES))
def test_results_are_pickled_in_the_versions_named(engine: str, seen: Observe):
    stored = seen(engine, {})["stored"]
    found = next(stored[name] for name in ("value", "result", "body") if name in stored)
    assert is_pickle(found) is holds(_engine(engine).abilities.pickles, INSTALLED)


@pytest.mark.parametrize("engine", each())
def test_who_deletes_what_has_expired(engine: str, seen: Observe):
    stored, expiry = seen(engine, {})["stored"], ENGINES[engine].abilities.expiry
    is_cleaned = seen(engine, {"result_expires": 60})["cleanup"] is False and seen(engine, {})["cleanup"] is True
    has_time = (isinstance(stored, dict) and stored.get("ttl") == _DAY_S) or seen(engine, {})["more"].get(
        "queue"
    ) == _DAY_S
    assert (is_cleaned, has_time) == (expiry == "cleanup", expiry == "server")


@pytest.mark.parametrize("engine", each())
def test_abilities_agree_with_the_settings_they_hang_on(engine: str):
    row = ENGINES[engine]
    assert row.abilities.compresses == row.settings.get("result_compression", "")
    assert row.abilities.retries == row.settings.get("result_backend_always_retry", "")
    assert row.abilities.serializes == honours(row, "result_serializer", INSTALLED)


@pytest.mark.parametrize("engine", each(*(name for name in _STORING if not name.startswith("django"))))
def test_a_waiter_is_told_or_looks_again(engine: str, world_of: Callable[[str], World]):
    world = world_of(engine)
    conf = world.conf()
    app, worker = make_app(conf), make_app(conf)
    app.backend.on_result_fulfilled = lambda result: None
    world.prepare(app.backend)
    result = app.AsyncResult("awaited")
    app.backend.add_pending_result(result)
    looks: list[str] = []
    read = app.backend.get_task_meta
    app.backend.get_task_meta = lambda task_id, *rest, **more: looks.append(task_id) or read(task_id, *rest, **more)
    try:
        if ENGINES[engine].abilities.waiting == "notified":
            app.backend.get_task_meta = lambda *args, **more: {"status": "PENDING", "result": None}  # it sees nothing
            _store_for(app, worker)
            assert result.get(timeout=30) == 1
        else:
            assert result.get(timeout=30, interval=0.001, on_interval=lambda: _store_for(app, worker)) == 1
            assert len(looks) > 1
    finally:
        for one in (app, worker):
            close(one)


def _store_for(app: Celery, worker: Celery) -> None:
    worker.backend.store_result("awaited", 1, "SUCCESS", request=request_of(app, "awaited"))


@pytest.mark.parametrize("engine", ["database", *each(*_DATABASES)])
def test_a_database_is_connected_to_for_each_call_outside_a_worker(engine: str, world_of: Callable[[str], World]):
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    app = make_app(world_of(engine).conf())
    store(app, "one", 1)
    made: list[Any] = []
    event.listen(Pool, "connect", note := lambda *args: made.append(args))
    try:
        for _ in range(3):
            app.backend.get_task_meta("one", cache=False)
    finally:
        event.remove(Pool, "connect", note)
    assert len(made) == 3
    assert ENGINES["database"].abilities.connects_per_call


@pytest.mark.redis
def test_redis_is_not_connected_to_for_each_call(redis_server: Any, world_of: Callable[[str], World]):
    import redis

    app = make_app(world_of("redis").conf())
    store(app, "one", 1)
    with redis.Redis.from_url(redis_server.url) as client:
        before = client.info("stats")["total_connections_received"]
        for _ in range(3):
            app.backend.get_task_meta("one", cache=False)
        assert client.info("stats")["total_connections_received"] == before
    close(app)
    assert not ENGINES["redis"].abilities.connects_per_call
