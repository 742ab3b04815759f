"""What the table's notes say: the fine print of a setting."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from amqp.exceptions import PreconditionFailed
from celery import states
from packaging.version import Version

from claims.engines.observing import Observation, World, close, make_app, store
from claims.engines.samples import INSTALLED
from servers import RedisServer, make_tls

Observe = Callable[..., Observation]

_TRANSPORT = {"result_backend_transport_options": {"retry_policy": {"max_retries": 0}}}
pytestmark = [
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def _arguments(conf: dict[str, Any]) -> dict[str, Any]:
    app = make_app(conf)
    try:
        return dict(app.backend.client.connection_pool.connection_kwargs)
    finally:
        close(app)


def test_a_redis_url_overrides_redis_db_even_without_a_number():
    assert _arguments({"result_backend": "redis://localhost", "redis_db": 3})["db"] == 0


@pytest.mark.parametrize(
    ("setting", "value", "argument"),
    [("redis_host", "other", "host"), ("redis_port", 1, "port"), ("redis_password", "no", "password")],
)
def test_what_a_redis_url_says_counts_more_than_a_setting(setting: str, value: object, argument: str):
    url = "redis://:secret@localhost:6390/0"
    without = _arguments({"result_backend": url})
    assert _arguments({"result_backend": url, setting: value})[argument] == without[argument]


def test_a_connect_timeout_is_not_for_a_unix_socket():
    conf = {"result_backend": "redis+socket:///run/redis.sock", "redis_socket_connect_timeout": 4.5}
    assert "socket_connect_timeout" not in _arguments(conf)


@pytest.mark.skipif(Version("5.7") > INSTALLED, reason="Celery 5.7 began to compress")
def test_decode_responses_turns_compression_off():
    conf = {"result_backend": "redis://localhost/0?decode_responses=true", "result_compression": "gzip"}
    app = make_app(conf)
    assert app.backend.compression is None
    close(app)


@pytest.mark.skipif(Version("5.6") > INSTALLED, reason="Celery 5.6 brought credential providers")
def test_sentinel_with_a_credential_provider_ends_in_a_key_error():
    conf = {
        "result_backend": "sentinel://localhost:26379/0",
        "redis_backend_credential_provider": "claims.engines.samples:Credentials",
    }
    with pytest.raises(KeyError, match="password"):
        _ = make_app(conf).backend


@pytest.fixture(scope="module")
def tls_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    directory = tmp_path_factory.mktemp("tls")
    server = RedisServer(directory / "server", tls=make_tls(directory / "files"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.redis
def test_redis_backend_use_ssl_says_whom_to_trust(tls_redis: RedisServer):
    trusted = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(tls_redis.tls.ca)}
    app = make_app({"result_backend": tls_redis.url, "redis_backend_use_ssl": trusted, **_TRANSPORT})
    store(app, "one", 1)
    assert app.backend.get_state("one") == states.SUCCESS
    close(app)


@pytest.mark.redis
def test_without_it_the_servers_certificate_is_refused(tls_redis: RedisServer):
    app = make_app({"result_backend": f"{tls_redis.url}?ssl_cert_reqs=required", **_TRANSPORT})
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        store(app, "one", 1)
    close(app)


@pytest.mark.redis
def test_redis_backend_use_ssl_with_a_redis_url_is_an_error_before_5_7(tls_redis: RedisServer):
    trusted = {"ssl_cert_reqs": "required", "ssl_ca_certs": str(tls_redis.tls.ca)}
    conf = {"result_backend": tls_redis.url.replace("rediss:", "redis:"), "redis_backend_use_ssl": trusted}
    app = make_app(conf)
    if Version("5.7") > INSTALLED:
        with pytest.raises(ValueError, match="rediss"):
            _ = app.backend
    else:
        store(app, "one", 1)
        close(app)


def test_pool_options_count_in_a_forked_worker_only(seen: Observe):
    assert seen("database", {})["more"]["pools"] == ["NullPool", "QueuePool"]


def test_pre_ping_is_the_default_since_5_6_3():
    options = make_app({}).conf.database_engine_options
    assert options == (None if Version("5.6.3") > INSTALLED else {"pool_pre_ping": True, "pool_recycle": 3600})


def test_a_url_counts_more_than_database_url(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'one.db'}"
    app = make_app({"result_backend": f"db+{url}", "database_url": "sqlite:///other.db"})
    assert app.backend.url == url


def test_expiry_of_0_makes_a_database_delete_every_finished_result(seen: Observe):
    assert seen("database", {"result_expires": 0})["cleanup"] is False


def test_expiry_of_none_makes_the_cleanup_of_a_database_fail(seen: Observe):
    assert seen("database", {"result_expires": None})["cleanup"] == {"error": "TypeError"}


@pytest.mark.rabbitmq
def test_a_reply_queue_ends_when_results_expire(world_of: Callable[[str], World]):
    app = make_app({**world_of("rpc").conf(), "result_expires": 60})
    with app.connection_for_write() as connection:
        app.backend.binding(connection.channel()).declare()
        other = app.backend.binding(connection.channel())
        other.expires = 61
        with pytest.raises(PreconditionFailed, match="x-expires"):
            other.declare()
    close(app)


@pytest.mark.rabbitmq
def test_a_reply_queue_is_durable_since_5_7_whatever_result_persistent_says(world_of: Callable[[str], World]):
    for is_persistent in (True, False):
        app = make_app({**world_of("rpc").conf(), "result_persistent": is_persistent})
        assert app.backend.binding.durable is (Version("5.7") <= INSTALLED)
        close(app)
