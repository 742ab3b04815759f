"""What the security rules say of the way to a server and of its login, made to happen on real servers."""

import json
import logging
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from servers import PostgreSQLServer, RedisServer, Relay
from servers.tls import TLSFiles, make_tls

PASSWORD = "pass-on-the-wire"

# Celery's own call, where redis-py deprecates it
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


class Tap(Relay):
    """A relay that keeps what passes through it."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.seen = bytearray()

    def _pass_on(self, source: socket.socket) -> None:
        self.seen += source.recv(1 << 16, socket.MSG_PEEK)
        super()._pass_on(source)


def app_on(backend: str, **settings: Any) -> Any:
    """Return an app that is nobody's current one, and that tries once."""
    app = Celery("claims", broker="memory://", backend=backend, set_as_current=False)
    app.conf.update(result_backend_transport_options={"retry_policy": {"max_retries": 0}}, **settings)
    return app


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLSFiles:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def redis_with_tls(tmp_path_factory: pytest.TempPathFactory, tls: TLSFiles) -> Iterator[RedisServer]:
    """A Redis whose certificate is from an authority that nobody knows."""
    server = RedisServer(tmp_path_factory.mktemp("redis-tls"), password=PASSWORD, tls=tls)
    server.start()
    yield server
    server.stop()


@pytest.mark.redis
@pytest.mark.claims("RC107")
def test_a_password_and_a_result_can_be_read_on_the_way_to_a_redis_without_tls(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, password=PASSWORD)
    server.start()
    try:
        with Tap(server.port) as tap:
            app = app_on(f"redis://:{PASSWORD}@127.0.0.1:{tap.port}/0")
            app.backend.mark_as_done("one", "a result on the wire")
            app.close()
            app.backend.client.connection_pool.disconnect()
        assert PASSWORD.encode() in tap.seen
        assert b"a result on the wire" in tap.seen
    finally:
        server.stop()


@pytest.mark.redis
@pytest.mark.claims("RC107")
def test_neither_can_be_read_on_the_way_to_a_redis_with_tls(redis_with_tls: RedisServer, tls: TLSFiles) -> None:
    with Tap(redis_with_tls.port) as tap:
        url = (
            f"rediss://:{PASSWORD}@localhost:{tap.port}/0?ssl_cert_reqs=required&ssl_ca_certs={quote(str(tls.ca), '')}"
        )
        app = app_on(url)
        app.backend.mark_as_done("one", "a result on the wire")
        app.backend.client.connection_pool.disconnect()
    assert tap.seen
    assert PASSWORD.encode() not in tap.seen
    assert b"a result on the wire" not in tap.seen


@pytest.mark.postgresql
@pytest.mark.claims("RC107")
def test_psycopg_goes_on_without_tls_where_the_server_has_none_and_nobody_asked_for_it(postgresql_url: str) -> None:
    import psycopg

    with psycopg.connect(postgresql_url) as connection:
        assert not connection.pgconn.ssl_in_use
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        psycopg.connect(postgresql_url, sslmode="require")


@pytest.mark.claims("RC107")
def test_rpc_takes_its_results_from_the_brokers_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun: list[bytes] = []

        def answer() -> None:
            with listener.accept()[0] as connection:
                begun.append(connection.recv(8))

        thread = threading.Thread(target=answer)
        thread.start()
        broker = f"amqp://127.0.0.1:{listener.getsockname()[1]}//"
        app = Celery("claims", broker=broker, backend="rpc://", set_as_current=False)
        app.conf.broker_transport_options = {"max_retries": 0}
        with pytest.raises((OSError, OperationalError)):
            app.backend.result_consumer.start("one")
        thread.join()
    assert begun == [b"AMQP\0\0\x09\x01"]


@pytest.mark.redis
@pytest.mark.claims("RC108")
@pytest.mark.parametrize("where", ["in the URL", "in redis_backend_use_ssl"])
def test_with_cert_none_a_result_goes_to_a_redis_whose_authority_nobody_knows(
    redis_with_tls: RedisServer, where: str
) -> None:
    import ssl

    login = f"rediss://:{PASSWORD}@127.0.0.1:{redis_with_tls.port}/0"
    if where == "in the URL":
        app = app_on(f"{login}?ssl_cert_reqs=none")
    else:
        app = app_on(login, redis_backend_use_ssl={"ssl_cert_reqs": ssl.CERT_NONE})
    app.backend.mark_as_done(where, 1)
    assert app.AsyncResult(where).result == 1
    app.backend.client.connection_pool.disconnect()


@pytest.mark.redis
@pytest.mark.claims("RC108")
def test_with_cert_required_that_redis_is_refused_until_its_authority_is_named(
    redis_with_tls: RedisServer, tls: TLSFiles
) -> None:
    login = f"rediss://:{PASSWORD}@localhost:{redis_with_tls.port}/0?ssl_cert_reqs=required"
    assert "CERTIFICATE_VERIFY_FAILED" in said_storing(app_on(login))
    assert said_storing(app_on(f"{login}&ssl_ca_certs={quote(str(tls.ca), '')}")) == ""


def said_storing(app: Any) -> str:
    """Store a result; return why that fails, or nothing."""
    import redis

    client = app.backend.client
    try:
        client.set("one", "1")
    except redis.ConnectionError as exc:
        return str(exc)
    finally:
        client.connection_pool.disconnect()
    return ""


@pytest.fixture
def postgresql_with_tls(postgresql_server: PostgreSQLServer, postgresql_url: str, tls: TLSFiles) -> Iterator[str]:
    """A database of the session's server, which has TLS for this test."""
    data = Path(postgresql_server.execute("SHOW data_directory")[0][0])
    owner = data.stat()
    for source, name in ((tls.certificate, "server.crt"), (tls.key, "server.key")):
        shutil.copy(source, data / name)
        os.chown(data / name, owner.st_uid, owner.st_gid)
        (data / name).chmod(0o600)
    switch(postgresql_server, "ALTER SYSTEM SET ssl = on")
    yield postgresql_url
    switch(postgresql_server, "ALTER SYSTEM RESET ssl")


def switch(server: PostgreSQLServer, statement: str) -> None:
    """Change a setting of a running server; connections made from then on have it."""
    import psycopg

    from servers.conditions import wait_until

    loaded = "SELECT pg_conf_load_time()"
    before = server.execute(loaded)
    if statement:
        server.execute(statement)
    server.execute("SELECT pg_reload_conf()")

    def is_reloaded() -> bool:
        try:
            return server.execute(loaded) != before
        except psycopg.OperationalError:
            return False

    wait_until(is_reloaded, "the server reads its configuration again")


@pytest.mark.postgresql
@pytest.mark.claims("RC108")
def test_sslmode_require_connects_to_a_postgresql_whose_authority_nobody_knows(
    postgresql_with_tls: str, tls: TLSFiles, tmp_path: Path
) -> None:
    import psycopg

    def connect(**options: str) -> bool:
        with psycopg.connect(postgresql_with_tls, **options) as connection:
            return bool(connection.pgconn.ssl_in_use)

    other = make_tls(tmp_path / "other").ca
    nowhere = str(tmp_path / "none.crt")
    assert connect(sslmode="require", sslrootcert=nowhere)
    for options in (
        {"sslmode": "verify-full", "sslrootcert": str(other)},
        # With a root certificate, require is verify-ca.
        {"sslmode": "require", "sslrootcert": str(other)},
    ):
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            connect(**options)
    assert connect(sslmode="verify-full", sslrootcert=str(tls.ca))


@pytest.mark.redis
@pytest.mark.claims("RC109")
def test_cert_optional_makes_celery_warn_and_python_check_all_the_same(
    redis_with_tls: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_on(f"rediss://:{PASSWORD}@localhost:{redis_with_tls.port}/0?ssl_cert_reqs=optional")
    with caplog.at_level(logging.WARNING, "celery.backends.redis"):
        app.backend  # noqa: B018 - opening it is what warns
    assert "might not validate the identity" in " ".join(caplog.text.split())
    assert "CERTIFICATE_VERIFY_FAILED" in said_storing(app)


@pytest.mark.redis
@pytest.mark.claims("RC110")
def test_where_nobody_logs_in_anybody_replaces_a_result_before_it_is_read(redis_url: str) -> None:
    import redis

    app = app_on(redis_url)
    app.backend.mark_as_done("one", "paid: no")
    with redis.Redis.from_url(redis_url) as somebody:
        stored = json.loads(somebody.get("celery-task-meta-one") or b"{}")
        somebody.set("celery-task-meta-one", json.dumps({**stored, "result": "paid: yes"}))
    assert app.AsyncResult("one").get(timeout=5) == "paid: yes"


@pytest.mark.redis
@pytest.mark.claims("RC119")
def test_without_protected_mode_a_redis_without_a_password_answers_other_machines(tmp_path: Path) -> None:
    import redis

    address = another_address()
    server = RedisServer(tmp_path, options=["--bind", "127.0.0.1", address, "--protected-mode", "yes"])
    server.start()
    try:
        with redis.Redis(host=address, port=server.port) as other:
            with pytest.raises(redis.RedisError, match="protected mode"):
                other.set("one", "1")
            with redis.Redis.from_url(server.url) as own:
                own.config_set("protected-mode", "no")
            assert other.set("one", "1")
    finally:
        server.stop()


def another_address() -> str:
    """Return an address of this machine by which it is reached as another one would be."""
    found = (
        one.address
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family == socket.AF_INET and not one.address.startswith("127.")
    )
    address = next(found, "")
    if not address:
        pytest.skip("NOT TESTED: this machine has no address but its own")
    return address


@pytest.mark.postgresql
@pytest.mark.claims("RC119")
def test_with_trust_a_postgresql_takes_any_password_for_its_superusers(
    postgresql_server: PostgreSQLServer, postgresql_url: str
) -> None:
    import psycopg

    name = postgresql_url.rpartition("/")[2]
    lie = {"password": "no such password"}
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(postgresql_url, **lie)
    rules = Path(postgresql_server.execute("SHOW hba_file")[0][0])
    before = rules.read_text()
    rules.write_text(f"host {name} all 127.0.0.1/32 trust\n{before}")
    try:
        switch(postgresql_server, "")
        with psycopg.connect(postgresql_url, **lie) as connection:
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (True,)
    finally:
        rules.write_text(before)
        switch(postgresql_server, "")
