"""Rows: rootcellar's own stores. What they honour is theirs to say: see :mod:`rootcellar.settings`."""

from rootcellar.settings import OWN
from rootcellar.specialist.engines.engine import Abilities, Driver, Engine
from rootcellar.urls import ENGINES as STORES
from rootcellar.urls import PREFIX

#: the Celery versions that rootcellar runs on
_ALL = ">=5.5"

_EVERY_STORE = dict.fromkeys(
    (
        "result_expires",
        "result_failure_expires",
        "result_serializer",
        "result_accept_content",
        "result_compression",
        "result_extended",
        "result_cache_max",
        "result_backend_always_retry",
        "result_backend_max_retries",
        "result_backend_base_sleep_between_retries_ms",
        "result_backend_max_sleep_between_retries_ms",
        *OWN,
    ),
    _ALL,
)

_ABILITIES = Abilities(
    waiting="notified",
    chords="native",
    expiry="cleanup",
    durable="yes",
    compresses=_ALL,
    success_is_final=_ALL,
    retries=_ALL,
)

_SQL = dict.fromkeys(("database_engine_options", "database_create_tables_at_setup", "database_table_names"), _ALL)


def _schemes(store: str) -> tuple[str, ...]:
    return tuple(PREFIX + scheme for scheme, engine in STORES.items() if engine == store)


CELLAR_REDIS = Engine(
    name="cellar-redis",
    label="rootcellar on Redis",
    owner="rootcellar",
    schemes=_schemes("redis"),
    examples=("cellar+redis://localhost:6379/0",),
    abilities=Abilities(
        waiting="notified",
        chords="native",
        expiry="server",
        durable="depends",
        compresses=_ALL,
        success_is_final=_ALL,
        retries=_ALL,
    ),
    settings={
        **_EVERY_STORE,
        **dict.fromkeys(
            (
                "redis_host",
                "redis_port",
                "redis_db",
                "redis_username",
                "redis_password",
                "redis_max_connections",
                "redis_socket_timeout",
                "redis_socket_connect_timeout",
                "redis_socket_keepalive",
                "redis_socket_keepalive_options",
                "redis_backend_health_check_interval",
                "redis_retry_on_timeout",
                "redis_client_name",
                "redis_backend_credential_provider",
                "redis_backend_use_ssl",
                "result_backend_transport_options",
            ),
            _ALL,
        ),
    },
    transport_options=dict.fromkeys(("global_keyprefix", "result_chord_ordered"), _ALL),
    drivers=(Driver(("redis",), "redis", 'pip install "rootcellar[redis]"'),),
    server="redis",
)

CELLAR_POSTGRESQL = Engine(
    name="cellar-postgresql",
    label="rootcellar on PostgreSQL",
    owner="rootcellar",
    schemes=_schemes("postgresql"),
    examples=("cellar+postgresql://user:password@localhost/results",),
    abilities=_ABILITIES,
    settings={**_EVERY_STORE, **_SQL, "database_table_schemas": _ALL},
    drivers=(Driver(("psycopg", "psycopg-binary"), "", 'pip install "rootcellar[postgres]"'),),
    server="postgresql",
)

CELLAR_SQLITE = Engine(
    name="cellar-sqlite",
    label="rootcellar on SQLite",
    owner="rootcellar",
    schemes=_schemes("sqlite"),
    examples=("cellar+sqlite:///results.db",),
    abilities=_ABILITIES,
    settings={**_EVERY_STORE, **_SQL},
)
