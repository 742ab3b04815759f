"""The bare drivers, each doing the statements of our store with nothing around them.

The one place that reaches into the stores' private parts: the statements are theirs, so that both do the same work.
"""

import sqlite3
import time
from typing import Any, Protocol

import psycopg
import redis

from benchmarks.sample import KEEP_S
from rootcellar.record import Record, rank
from rootcellar.stores.base import Store
from rootcellar.stores.redis import _PUT


class Bare(Protocol):
    """A driver's connection, about to do what a store does."""

    def put(self, record: Record) -> object: ...

    def get(self, record_id: str) -> object: ...


class BareRedis:
    """redis-py's client: EVALSHA of the store's script, and GET."""

    def __init__(self, store: Any) -> None:
        self._client = redis.Redis.from_url(store.url.raw)
        self._sha = _PUT.sha
        self._client.script_load(_PUT.source)
        self._prefix = "celery-task-meta-"

    def put(self, record: Record) -> object:
        key = self._prefix + record.id
        return self._client.evalsha(self._sha, 1, key, record.payload, KEEP_S, rank(record.state), "")

    def get(self, record_id: str) -> object:
        return self._client.get(self._prefix + record_id)


class BarePostgreSQL:
    """psycopg's connection in autocommit, with the statement prepared."""

    def __init__(self, store: Any) -> None:
        self._connection = psycopg.connect(store.url.raw, autocommit=True, cursor_factory=psycopg.RawCursor)
        self._put, self._get = put_statement(store), store._sql["get"]

    def put(self, record: Record) -> object:
        return self._connection.execute(self._put, record, prepare=True).fetchone()

    def get(self, record_id: str) -> object:
        return self._connection.execute(self._get, (record_id,), prepare=True).fetchone()


class BareSQLite:
    """sqlite3's connection in autocommit, as durable as the store's."""

    def __init__(self, store: Any) -> None:
        self._connection = sqlite3.connect(store.path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=FULL")
        self._put, self._get = store._sql["put"], store._sql["get"]

    def put(self, record: Record) -> object:
        return self._connection.execute(self._put, (*record, time.time())).rowcount

    def get(self, record_id: str) -> object:
        return self._connection.execute(self._get, (record_id, time.time())).fetchone()


_BARE: dict[str, type[Any]] = {"redis": BareRedis, "postgresql": BarePostgreSQL, "sqlite": BareSQLite}


def bare(store: Store) -> Bare:
    """Return the bare driver for the engine of ``store``; the store must have been used before."""
    driver: Bare = _BARE[store.url.engine](store)
    return driver


def put_statement(store: Any) -> str:
    """Return the SQL with which a PostgreSQL store stores."""
    statement: str = store._sql["put"]
    return statement
