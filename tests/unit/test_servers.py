"""The tests' own servers do what their names say; otherwise the tests on them would prove nothing."""

import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymongo
import pytest
import redis
from redis.sentinel import Sentinel

from servers import (
    MariaDBServer,
    MissingServer,
    MongoDBServer,
    PgBouncerServer,
    PostgreSQLServer,
    RedisServer,
    SentinelServers,
    free_port,
    in_child,
    race,
    wait_until,
)
from servers.process import Server, find_program


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
        assert_nobody_listens(port)


def assert_nobody_listens(port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def live_thrice(server: Server, look: Callable[[], None]) -> None:
    """Start a server, ``look`` at it, stop it, and do it all again, and again after a kill: on the same port."""
    port = server.port
    try:
        for end in (server.stop, server.kill, server.stop):
            server.start()
            look()
            end()
            assert not server.is_running
            assert_nobody_listens(port)
            assert port == server.port
    finally:
        server.kill()


@pytest.mark.redis
def test_redis_takes_options_and_a_second_login(directory: Path) -> None:
    """Those that rules are about; the default login has its password still."""
    options = ["--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes"]
    options += ["--user", "alice", "on", ">secret", "~*", "&*", "+@all"]
    server = RedisServer(directory, password="p@ss", options=options)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            assert client.acl_whoami() == "default"
            found = client.config_get("maxmemory", "maxmemory-policy", "appendonly")
            assert found == {"maxmemory": "8388608", "maxmemory-policy": "allkeys-lru", "appendonly": "yes"}
        with redis.Redis(port=server.port, username="alice", password="secret") as client:
            assert client.acl_whoami() == "alice"
    finally:
        server.stop()


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
    server = PostgreSQLServer(directory, durable=True, options=["-c", "max_connections=20"])
    server.start()
    try:
        assert server.execute("SHOW max_connections") == [("20",)]
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


@pytest.mark.mariadb
def test_mariadb_comes_back_with_what_was_committed(directory: Path) -> None:
    """After an orderly stop and after a kill, in a database of its own, with the options it was given."""
    server = MariaDBServer(directory, durable=True, options=["--max-connections=20"])
    urls: list[str] = []
    written: list[int] = []

    def look() -> None:
        assert server.execute("SELECT @@max_connections") == [(20,)]
        if not urls:
            urls.append(server.create_database())
            server.execute("CREATE TABLE t (x integer)", urls[0])
        assert server.execute("SELECT x FROM t ORDER BY x", urls[0]) == [(number,) for number in written]
        written.append(len(written))
        server.execute(f"INSERT INTO t VALUES ({written[-1]})", urls[0])

    live_thrice(server, look)


@pytest.mark.mongodb
def test_mongodb_comes_back_with_what_was_written(directory: Path) -> None:
    """After an orderly stop and after a kill; only for who knows the password; with transactions."""
    server = MongoDBServer(directory, password="pass-of-mongodb")
    url = server.create_database()
    written: list[int] = []

    def look() -> None:
        written.append(len(written))
        with pymongo.MongoClient(url) as client:
            documents = client.get_default_database().t
            with client.start_session() as session, session.start_transaction():
                documents.insert_one({"_id": written[-1]}, session=session)
            assert [one["_id"] for one in documents.find()] == written
        with (
            server.client(without_login=True) as nobody,
            pytest.raises(pymongo.errors.OperationFailure, match="requires auth"),
        ):
            nobody.t.t.find_one()

    live_thrice(server, look)


@pytest.mark.pgbouncer
@pytest.mark.postgresql
def test_pgbouncer_passes_every_login_on(directory: Path, postgresql_server: PostgreSQLServer) -> None:
    """To its own database; in transaction mode, where two sessions take turns with one connection."""
    server = PgBouncerServer(directory, postgresql_server, settings={"default_pool_size": "1"})
    login = postgresql_server.create_plain_login()

    def look() -> None:
        assert postgresql_server.execute("SELECT current_user", server.url) == [("postgres",)]
        with (
            psycopg.connect(server.through(login), autocommit=True) as one,
            psycopg.connect(server.through(login), autocommit=True) as other,
        ):
            which = "SELECT current_user, current_database(), pg_backend_pid()"
            assert one.execute(which).fetchall() == other.execute(which).fetchall()

    live_thrice(server, look)


@pytest.mark.sentinel
def test_the_smallest_sentinel_names_its_master(directory: Path) -> None:
    """Also after all were stopped; each frees its port."""
    servers = SentinelServers.small(directory)
    for _ in range(2):
        try:
            servers.start()
            with servers.sentinels[0].client() as client:
                assert client.sentinel_get_master_addr_by_name("mymaster") == (b"127.0.0.1", servers.nodes[0].port)
        finally:
            servers.stop()
        for server in (*servers.nodes, *servers.sentinels):
            assert_nobody_listens(server.port)


@pytest.mark.sentinel
def test_sentinels_replace_a_killed_master(directory: Path) -> None:
    """What was replicated is there, clients are told of the new one, and the old one comes back as a replica."""
    servers = SentinelServers(directory, password="p@ss")
    servers.start()
    addresses = [("127.0.0.1", sentinel.port) for sentinel in servers.sentinels]
    try:
        before = servers.master()
        with redis.Redis.from_url(before.url) as client:
            client.set("a", 1)
            assert client.wait(2, 30_000) == 2

        after = servers.fail_over()

        assert after is not before
        watch = Sentinel(addresses)
        with watch.master_for(servers.master_name, password="p@ss") as client:
            assert client.get("a") == b"1"
        for one in watch.sentinels:
            one.close()
        servers.start()
        with redis.Redis.from_url(before.url) as client:
            assert client.info("replication")["master_port"] == after.port
    finally:
        servers.stop()


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere two sockets cannot share a port")
def test_a_free_port_is_given_to_nobody_else() -> None:
    """Though nobody listens there, and a server that asks for it gets it, time and again."""
    port = free_port()
    assert_nobody_listens(port)
    with socket.socket() as somebody, pytest.raises(OSError, match="in use"):
        somebody.bind(("127.0.0.1", port))
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass


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
