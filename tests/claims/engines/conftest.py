"""The places that engines are observed in, each started when the first test asks for it."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery.backends import cache

from claims.engines import worlds
from claims.engines.observing import Observation, World, observe
from servers import PostgreSQLServer

#: programs, which tests run
collect_ignore = ["django_observer.py"]

Observe = Callable[..., Observation]


class DjangoProcess:
    """Observes what needs Django."""

    def __init__(self, directory: Path) -> None:
        self._errors = (directory / "errors").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("django_observer.py")), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def observe(self, engine: str, conf: Mapping[str, Any], *, is_offline: bool) -> Observation:
        """Return what :func:`claims.engines.observing.observe` says there."""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"engine": engine, "conf": conf, "is_offline": is_offline}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            pytest.fail(self._errors.read()[-3000:])
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()


@pytest.fixture(scope="session")
def django_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DjangoProcess]:
    """A process with Django, for the whole session."""
    process = DjangoProcess(tmp_path_factory.mktemp("django"))
    try:
        yield process
    finally:
        process.close()


def _new_files(directory: Path) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"sqlite:///{directory / str(next(numbers))}.db"


def _with_schema(server: PostgreSQLServer) -> Callable[[], str]:
    import psycopg

    def new_url() -> str:
        url = server.create_database()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA shop")
        return url.replace("postgresql://", "postgresql+psycopg://")

    return new_url


@pytest.fixture(scope="session")
def world_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], World]]:
    """Return the place of an engine: ``world_of("redis")``."""

    def sentinel() -> World:
        servers = request.getfixturevalue("sentinel_servers")
        return worlds.Sentinel(servers.url, servers.master().url, servers.master_name)

    makers: dict[str, Callable[[], World]] = {
        "redis": lambda: worlds.Redis(request.getfixturevalue("redis_server").url),
        "sentinel": sentinel,
        "database": lambda: worlds.Database(_new_files(tmp_path_factory.mktemp("database"))),
        "database on PostgreSQL": lambda: worlds.Database(_with_schema(request.getfixturevalue("postgresql_server"))),
        "database on MariaDB": lambda: worlds.Database(request.getfixturevalue("mariadb_server").create_database),
        "mongodb": lambda: worlds.MongoDB(request.getfixturevalue("mongodb_server").url),
        "rpc": lambda: worlds.RPC(request.getfixturevalue("rabbitmq_server").url),
        "filesystem": lambda: worlds.Filesystem(tmp_path_factory.mktemp("files")),
        "cache": worlds.Cache,
        "disabled": worlds.Disabled,
    }
    made: dict[str, World] = {}

    def world(engine: str) -> World:
        if engine not in made:
            made[engine] = makers[engine]()
        return made[engine]

    memory = cache.backends["memory"]
    try:
        yield world
    finally:
        cache.backends["memory"] = memory  # worlds.Cache puts one of its own there


@pytest.fixture(scope="session")
def seen(world_of: Callable[[str], World], request: pytest.FixtureRequest) -> Observe:
    """Observe an engine: ``seen("redis", {"redis_db": 1}, is_offline=True)``. The same is observed once."""
    known: dict[str, Observation] = {}

    def look(engine: str, conf: Mapping[str, Any], *, is_offline: bool = False) -> Observation:
        key = json.dumps([engine, conf, is_offline], sort_keys=True)
        if key not in known:
            if engine.startswith("django"):
                process = request.getfixturevalue("django_process")
                known[key] = process.observe(engine, conf, is_offline=is_offline)
            else:
                # What all databases share is seen on SQLite.
                only = ("stored", "cleanup", "second run", "chord") if engine.startswith("database on") else ()
                known[key] = observe(world_of(engine), conf, is_offline=is_offline, only=only)
        return known[key]

    return look
