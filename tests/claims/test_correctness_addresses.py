"""What the rules about addresses say of Celery and its drivers, made to happen on the installed ones."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy
from celery.backends.base import DisabledBackend
from celery.backends.database.models import Task
from celery.exceptions import ImproperlyConfigured
from kombu import Connection
from redis.sentinel import MasterNotFoundError

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

NewApp = Callable[..., Any]
RunTask = Callable[..., str]


@pytest.mark.claims("RC223")
@pytest.mark.redis
@pytest.mark.parametrize("query", ["", "?master_name=mymaster"], ids=["no name at all", "a name in the URL"])
def test_sentinel_is_asked_for_a_master_called_none(new_app: NewApp, sentinel_servers: Any, query: str) -> None:
    client = new_app(f"{sentinel_servers.url}{query}").backend.client
    assert client.connection_pool.service_name is None
    with pytest.raises(MasterNotFoundError, match="None"):
        client.ping()


@pytest.mark.claims("RC223")
@pytest.mark.redis
def test_sentinel_is_asked_for_the_master_in_the_transport_options(new_app: NewApp, sentinel_servers: Any) -> None:
    options = {"master_name": sentinel_servers.master_name}
    app = new_app(sentinel_servers.url, result_backend_transport_options=options)
    assert app.backend.client.ping()


@pytest.mark.claims("RC224")
@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("redis-cluster://a:6379/0", ImportError),
        ("redis://a:6379,b:6379/0", ValueError),
        ("redis://a:6379;redis://b:6379", ValueError),
    ],
)
def test_addresses_of_a_cluster_are_refused(new_app: NewApp, url: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = new_app(url).backend


@pytest.mark.claims("RC224")
def test_options_of_a_cluster_go_to_a_connection_that_does_not_take_them(new_app: NewApp) -> None:
    with pytest.raises(TypeError, match="cluster"):
        new_app("redis://127.0.0.1:1/0?cluster=true").backend.client.ping()


@pytest.mark.claims("RC225")
def test_assigning_to_the_apps_backend_raises(new_app: NewApp) -> None:
    app = new_app("redis://localhost:1/0")
    with pytest.raises(AttributeError):
        app.backend = DisabledBackend(app)


@pytest.mark.claims("RC225")
def test_assigning_to_the_private_name_is_seen_by_one_thread_only(new_app: NewApp) -> None:
    app = new_app("redis://localhost:1/0")
    app._backend = DisabledBackend(app)
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(type(app.backend).__name__))
    thread.start()
    thread.join()
    assert (type(app.backend).__name__, seen) == ("DisabledBackend", ["RedisBackend"])


@pytest.mark.claims("RC225")
def test_the_class_named_as_result_backend_is_seen_by_all(new_app: NewApp) -> None:
    assert isinstance(new_app("celery.backends.base:DisabledBackend").backend, DisabledBackend)


@pytest.mark.claims("RC227")
def test_the_clean_up_of_one_app_deletes_the_rows_of_another(
    new_app: NewApp, run_task: RunTask, sqlite_url: str
) -> None:
    patient, hasty = (new_app(f"db+{sqlite_url}", result_expires=timedelta(days=days)) for days in (30, 1))
    task_id = run_task(patient, lambda: 1)
    with sqlalchemy.create_engine(sqlite_url).begin() as connection:
        yesterday = datetime.now() - timedelta(days=2)
        connection.execute(sqlalchemy.update(Task.__table__).values(date_done=yesterday))
    patient.backend.cleanup()
    assert hasty.AsyncResult(task_id).state == "SUCCESS"
    hasty.backend.cleanup()
    assert patient.AsyncResult(task_id).state == "PENDING"


@pytest.mark.claims("RC227")
@pytest.mark.redis
def test_two_apps_on_one_redis_use_the_same_keys_unless_they_have_prefixes(
    new_app: NewApp, run_task: RunTask, redis_url: str
) -> None:
    one, other = new_app(redis_url), new_app(redis_url)
    task_id = run_task(one, lambda: 1)
    assert other.AsyncResult(task_id).result == 1
    apart = new_app(redis_url, result_backend_transport_options={"global_keyprefix": "shop"})
    assert apart.AsyncResult(task_id).state == "PENDING"


@pytest.mark.claims("RC227")
def test_table_names_are_set_on_a_class_that_all_apps_of_a_process_share(
    new_app: NewApp, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Task.__table__, "name", Task.__table__.name)
    one = new_app(f"db+sqlite:///{tmp_path / 'one.db'}").backend
    other = new_app(f"db+sqlite:///{tmp_path / 'two.db'}", database_table_names={"task": "shop_results"}).backend
    assert one.task_cls is other.task_cls
    assert one.task_cls.__table__.name == "shop_results"


@pytest.mark.claims("RC229")
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/d",
        "postgres://h/d",
        "mysql://h/d",
        "sqlite:///x",
        "amqp://",
        "mongo://h",
        "memcached://h",
        "memory://",
        "filesystem:///x",
        "socket:///x",
        "Redis://h/0",
        "RPC://",
    ],
)
def test_a_name_that_is_no_backend_raises_at_the_first_use(new_app: NewApp, url: str) -> None:
    with pytest.raises((ImportError, ImproperlyConfigured)):
        _ = new_app(url).backend


@pytest.mark.claims("RC229")
@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("db+sqlite://", "DatabaseBackend"),
        ("redis+socket:///x", "RedisBackend"),
        ("cache+memory://", "CacheBackend"),
        ("rpc://", "RPCBackend"),
        ("file:///tmp", "FilesystemBackend"),
    ],
)
def test_the_names_that_are_meant_are_backends(new_app: NewApp, url: str, name: str) -> None:
    assert type(new_app(url).backend).__name__ == name


@pytest.mark.claims("RC234")
@pytest.mark.parametrize("character", "/?#")
def test_a_password_is_cut_where_a_url_says_that_it_ends(new_app: NewApp, character: str) -> None:
    app = new_app(f"redis://:wine{character}bread@db:6379/1")
    with pytest.raises(ValueError, match="Port could not be cast to integer value as 'wine'"):
        _ = app.backend
    with pytest.raises(ValueError, match="Port could not be cast to integer value as 'wine'"):
        Connection(f"amqp://user:wine{character}bread@db:5672//")


@pytest.mark.claims("RC234")
@pytest.mark.parametrize("character", "@:%")
def test_redis_takes_the_other_characters_as_they_are(new_app: NewApp, character: str) -> None:
    parameters = new_app(f"redis://:wine{character}bread@db:6379/1").backend.connparams
    assert (parameters["password"], parameters["host"]) == (f"wine{character}bread", "db")


@pytest.mark.claims("RC234")
@pytest.mark.parametrize("character", "/?#")
def test_for_a_database_a_workers_banner_fails(new_app: NewApp, character: str) -> None:
    app = new_app(f"db+sqlite://user:wine{character}bread@db/results", database_create_tables_at_setup=False)
    with pytest.raises(ValueError, match="Port could not be cast"):
        app.backend.as_uri()


@pytest.mark.claims("RC234")
def test_sqlalchemy_takes_an_at_sign_in_a_password_for_the_one_before_the_host() -> None:
    assert sqlalchemy.make_url("postgresql://user:wine@bread@db/results").host == "bread@db"


@pytest.mark.claims("RC234")
@pytest.mark.parametrize("character", "@:/?")
def test_pymongo_refuses_a_password_that_is_not_escaped(character: str) -> None:
    uri_parser = pytest.importorskip("pymongo.uri_parser")
    errors = pytest.importorskip("pymongo.errors")
    with pytest.raises(errors.InvalidURI):
        uri_parser.parse_uri(f"mongodb://user:wine{character}bread@db/results")


@pytest.mark.claims("RC234")
@pytest.mark.parametrize("password", ["wine/bread", "wine?bread", "wine#bread", "wine@bread"])
def test_a_password_that_is_percent_encoded_arrives_whole(new_app: NewApp, password: str) -> None:
    encoded = quote(password, safe="")
    assert new_app(f"redis://:{encoded}@db:6379/1").backend.connparams["password"] == password
    assert sqlalchemy.make_url(f"postgresql://user:{encoded}@db/results").password == password
