"""Rows: Celery's database backend, and django-celery-results."""

from rootcellar.specialist.engines.engine import Abilities, Driver, Engine
from rootcellar.specialist.engines.honoured import (
    ALWAYS,
    EVERY,
    SERIALIZED,
    TRANSPORT_OPTIONS,
    UNLOCKED_CHORDS,
    always,
    retrying,
)

_DJANGO_SOURCE = "https://github.com/celery/django-celery-results/blob/v2.6.0/django_celery_results/backends/"


def _dbapi(packages: tuple[str, ...], *dialects: str) -> Driver:
    schemes = tuple(f"{name}+{dialect}://" for name in ("db", "database") for dialect in dialects)
    return Driver(packages, "", f"pip install {packages[0]}", schemes)


DATABASE = Engine(
    name="database",
    label="Database (SQLAlchemy)",
    owner="celery",
    schemes=("db+", "database+", "database", "db"),
    examples=(
        "db+postgresql+psycopg://user:password@localhost/results",
        "db+mysql+pymysql://user:password@localhost/results",
        "db+sqlite:///results.sqlite",
    ),
    classes=("celery.backends.database.DatabaseBackend",),
    abilities=Abilities(
        waiting="polled",
        chords="polled",
        expiry="cleanup",
        durable="yes",
        pickles="<5.7",
        connects_per_call=True,
        success_is_final=">=5.7",
        retries=">=5.6.3",
    ),
    settings={
        **EVERY,
        **SERIALIZED,
        **UNLOCKED_CHORDS,
        **retrying(">=5.6.3"),
        **always(
            "result_expires",
            "result_extended",
            "database_url",
            "database_engine_options",
            "database_short_lived_sessions",
            "database_table_schemas",
            "database_table_names",
        ),
        "database_create_tables_at_setup": ">=5.5",
        "database_engine_callback": ">=5.7",
    },
    drivers=(
        Driver(("sqlalchemy",), "sqlalchemy", 'pip install "celery[sqlalchemy]"'),
        # SQLAlchemy 2.1 takes psycopg where the URL names no driver, the ones before it psycopg2.
        _dbapi(("psycopg", "psycopg-binary", "psycopg2", "psycopg2-binary"), "postgresql"),
        _dbapi(("psycopg", "psycopg-binary"), "postgresql+psycopg"),
        _dbapi(("psycopg2-binary", "psycopg2"), "postgresql+psycopg2"),
        _dbapi(("pg8000",), "postgresql+pg8000"),
        _dbapi(("mysqlclient",), "mysql", "mysql+mysqldb", "mariadb", "mariadb+mysqldb"),
        _dbapi(("pymysql",), "mysql+pymysql", "mariadb+pymysql"),
        _dbapi(("mysql-connector-python",), "mysql+mysqlconnector", "mariadb+mysqlconnector"),
        _dbapi(("mariadb",), "mariadb+mariadbconnector"),
        # SQLAlchemy 2.1 takes oracledb where the URL names no driver, the ones before it cx_Oracle.
        _dbapi(("oracledb", "cx-oracle"), "oracle"),
        _dbapi(("oracledb",), "oracle+oracledb"),
        _dbapi(("cx-oracle",), "oracle+cx_oracle"),
        _dbapi(("pyodbc",), "mssql", "mssql+pyodbc"),
        _dbapi(("pymssql",), "mssql+pymssql"),
    ),
    sources=(
        "https://github.com/celery/celery/blob/v5.7.0/celery/backends/database/__init__.py",
        "https://github.com/celery/celery/blob/v5.7.0/celery/backends/database/session.py",
        "https://docs.celeryq.dev/en/stable/userguide/configuration.html#database-url-examples",
    ),
    notes={
        "database_url": "Only with the bare name database: a URL in result_backend counts first.",
        "database_engine_options": (
            "pool_* and max_overflow only in a worker's forked processes; elsewhere each call makes a connection of "
            "its own. Since 5.6.3 the default is pool_pre_ping and pool_recycle, which a mapping of one's own replaces."
        ),
        "database_short_lived_sessions": "Only in a worker's forked processes.",
        "result_serializer": "Before 5.7 only exceptions, arguments and keyword arguments go through it.",
        "result_accept_content": "Before 5.7 only arguments and keyword arguments are held to it.",
        "result_backend_always_retry": (
            "In 5.7 it is on, with 3 tries, unless it is set. Every Celery before that tries 3 times besides."
        ),
        "pickles": "5.7 still unpickles a row that its serializer cannot read and that looks like a pickle.",
        "result_expires": "0 makes the cleanup delete every finished result, and None makes it fail.",
        "success_is_final": "On SQLite, which locks no rows, two runs that end at the same time may both write.",
    },
)

DJANGO_DB = Engine(
    name="django-db",
    label="Django's database (django-celery-results)",
    owner="django-celery-results",
    schemes=("django-db",),
    examples=("django-db",),
    classes=(
        "django_celery_results.backends.DatabaseBackend",
        "django_celery_results.backends.database.DatabaseBackend",
    ),
    abilities=Abilities(waiting="polled", chords="native", expiry="cleanup", durable="yes", retries=ALWAYS),
    settings={
        **EVERY,
        **SERIALIZED,
        **retrying(ALWAYS),
        **always("result_expires", "result_extended", "result_chord_join_timeout"),
    },
    drivers=(Driver(("django-celery-results",), "", "pip install django-celery-results"),),
    sources=(_DJANGO_SOURCE + "database.py",),
    notes={
        "result_backend_always_retry": "Only when the connection is found closed (InterfaceError).",
        "success_is_final": "A second run of the task replaces what the first one stored.",
    },
)

DJANGO_CACHE = Engine(
    name="django-cache",
    label="Django's cache (django-celery-results)",
    owner="django-celery-results",
    schemes=("django-cache",),
    examples=("django-cache",),
    classes=(
        "django_celery_results.backends.CacheBackend",
        "django_celery_results.backends.cache.CacheBackend",
    ),
    abilities=Abilities(
        waiting="polled",
        chords="polled",
        expiry="server",
        durable="depends",
        pickles=ALWAYS,
        serializes=False,
        success_is_final=ALWAYS,
    ),
    settings={
        **EVERY,
        **UNLOCKED_CHORDS,
        **TRANSPORT_OPTIONS,
        **always("result_expires", "result_extended", "cache_backend"),
    },
    transport_options={"global_keyprefix": ">=5.3"},
    drivers=(Driver(("django-celery-results",), "", "pip install django-celery-results"),),
    sources=(_DJANGO_SOURCE + "cache.py",),
    notes={
        "cache_backend": "The name of one of Django's CACHES; without it, default.",
        "pickles": "What Django's cache does with any object: all of Django's own pickle it.",
        "is_shared": "As far as that cache is: not with Django's local memory cache.",
        "success_is_final": "The store asks first and writes then: two runs that end at the same time may both write.",
    },
)
