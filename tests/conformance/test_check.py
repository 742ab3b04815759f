"""What a store finds out about its server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rootcellar.stores.base import Store
from servers import RedisServer


def test_a_check_names_the_engine_and_its_version(store: Store, store_url: str) -> None:
    """And says what it found in words."""
    facts = store.check()

    assert {"sqlite": "SQLite", "redis": "Redis", "postgresql": "PostgreSQL"}[store.url.engine] == facts.engine
    assert facts.version[0].isdigit()
    assert facts.details
    assert all(isinstance(value, str) and value for value in facts.details.values())
    assert all(warning.rstrip().endswith(".") for warning in facts.warnings)


def test_a_check_says_the_same_twice(store: Store) -> None:
    """It changes nothing."""
    store.check()

    assert store.check() == store.check()


def test_sqlite_reports_how_it_writes(sqlite_url: str, open_it: Callable[..., Store]) -> None:
    """WAL, and the durability the URL asks for."""
    expected = {"journal_mode": "wal", "schema version": "2"}

    full = open_it(sqlite_url).check()
    off = open_it(f"{sqlite_url}?synchronous=off").check()

    assert {**expected, "synchronous": "FULL"} == dict(full.details)
    assert list(full.warnings) == []
    assert {**expected, "synchronous": "OFF"} == dict(off.details)
    assert ["power cut" in warning for warning in off.warnings] == [True]


def test_redis_reports_what_it_may_forget(redis_url: str, open_it: Callable[..., Store], redis_client: Any) -> None:
    """Its eviction policy and its persistence."""
    store = open_it(redis_url)
    assert [store.check().details[name] for name in ("maxmemory_policy", "append-only file", "maxmemory", "role")] == [
        "noeviction",
        "off",
        "no limit",
        "master",
    ]
    redis_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        warnings = store.check().warnings
    finally:
        redis_client.config_set("maxmemory-policy", "noeviction")

    assert sum("allkeys-lru" in warning for warning in warnings) == 1
    assert sum("append-only file is off" in warning for warning in warnings) == 1


def test_a_replica_is_warned_of(redis_server: RedisServer, open_it: Callable[..., Store], tmp_path: Path) -> None:
    """Nothing can be stored there."""
    replica = RedisServer(tmp_path / "replica", options=["--replicaof", f"127.0.0.1 {redis_server.port}"])
    replica.start()
    try:
        facts = open_it(replica.url).check()
    finally:
        replica.stop()

    assert facts.details["role"] == "slave"
    assert sum("This is a replica" in warning for warning in facts.warnings) == 1


def test_postgresql_reports_what_it_may_lose(postgresql_url: str, open_it: Callable[..., Store]) -> None:
    """The tests' own server does not write through."""
    facts = open_it(postgresql_url).check()

    assert tuple(facts.details[name] for name in ("fsync", "synchronous_commit", "TLS", "schema version")) == (
        "off",
        "off",
        "no",
        "2",
    )
    assert facts.details["max_connections"] == "100"
    assert sum("fsync is off" in warning for warning in facts.warnings) == 1
