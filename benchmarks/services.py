"""The private servers of one run, and the URLs under which each side finds a place of its own on them."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from servers import PostgreSQLServer, RedisServer


class Sides(NamedTuple):
    """The same engine under Celery's own backend and under ours. The URLs hold passwords."""

    celery: str
    ours: str


class Services:
    """Starts each server when it is first asked for; ``stack`` stops them."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack

    @cached_property
    def _redis(self) -> RedisServer:
        server = RedisServer(self._directory / "redis")
        server.start()
        self._stack.callback(server.stop)
        return server

    @cached_property
    def _postgresql(self) -> PostgreSQLServer:
        server = PostgreSQLServer(self._directory / "postgresql", durable=True)
        server.start()
        self._stack.callback(server.stop)
        return server

    def broker(self, database: int) -> str:
        """Return the URL of a broker that no result backend shares a database with."""
        return _with_path(self._redis.url, f"/{database}")

    @cached_property
    def redis(self) -> Sides:
        """One database for each side; Celery and we use the same keys."""
        return Sides(_with_path(self._redis.url, "/1"), "cellar+" + _with_path(self._redis.url, "/2"))

    @cached_property
    def postgresql(self) -> Sides:
        """One database for each side, on a server that flushes every commit to disk; the same driver on both."""
        theirs, ours = self._postgresql.create_database(), self._postgresql.create_database()
        return Sides(theirs.replace("postgresql:", "db+postgresql+psycopg:", 1), "cellar+" + ours)

    @cached_property
    def sqlite(self) -> Sides:
        """One file for each side."""
        return Sides(
            f"db+sqlite:///{self._directory / 'celery.sqlite'}", f"cellar+sqlite:///{self._directory / 'ours.sqlite'}"
        )

    def sides(self, engine: str) -> Sides:
        """Return the URLs of ``redis``, ``postgresql`` or ``sqlite``."""
        sides: Sides = getattr(self, engine)
        return sides


def _with_path(url: str, path: str) -> str:
    return urlsplit(url)._replace(path=path).geturl()
