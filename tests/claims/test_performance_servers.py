"""What the performance rules say of Celery on MySQL, and behind PgBouncer, made to happen."""

from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from servers import wait_until


@pytest.mark.mariadb
@pytest.mark.claims("RC405")
@pytest.mark.parametrize("recycles", [False, True], ids=["fails and is tried again", "works with pool_recycle"])
def test_the_first_store_after_mysql_closed_an_idle_connection(
    new_app: Any, mariadb_url: str, caplog: pytest.LogCaptureFixture, *, recycles: bool
) -> None:
    options: dict[str, Any] = {"connect_args": {"init_command": "set session wait_timeout = 1"}}
    if recycles:
        options["pool_recycle"] = 0.5
    app = new_app(f"db+{mariadb_url}", database_engine_options=options)
    app.backend.session_manager.forked = True  # as in a worker's child: with a pool
    app.backend.mark_as_done("one", 1)
    watcher = sqlalchemy.create_engine(mariadb_url, poolclass=NullPool)
    database = sqlalchemy.make_url(mariadb_url).database

    def is_closed() -> bool:
        others = "select count(*) from information_schema.processlist where db = :db and id <> connection_id()"
        with watcher.connect() as connection:
            return connection.execute(sqlalchemy.text(others), {"db": database}).scalar() == 0

    wait_until(is_closed, "the server closed the idle connection")
    app.backend.mark_as_done("two", 2)
    assert ("Failed operation" in caplog.text) is not recycles
    app.backend.session_manager.get_engine(app.backend.url).dispose()


@pytest.mark.mariadb
@pytest.mark.claims("RC411")
@pytest.mark.parametrize(
    ("options", "sees"),
    [({}, "PENDING"), ({"isolation_level": "READ COMMITTED"}, "SUCCESS")],
    ids=["REPEATABLE READ by default", "READ COMMITTED where it is set"],
)
def test_a_transaction_that_has_read_once_on_mysql(
    new_app: Any, mariadb_url: str, options: dict[str, Any], sees: str
) -> None:
    app = new_app(f"db+{mariadb_url}", database_engine_options=options)
    app.backend.store_result("one", None, "PENDING")
    session = app.backend.ResultSession()
    task_class = app.backend.task_cls
    try:
        assert session.query(task_class).filter(task_class.task_id == "one").one().status == "PENDING"
        app.backend.mark_as_done("one", 1)
        session.expire_all()
        assert session.query(task_class).filter(task_class.task_id == "one").one().status == sees
    finally:
        session.close()


@pytest.mark.pgbouncer
@pytest.mark.claims("RC413")
@pytest.mark.parametrize("prepares", [True, False], ids=["prepared fail", "unprepared work"])
def test_statements_that_psycopg_sends_through_pgbouncer(
    new_app: Any, pgbouncer_url: str, caplog: pytest.LogCaptureFixture, *, prepares: bool
) -> None:
    # Prepared at once, and not at the fifth time, so that a few stores are enough.
    options = {"connect_args": {"prepare_threshold": 0 if prepares else None}}
    url = pgbouncer_url.replace("postgresql://", "db+postgresql+psycopg://")
    app = new_app(url, database_engine_options=options)
    app.backend.session_manager.forked = True  # as in a worker's child: with a pool
    for number in range(3):
        app.backend.mark_as_done(str(number), number)
    failed = ""
    # While somebody else has the server connection used so far, PgBouncer gives the next transaction another one.
    with psycopg.connect(pgbouncer_url) as other:
        other.execute("select 1")
        try:
            app.backend.mark_as_done("last", 4)
        except Exception as exc:
            failed = str(exc)
    app.backend.session_manager.get_engine(app.backend.url).dispose()
    # What the backend has tried again without us it has logged.
    assert ("prepared statement" in caplog.text + failed) is prepares
