"""Fixtures of the suite that every engine must pass."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from rootcellar.stores.base import Store
from rootcellar.urls import parse

SQL_ENGINES = {
    "SQLite": ("sqlite_url", ()),
    "PostgreSQL": ("postgresql_url", (pytest.mark.postgresql,)),
    "PostgreSQL without superuser rights": ("postgresql_plain_url", (pytest.mark.postgresql,)),
}


@pytest.fixture(params=[pytest.param(fixture, id=name, marks=marks) for name, (fixture, marks) in SQL_ENGINES.items()])
def sql_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each SQL engine in turn."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def sql_store(sql_url: str, open_it: Callable[..., Store]) -> Store:
    """An empty store of each SQL engine in turn."""
    return open_it(sql_url)


@pytest.fixture
def execute() -> Callable[..., list[Any]]:
    """Run one statement on a SQL database behind the store's back: ``execute(url, statement)`` → rows."""

    def run(url: str, statement: str) -> list[Any]:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(parse(url).path.removeprefix("/"), isolation_level=None)) as db:
                return db.execute(statement).fetchall()
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def tables(execute: Callable[..., list[Any]]) -> Callable[[str], set[str]]:
    """Name the tables of a SQL database; those outside the first schema as ``schema.table``."""

    def names(url: str) -> set[str]:
        if url.startswith("sqlite"):
            rows = execute(url, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        else:
            rows = execute(
                url,
                "SELECT CASE WHEN schemaname = 'public' THEN tablename ELSE schemaname || '.' || tablename END"
                " FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
            )
        return {name for (name,) in rows}

    return names


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[Any]:
    """A client of the Redis database the store is on."""
    import redis

    with redis.Redis.from_url(redis_url) as client:
        yield client
