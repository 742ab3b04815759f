"""The tests' own servers do what their names say; otherwise the tests on them would prove nothing."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from servers import MissingServer, PostgreSQLServer, RedisServer, in_child, race, wait_until
from servers.process import find_program


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the user PostgreSQL runs as can reach."""
    path = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.redis
def test_redis_comes_back_on_the_same_port(directory: Path) -> None:
    """After an orderly stop and after a kill; empty, since it persists nothing."""
    server = RedisServer(directory, password="p@ss:w/rd")
    for end in (server.stop, server.kill):
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.dbsize() == 0
            client.set("a", 1)
        port = server.port
        end()
        assert not server.is_running
        assert port == server.port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.redis
def test_a_paused_redis_hangs_and_goes_on(directory: Path) -> None:
    """Its connections stay open; what was asked meanwhile is answered afterwards."""
    server = RedisServer(directory)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=0.1) as connection:
            server.pause()
            connection.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(64)
            server.resume()
            connection.settimeout(30)
            assert connection.recv(64) == b"+PONG\r\n"
    finally:
        server.stop()


@pytest.mark.postgresql
def test_a_killed_durable_postgresql_has_what_was_committed(directory: Path) -> None:
    """On the same port; in a database of a login that is no superuser."""
    server = PostgreSQLServer(directory, durable=True)
    server.start()
    try:
        url = server.create_plain_login()
        assert server.execute(
            "SELECT current_setting('is_superuser'), current_setting('fsync'), current_setting('synchronous_commit')",
            url,
        ) == [("off", "on", "on")]
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t (x integer)")
            connection.execute("INSERT INTO t VALUES (1)")
            connection.commit()
            connection.execute("INSERT INTO t VALUES (2)")

            server.kill()

            assert not server.is_running
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        server.start()
        assert server.execute("SELECT x FROM t", url) == [(1,)]
    finally:
        server.stop()


@pytest.mark.postgresql
def test_killing_the_backends_makes_postgresql_recover(postgresql_server: PostgreSQLServer) -> None:
    """The postmaster goes on; every session is lost."""
    before = postgresql_server.execute("SELECT pg_postmaster_start_time()")
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("SELECT 1")

        postgresql_server.kill_backends()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")

    def answer() -> list[tuple[object]] | None:
        try:
            return postgresql_server.execute("SELECT pg_postmaster_start_time()")
        except psycopg.OperationalError:
            return None

    assert before == wait_until(answer, "PostgreSQL has recovered")


def test_a_program_that_is_not_installed_says_where_to_get_it() -> None:
    """What the fixtures skip, or in CI fail, with."""
    with pytest.raises(MissingServer, match="apt-get install the-package"):
        find_program("no-such-program-anywhere", package="the-package")


@pytest.fixture
def explode() -> Callable[[], None]:
    def explode() -> None:
        raise ValueError("in the child")

    return explode


def test_a_childs_value_and_its_error_reach_the_test(explode: Callable[[], None]) -> None:
    """With the traceback."""
    assert in_child(lambda: {"x": 1}) == {"x": 1}
    assert race(4, lambda number: number * number) == [0, 1, 4, 9]
    with pytest.raises(AssertionError, match="ValueError: in the child"):
        in_child(explode)


def test_a_condition_that_never_comes_true_says_what_was_waited_for() -> None:
    """Not merely that something timed out."""
    with pytest.raises(AssertionError, match="in vain: pigs fly"):
        wait_until(lambda: False, "pigs fly", timeout_s=0.01)
