"""What the table takes for an engine's URL, Celery takes for one too; what it does not know, Celery does not either."""

import importlib.metadata

import pytest
from celery import Celery
from celery.app.backends import BACKEND_ALIASES, by_url
from celery.exceptions import ImproperlyConfigured
from packaging.requirements import Requirement

from rootcellar.specialist.engines import ENGINES, drivers_of, engine_of

_OF_CELERY = [engine for engine in ENGINES.values() if engine.owner == "celery"]
_URLS = [
    (engine.name, example)
    for engine in _OF_CELERY
    for example in (*engine.examples, *(one for one in engine.schemes if "+" not in one and engine.name != "other"))
]


def _class_of(url: str) -> str:
    found, _ = by_url(url, Celery(set_as_current=False).loader)
    return f"{found.__module__}.{found.__name__}"


@pytest.mark.parametrize(("engine", "url"), _URLS)
def test_celery_opens_an_engines_urls_with_its_class(engine: str, url: str):
    assert engine_of(url).name == engine
    if engine == "other":  # they want their drivers when they are imported, which is when Celery has chosen one
        found = BACKEND_ALIASES[url.partition("://")[0].partition("+")[0]].replace(":", ".")
    else:
        found = _class_of(url)
    assert found in ENGINES[engine].classes


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/x",
        "mysql://localhost/x",
        "sqlite:///x.db",
        "memory://",
        "memcached://localhost",
        "amqp://",
        "amqp",
        "redis-cluster://localhost",
        "socket:///run/redis.sock",
        "REDIS://localhost",
        "riak://",
        "Rpc",
    ],
)
def test_celery_does_not_know_what_the_table_does_not(url: str):
    assert engine_of(url).owner == ""
    with pytest.raises((ImproperlyConfigured, ImportError)):
        _class_of(url)


@pytest.mark.parametrize("engine", [engine.name for engine in _OF_CELERY if engine.name != "other"])
def test_celery_takes_a_class_for_a_url(engine: str):
    for path in ENGINES[engine].classes:
        colon = ":".join(path.rsplit(".", 1))
        assert _class_of(path) == _class_of(colon) == path
        assert engine_of(path) is engine_of(colon) is ENGINES[engine]


def test_an_extra_brings_a_package_that_the_table_names():
    brought: dict[str, set[str]] = {}
    for text in importlib.metadata.requires("celery"):
        requirement = Requirement(text)
        marker = str(requirement.marker)
        for driver in (driver for engine in _OF_CELERY for driver in engine.drivers):
            if f'extra == "{driver.extra}"' in marker:
                inner = [one for extra in requirement.extras for one in _of_kombu(extra)]
                brought.setdefault(driver.extra, set()).update(inner or [requirement.name.lower()])
    wanted = {driver.extra: set(driver.packages) for one in _OF_CELERY for driver in one.drivers if driver.extra}
    assert set(brought) == set(wanted)
    assert {extra for extra, packages in wanted.items() if not packages & brought[extra]} == set()


def _of_kombu(extra: str) -> list[str]:
    requirements = map(Requirement, importlib.metadata.requires("kombu"))
    return [one.name.lower() for one in requirements if f'extra == "{extra}"' in str(one.marker)]


@pytest.mark.parametrize(
    ("dialect", "module"),
    [
        ("postgresql+psycopg", "psycopg"),
        ("postgresql+psycopg2", "psycopg2"),
        ("postgresql+pg8000", "pg8000"),
        ("mysql", "mysqldb"),
        ("mysql+pymysql", "pymysql"),
        ("mysql+mysqlconnector", "mysqlconnector"),
        ("mariadb+mariadbconnector", "mariadbconnector"),
        ("oracle+oracledb", "oracledb"),
        ("oracle+cx_oracle", "cx_oracle"),
        ("mssql", "pyodbc"),
        ("mssql+pymssql", "pymssql"),
    ],
)
def test_sqlalchemy_takes_the_driver_that_a_database_url_needs(dialect: str, module: str):
    from sqlalchemy.engine import make_url

    assert make_url(f"{dialect}://localhost/x").get_dialect().driver == module
    assert len(drivers_of(ENGINES["database"], f"db+{dialect}://localhost/x")) == 2


@pytest.mark.parametrize("dialect", ["postgresql", "oracle"])
def test_a_database_url_without_a_driver_leaves_it_to_sqlalchemy(dialect: str):
    from sqlalchemy.engine import make_url

    _, dbapi = drivers_of(ENGINES["database"], f"db+{dialect}://localhost/x")
    chosen = make_url(f"{dialect}://localhost/x").get_dialect().driver
    assert chosen.replace("_", "-") in dbapi.packages


def test_the_database_backend_takes_sqlite_without_a_driver():
    assert [one.packages for one in drivers_of(ENGINES["database"], "db+sqlite:///x.db")] == [("sqlalchemy",)]
