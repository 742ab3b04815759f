"""Probing: what real servers say of themselves, and that asking leaves nothing behind."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from celery import Celery
from sqlalchemy.pool import NullPool

from rootcellar.specialist.probing import probes_of
from rootcellar.specialist.profile import App, Place, Profile
from rootcellar.specialist.rules.project import Probe, Project

# Celery's own call, where redis-py deprecates it
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


def asked(url: str, setting: str = "result_backend", timeout_s: float = 5.0, **settings: Any) -> Probe:
    """Ask the server of one setting."""
    app = App("shop:app", Place("shop.py", 1))
    project = Project(Profile(Path(), apps=(app,)), live={"shop:app": {setting: url, **settings}})
    (probe,) = probes_of(project, timeout_s=timeout_s)
    return probe


def stored(url: str, **settings: Any) -> None:
    """Let Celery store one result there."""
    app = Celery("probing", broker="memory://", backend=url, set_as_current=False)
    app.conf.update(settings)
    app.backend.mark_as_done("one", {"answer": 42})
    if hasattr(app.backend, "result_consumer"):
        app.backend.client.connection_pool.disconnect()
    if hasattr(app.backend, "_connection") and app.backend._connection is not None:
        app.backend._connection.close()


@pytest.mark.redis
def test_redis_tells_its_eviction_its_persistence_and_how_long_results_live(redis_url: str) -> None:
    stored(redis_url, result_expires=600)
    stored(redis_url, result_expires=600)
    facts = asked(redis_url).facts
    assert facts["maxmemory_policy"] == "noeviction"
    assert facts["appendonly"] is False
    assert facts["save"] is False
    assert (facts["results_sampled"], facts["results_without_expiry"]) == (1, 0)
    assert 0 < facts["results_ttl_s"] <= 600
    assert facts["results_bytes"] > 50
    assert facts["maxclients"] > facts["connected_clients"] > 0


@pytest.mark.redis
def test_a_redis_broker_is_asked_too(redis_url: str) -> None:
    probe = asked(redis_url, "broker_url")
    assert (probe.setting, probe.kind, probe.error) == ("broker_url", "redis", "")
    assert "results_sampled" not in probe.facts


@pytest.mark.postgresql
def test_postgresql_tells_its_limits_and_the_results_table(postgresql_url: str) -> None:
    url = postgresql_url.replace("postgresql://", "db+postgresql+psycopg://")
    before = asked(url).facts
    assert before["table"] is None
    stored(url)
    facts = asked(url).facts
    assert facts["max_connections"] >= facts["connections"] >= 1
    assert facts["isolation"] == "READ COMMITTED"
    assert (facts["table"], "task_id" in facts["indexed"]) == ("celery_taskmeta", True)
    assert {"status", "result", "date_done"} <= set(facts["columns"])


@pytest.mark.mariadb
def test_mysql_tells_its_isolation_and_how_long_a_connection_may_idle(mariadb_url: str) -> None:
    stored(f"db+{mariadb_url}")
    url = mariadb_url.replace("mysql+", "mariadb+")  # SQLAlchemy's other name for it
    assert asked(f"db+{url}").facts["table"] == "celery_taskmeta"
    facts = asked(f"db+{mariadb_url}").facts
    assert facts["isolation"] == "REPEATABLE READ"
    assert facts["idle_timeout_s"] == 28800
    assert facts["max_connections"] == 151
    assert facts["table"] == "celery_taskmeta"
    assert facts["unfinished"] == 0


def test_sqlite_tells_its_rows_and_the_oldest_of_them(sqlite_url: str) -> None:
    stored(f"db+{sqlite_url}", database_table_names={"task": "shop_results"})
    facts = asked(f"db+{sqlite_url}", database_table_names={"task": "shop_results"}).facts
    assert (facts["table"], facts["rows"], facts["journal_mode"]) == ("shop_results", 1, "delete")
    assert facts["oldest_done"].startswith("20")


def test_a_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    probe = asked(f"db+sqlite:///{tmp_path / 'none.db'}")
    assert "there is no such SQLite file" in probe.error
    assert list(tmp_path.iterdir()) == []


def test_asking_makes_no_tables(sqlite_url: str, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(sqlite_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table other (id integer)"))
    assert asked(f"db+{sqlite_url}").facts["table"] is None
    assert sqlalchemy.inspect(engine).get_table_names() == ["other"]


@pytest.mark.mongodb
def test_mongodb_tells_its_indexes_and_is_left_as_it_was(mongodb_url: str) -> None:
    import pymongo

    facts = asked(mongodb_url).facts
    assert facts["documents"] == 0
    with pymongo.MongoClient(mongodb_url) as client:
        assert client.get_default_database().list_collection_names() == []
    stored(mongodb_url)
    facts = asked(mongodb_url).facts
    assert facts["documents"] == 1
    assert "_id" in facts["indexed"]


@pytest.mark.rabbitmq
def test_rabbitmq_tells_its_version(rabbitmq_server: Any) -> None:
    probe = asked(rabbitmq_server.url, "broker_url")
    assert (probe.kind, probe.facts["product"]) == ("rabbitmq", "RabbitMQ")
    assert probe.facts["version"][0].isdigit()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2-secret@127.0.0.1:9/0",
        "db+postgresql+psycopg://u:hunter2-secret@127.0.0.1:9/x",
        "db+mysql+pymysql://u:hunter2-secret@127.0.0.1:9/x",
        "mongodb://u:hunter2-secret@127.0.0.1:9/x",
    ],
    ids=["Redis", "PostgreSQL", "MySQL", "MongoDB"],
)
def test_a_server_that_is_away_is_an_error_with_advice_and_without_the_password(url: str) -> None:
    probe = asked(url, timeout_s=0.5)
    assert probe.facts == {}
    assert "host and port" in probe.error
    assert "hunter2" not in probe.error


def test_what_is_not_known_from_the_files_is_not_asked() -> None:
    app = App("shop:app", Place("shop.py", 1))
    assert list(probes_of(Project(Profile(Path(), apps=(app,))))) == []
    project = Project(Profile(Path(), apps=(app,)), live={"shop:app": {"result_backend": "redis://{HOST}/0"}})
    assert list(probes_of(project)) == []
