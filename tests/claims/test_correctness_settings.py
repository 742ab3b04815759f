"""What the rules about settings say of Celery, made to happen on the installed one."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import celery
import kombu
import pytest
import redis
from celery.app.defaults import DEFAULTS
from sqlalchemy.pool import NullPool, QueuePool

from rootcellar.specialist.engines import RELEASES, celery_settings
from rootcellar.specialist.rules.folklore import FOLKLORE

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

_TEXT = "x" * 2000


@pytest.mark.claims("RC201")
def test_a_name_that_celery_does_not_have_is_taken_without_a_word(new_app: Callable[..., Any], sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", result_expire=60)
    assert app.backend.expires == DEFAULTS["result_expires"]
    assert app.conf.result_expire == 60


@pytest.mark.claims("RC202")
def test_text_that_says_false_is_true(new_app: Callable[..., Any], sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", result_extended="False")
    assert app.backend.task_cls.__name__ == "TaskExtended"


@pytest.mark.claims("RC202")
def test_a_clean_up_cannot_subtract_text_from_a_time(new_app: Callable[..., Any], sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", result_expires="3600")
    with pytest.raises(TypeError):
        app.backend.cleanup()


@pytest.mark.claims("RC202")
@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"redis_max_connections": "20"}, ValueError),
        ({"redis_backend_use_ssl": True}, TypeError),
        ({"result_backend_transport_options": ["global_keyprefix"]}, AttributeError),
        ({"result_serializer": ["json"]}, TypeError),
        ({"accept_content": "json"}, Exception),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value.__name__,
)
def test_a_value_of_the_wrong_type_fails_at_the_first_use(
    new_app: Callable[..., Any], settings: dict[str, Any], error: type[Exception]
) -> None:
    app = new_app("redis://localhost:1/0", **settings)
    with pytest.raises(error):
        _ = app.backend.client


@pytest.mark.claims("RC202")
@pytest.mark.redis
def test_text_is_no_wrong_type_where_celery_converts_it(new_app: Callable[..., Any], redis_url: str) -> None:
    port = redis_url.rpartition(":")[2].partition("/")[0]
    settings = {"redis_socket_timeout": "5", "redis_socket_connect_timeout": "5", "redis_db": "0", "redis_port": port}
    app = new_app("redis", **settings)
    assert app.backend.client.ping()


@pytest.mark.claims("RC203")
@pytest.mark.redis
def test_socket_timeouts_are_seconds(new_app: Callable[..., Any], redis_url: str) -> None:
    app = new_app(redis_url, redis_socket_timeout=5000)
    connection = app.backend.client.connection_pool.make_connection()
    connection.connect()
    try:
        assert isinstance(connection._sock, socket.socket)
        assert connection._sock.gettimeout() == 5000
    finally:
        connection.disconnect()


@pytest.mark.claims("RC203")
@pytest.mark.redis
def test_result_expires_is_seconds(new_app: Callable[..., Any], run_task: Callable[..., str], redis_url: str) -> None:
    app = new_app(redis_url, result_expires=604_800_000)
    task_id = run_task(app, lambda: 1)
    with redis.Redis.from_url(redis_url) as client:
        assert client.ttl(app.backend.get_key_for_task(task_id)) > 19 * 365 * 24 * 3600


@pytest.mark.claims("RC204")
def test_a_database_backend_is_the_same_with_settings_of_redis_and_mongodb(
    new_app: Callable[..., Any], sqlite_url: str
) -> None:
    plain = new_app(f"db+{sqlite_url}").backend
    other = new_app(
        f"db+{sqlite_url}", redis_max_connections=3, redis_password="x", mongodb_backend_settings={"database": "x"}
    ).backend
    assert (other.url, other.engine_options) == (plain.url, plain.engine_options)


@pytest.mark.claims("RC204")
@pytest.mark.redis
def test_a_redis_broker_reads_no_settings_of_the_redis_backend(new_app: Callable[..., Any], redis_url: str) -> None:
    app = new_app(broker_url=redis_url, redis_max_connections=3, redis_password="wrong", redis_socket_timeout=7)
    with app.connection_for_write() as connection:
        pool = connection.default_channel.pool
        assert pool.max_connections != 3
        assert pool.connection_kwargs.get("password") is None
        assert pool.connection_kwargs.get("socket_timeout") != 7


@pytest.mark.claims("RC206")
@pytest.mark.redis
def test_before_5_7_result_compression_stores_the_same_bytes(
    new_app: Callable[..., Any], run_task: Callable[..., str], redis_url: str
) -> None:
    app = new_app(redis_url, result_compression="gzip")
    task_id = run_task(app, lambda: _TEXT)
    with redis.Redis.from_url(redis_url) as client:
        assert _TEXT.encode() in client.get(app.backend.get_key_for_task(task_id))


@pytest.mark.claims("RC207")
@pytest.mark.parametrize("backend", ["database", "cache+memory://", "rpc://"])
def test_a_backend_that_cannot_compress_warns_and_does_without(
    new_app: Callable[..., Any], sqlite_url: str, backend: str
) -> None:
    app = new_app(f"db+{sqlite_url}" if backend == "database" else backend, result_compression="gzip")
    with pytest.warns(UserWarning, match="result_compression setting is ignored"):
        made = app.backend
    assert made.compression is None


@pytest.mark.claims("RC207")
@pytest.mark.redis
def test_the_redis_backend_does_compress_from_5_7_on(
    new_app: Callable[..., Any], run_task: Callable[..., str], redis_url: str
) -> None:
    app = new_app(redis_url, result_compression="gzip")
    task_id = run_task(app, lambda: _TEXT)
    with redis.Redis.from_url(redis_url) as client:
        assert _TEXT.encode() not in client.get(app.backend.get_key_for_task(task_id))


@pytest.mark.claims("RC208")
def test_no_word_of_folklore_occurs_in_the_source_of_celery_or_kombu() -> None:
    names = re.compile(rf"\b(?:{'|'.join(FOLKLORE)})\b")
    found = {}
    for package in (celery, kombu):
        assert package.__file__
        for file in Path(package.__file__).parent.rglob("*.py"):
            for word in names.findall(file.read_text("utf-8")):
                found.setdefault(word, []).append(file.name)
    assert found == {}
    assert not FOLKLORE.keys() & DEFAULTS.keys()


@pytest.mark.claims("RC208")
@pytest.mark.parametrize("release", RELEASES)
def test_no_release_has_a_setting_of_folklore(release: str) -> None:
    assert not FOLKLORE.keys() & celery_settings(release).keys()


@pytest.mark.claims("RC208")
def test_settings_of_folklore_change_nothing_of_the_connection(new_app: Callable[..., Any]) -> None:
    def kwargs(**settings: Any) -> dict[str, Any]:
        pool = new_app("redis://localhost:1/0", **settings).backend.client.connection_pool
        plain = {
            name: value for name, value in pool.connection_kwargs.items() if isinstance(value, str | int | type(None))
        }
        return {**plain, "max_connections": pool.max_connections}

    with_folklore = kwargs(
        redis_socket_keepalive_options={1: 2}, result_backend_max_connections=3, redis_backend_password="x"
    )
    assert with_folklore == kwargs()


@pytest.mark.claims("RC209")
def test_tls_options_in_transport_options_do_not_reach_the_connection(new_app: Callable[..., Any]) -> None:
    options = {"ssl": True, "ssl_cert_reqs": "required", "ssl_ca_certs": "/etc/ssl/ca.pem"}
    pool = new_app("redis://localhost:1/0", result_backend_transport_options=options).backend.client.connection_pool
    assert not issubclass(pool.connection_class, redis.SSLConnection)
    assert not [name for name in pool.connection_kwargs if name.startswith("ssl")]


@pytest.mark.claims("RC209")
def test_tls_options_in_redis_backend_use_ssl_do(new_app: Callable[..., Any]) -> None:
    options = {"ssl_cert_reqs": "required", "ssl_ca_certs": "/etc/ssl/ca.pem"}
    pool = new_app("rediss://localhost:1/0", redis_backend_use_ssl=options).backend.client.connection_pool
    assert issubclass(pool.connection_class, redis.SSLConnection)
    assert pool.connection_kwargs["ssl_ca_certs"] == "/etc/ssl/ca.pem"


@pytest.mark.claims("RC210")
def test_only_a_forked_process_has_the_pool_that_the_options_size(new_app: Callable[..., Any], sqlite_url: str) -> None:
    backend = new_app(f"db+{sqlite_url}", database_engine_options={"pool_size": 7, "pool_timeout": 3}).backend
    manager = backend.session_manager
    assert isinstance(manager.get_engine(backend.url, **backend.engine_options).pool, NullPool)
    manager._after_fork()  # what billiard calls in a forked worker's process
    pool = manager.get_engine(backend.url, **backend.engine_options).pool
    assert isinstance(pool, QueuePool)
    assert pool.size() == 7
    manager.invalidate(backend.url) if hasattr(manager, "invalidate") else pool.dispose()


@pytest.mark.claims("RC210")
def test_max_overflow_outside_a_forked_process_fails_before_5_6(
    new_app: Callable[..., Any], sqlite_url: str, celery_release: tuple[int, ...]
) -> None:
    app = new_app(f"db+{sqlite_url}", database_engine_options={"max_overflow": 1})
    if celery_release < (5, 6):
        with pytest.raises(TypeError, match="max_overflow"):
            app.AsyncResult("x").state  # noqa: B018
    else:
        assert app.AsyncResult("x").state == "PENDING"


@pytest.mark.claims("RC211")
def test_the_rpc_backend_makes_the_nameless_exchange_whatever_is_set(new_app: Callable[..., Any]) -> None:
    exchange = new_app("rpc://", result_exchange="results", result_exchange_type="topic").backend.exchange
    assert (exchange.name, exchange.type) == ("", "direct")
