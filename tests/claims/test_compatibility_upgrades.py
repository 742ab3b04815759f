"""What the rules about upgrades say of Celery, its tables and RabbitMQ, made to happen."""

import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from amqp.exceptions import PreconditionFailed, ResourceLocked
from celery import Celery, __version__
from celery.app import defaults
from celery.exceptions import CDeprecationWarning, ImproperlyConfigured
from kombu import Queue
from packaging.version import Version

from rootcellar.specialist.rules import upgrades
from rootcellar.specialist.rules.page import page

CELERY = Version(Version(__version__).base_version)

NewApp = Callable[..., Any]

#: Celery's table as releases before extended results made it, and what those added.
_OLD_TABLE = """
create table celery_taskmeta (
    id integer primary key, task_id varchar(155) unique, status varchar(50), result {binary}, date_done timestamp,
    traceback text
)
"""


def configured_by(**settings: Any) -> Any:
    """Return an app whose configuration object has these settings."""
    app = Celery("claims", set_as_current=False)
    app.config_from_object(type("Configuration", (), settings))
    return app


def said(error: BaseException) -> str:
    """Return an exception's words and those of what caused it."""
    return "".join(traceback.format_exception(error))


@pytest.mark.claims("RC503")
def test_the_expiry_of_amqp_results_is_not_read_and_the_one_that_lives_on_is():
    app = configured_by(CELERY_AMQP_TASK_RESULT_EXPIRES=77, BROKER_URL="memory://")
    assert app.conf.result_expires == defaults.DEFAULTS["result_expires"]
    assert configured_by(CELERY_TASK_RESULT_EXPIRES=77).conf.result_expires == 77


@pytest.mark.claims("RC503")
@pytest.mark.parametrize("name", sorted(upgrades._INSTEAD))
def test_celery_has_no_setting(name: str):
    assert name not in defaults._TO_NEW_KEY
    assert name not in defaults._OLD_SETTING_KEYS
    for prefix in ("CELERY_", "CELERYD_", "CELERYBEAT_"):
        assert name.removeprefix(prefix).lower() not in defaults.SETTING_KEYS


@pytest.mark.rabbitmq
@pytest.mark.claims("RC505")
@pytest.mark.parametrize("persistent", [False, True], ids=["by default", "with result_persistent"])
def test_the_reply_queue_is_neither_durable_nor_exclusive(new_app: NewApp, rabbitmq_server: Any, *, persistent: bool):
    app = new_app("rpc://", broker_url=rabbitmq_server.url, result_persistent=persistent)
    with app.connection_for_write() as connection:
        queue = app.backend.binding.bind(connection.default_channel)
        queue.declare()
        with app.connection_for_write() as other:
            Queue(queue.name).bind(other.default_channel).queue_declare(passive=True)  # one that is exclusive: locked
            durable = Queue(queue.name, durable=True, auto_delete=True, expires=queue.expires)
            with pytest.raises(PreconditionFailed, match="'durable'"):
                durable.bind(other.default_channel).queue_declare()
        queue.delete()


@pytest.mark.rabbitmq
@pytest.mark.claims("RC505")
def test_an_exclusive_queue_would_have_been_seen(new_app: NewApp, rabbitmq_server: Any):
    app = new_app("rpc://", broker_url=rabbitmq_server.url)
    with app.connection_for_write() as connection, app.connection_for_write() as other:
        queue = Queue("claims-exclusive", exclusive=True).bind(connection.default_channel)
        queue.queue_declare()
        with pytest.raises(ResourceLocked):
            Queue("claims-exclusive").bind(other.default_channel).queue_declare(passive=True)


@pytest.mark.claims("RC506")
def test_a_result_in_a_database_is_a_pickle_whatever_the_serializer(new_app: NewApp, sqlite_url: str):
    app = new_app(f"db+{sqlite_url}", result_serializer="json", result_accept_content=["json"])
    app.backend.mark_as_done("one", {"a": 1})
    assert pickle.loads(stored(sqlite_url)) == {"a": 1}


@pytest.mark.claims("RC506")
def test_who_can_write_a_row_runs_code_in_who_reads_it(new_app: NewApp, sqlite_url: str, tmp_path: Path):
    run_and_read(new_app, sqlite_url, tmp_path / "touched")
    assert (tmp_path / "touched").exists()


@pytest.mark.claims("RC506")
def test_a_row_that_celery_5_7_wrote_cannot_be_read(new_app: NewApp, sqlite_url: str):
    app = new_app(f"db+{sqlite_url}")
    app.backend.mark_as_done("one", 1)
    replace(sqlite_url, b'{"a": 1}')
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is depends on the first byte
        app.backend.get_state("one")
    assert "pickle" in said(caught.value).lower()


# That is said of 5.7 by the page of RC506, which is about the releases before.
@pytest.mark.skipif(Version("5.7") > CELERY, reason="since Celery 5.7")
def test_celery_5_7_writes_with_the_serializer_and_still_unpickles(new_app: NewApp, sqlite_url: str, tmp_path: Path):
    run_and_read(new_app, sqlite_url, tmp_path / "touched")
    assert (tmp_path / "touched").exists()
    app = new_app(f"db+{sqlite_url}")
    app.backend.mark_as_done("two", {"a": 1})
    assert stored(sqlite_url, "two") == b'{"a": 1}'


def run_and_read(new_app: NewApp, url: str, touched: Path) -> None:
    """Read a row whose pickle makes a file."""
    app = new_app(f"db+{url}", result_serializer="json", result_accept_content=["json"])
    app.backend.mark_as_done("one", 1)
    replace(url, pickle.dumps(_Touches(touched)))
    app.backend._cache.clear()
    assert app.AsyncResult("one").state == "SUCCESS"


class _Touches:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def stored(url: str, task_id: str = "one") -> bytes:
    """Return what lies in the result's column."""
    [[result]] = execute(url, "select result from celery_taskmeta where task_id = :id", id=task_id)
    return bytes(result)


def replace(url: str, result: bytes) -> None:
    """Write something else there."""
    execute(url, "update celery_taskmeta set result = :result", result=result)


def execute(url: str, sql: str, **values: Any) -> list[Any]:
    """Run a statement; return its rows, if it has some."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(sql), values)
        rows = list(result) if result.returns_rows else []
    engine.dispose()
    return rows


@pytest.mark.claims("RC507")
@pytest.mark.parametrize("extended", [False, True], ids=["without result_extended", "with result_extended"])
def test_a_table_of_before_extended_results(new_app: NewApp, sqlite_url: str, *, extended: bool):
    execute(sqlite_url, _OLD_TABLE.format(binary="blob"))
    app = new_app(f"db+{sqlite_url}", result_extended=extended, result_backend_always_retry=False)
    if Version("5.7") <= CELERY or not extended:
        app.backend.mark_as_done("one", 1)
        assert app.backend.get_state("one") == "SUCCESS"
        columns = {row[1] for row in execute(sqlite_url, "pragma table_info(celery_taskmeta)")}
        assert ({"name", "children", "stamps"} <= columns) is (Version("5.7") <= CELERY)
    else:
        with pytest.raises(sqlalchemy.exc.OperationalError, match="no such column"):
            app.backend.mark_as_done("one", 1)


@pytest.mark.claims("RC507")
def test_no_release_minds_the_columns_of_later_ones(new_app: NewApp, sqlite_url: str):
    execute(sqlite_url, _OLD_TABLE.format(binary="blob"))
    for column in ("children", "stamps", "from_the_future"):
        execute(sqlite_url, f"alter table celery_taskmeta add column {column} blob")
    app = new_app(f"db+{sqlite_url}")
    app.backend.mark_as_done("one", 1)
    assert app.backend.get_state("one") == "SUCCESS"


@pytest.mark.postgresql
@pytest.mark.claims("RC507")
@pytest.mark.skipif(Version("5.7") > CELERY, reason="since Celery 5.7")
def test_a_login_that_may_not_alter_the_table_cannot_store(
    new_app: NewApp, postgresql_server: Any, postgresql_plain_url: str, caplog: pytest.LogCaptureFixture
):
    for sql in (
        _OLD_TABLE.format(binary="bytea"),
        "create sequence task_id_sequence",
        "grant all on celery_taskmeta, task_id_sequence to public",
    ):
        postgresql_server.execute(sql, postgresql_server.superuser_url(postgresql_plain_url))
    url = postgresql_plain_url.replace("postgresql://", "db+postgresql+psycopg://")
    app = new_app(url, result_backend_always_retry=False)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Celery 5.7 wraps it
        app.backend.mark_as_done("one", 1)
    assert 'column "children"' in said(caught.value) or "children does not exist" in said(caught.value)
    assert "Failed to add missing column 'children'" in caplog.text
    mend = "ALTER TABLE celery_taskmeta ADD COLUMN children bytea, ADD COLUMN stamps bytea;"
    assert mend in " ".join(page("RC507").mend.split())
    postgresql_server.execute(mend, postgresql_server.superuser_url(postgresql_plain_url))
    app.backend.mark_as_done("one", 1)
    assert app.backend.get_state("one") == "SUCCESS"


@pytest.mark.claims("RC508")
def test_old_names_are_read_and_named_one_by_one_as_gone_in_6_0():
    app = configured_by(BROKER_URL="memory://", CELERY_RESULT_BACKEND="cache+memory://", CELERY_TASK_RESULT_EXPIRES=77)
    assert (app.conf.broker_url, app.conf.result_expires) == ("memory://", 77)
    with pytest.warns(CDeprecationWarning) as warned:
        app.conf.maybe_warn_deprecated_settings()
    assert len(warned) == 3
    assert all("6.0.0" in str(one.message) for one in warned)


@pytest.mark.claims("RC508")
def test_one_new_name_among_them_is_refused_unless_the_old_one_stands_beside_it():
    old = {"BROKER_URL": "memory://", "CELERY_RESULT_BACKEND": "cache+memory://"}
    with pytest.raises(ImproperlyConfigured, match="result_expires"):
        _ = configured_by(**old, result_expires=77).conf.result_expires
    both = configured_by(**old, CELERY_TASK_RESULT_EXPIRES=77, result_expires=77)
    assert both.conf.result_expires == 77


@pytest.mark.claims("RC508")
@pytest.mark.parametrize(
    ("option", "name"), [((), "result_expires"), (("--django",), "CELERY_RESULT_EXPIRES")], ids=["plain", "for Django"]
)
def test_celery_rewrites_a_file_of_old_names(tmp_path: Path, option: tuple[str, ...], name: str):
    file = tmp_path / "settings.py"
    file.write_text("CELERY_TASK_RESULT_EXPIRES = 77\n")
    command = [sys.executable, "-m", "celery", "upgrade", "settings", *option, str(file)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    assert file.read_text() == f"{name} = 77\n"


@pytest.mark.claims("RC510")
@pytest.mark.parametrize("backend", ["django-db", "django-cache"])
def test_a_backend_of_django_celery_results_needs_it_among_the_installed_apps(backend: str):
    refused = "RuntimeError: Model class django_celery_results.models.TaskResult doesn't declare an explicit app_label"
    assert django(backend, "django.contrib.contenttypes").startswith(refused)


@pytest.mark.claims("RC510")
def test_with_it_the_cache_works_and_the_database_lacks_its_tables_until_they_are_migrated():
    assert django("django-cache", "django_celery_results") == "PENDING"
    assert "no such table: django_celery_results_taskresult" in django("django-db", "django_celery_results")


def django(backend: str, *installed: str) -> str:
    """Return what using a backend ends with."""
    pytest.importorskip("django_celery_results")
    program = Path(__file__).with_name("django_not_installed.py")
    command = [sys.executable, str(program), backend, *installed]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
