"""Rows: Celery's Redis backends."""

from rootcellar.specialist.engines.engine import Abilities, Driver, Engine
from rootcellar.specialist.engines.honoured import ALWAYS, EVERY, KEY_PREFIX, SERIALIZED, always, retrying

_SOURCE = "https://github.com/celery/celery/blob/v5.7.0/celery/backends/redis.py"
_DOCUMENTATION = "https://docs.celeryq.dev/en/stable/userguide/configuration.html#redis-backend-settings"

_DRIVER = Driver(("redis",), "redis", 'pip install "celery[redis]"')

_ABILITIES = Abilities(
    waiting="notified",
    chords="native",
    expiry="server",
    durable="depends",
    compresses=">=5.7",
    success_is_final=ALWAYS,
    retries=">=5.5",
)

_CONNECTION = {
    **always(
        "redis_host",
        "redis_port",
        "redis_db",
        "redis_username",
        "redis_password",
        "redis_max_connections",
        "redis_socket_timeout",
        "redis_socket_connect_timeout",
        "redis_socket_keepalive",
        "redis_retry_on_timeout",
        "redis_backend_use_ssl",
        "redis_backend_health_check_interval",
    ),
    "redis_client_name": ">=5.6",
}

_SETTINGS = {
    **EVERY,
    **SERIALIZED,
    **retrying(">=5.5"),
    **always("result_expires", "result_extended", "result_chord_join_timeout", "result_backend_transport_options"),
    "result_compression": ">=5.7",
    "result_failure_expires": ">=5.7",
    "result_chord_expires": ">=5.7",
    **_CONNECTION,
}

_TRANSPORT_OPTIONS = {
    **KEY_PREFIX,
    **always("retry_policy", "result_chord_ordered"),
    "additional_connection_errors": ">=5.7",
}

_NOTES = {
    "result_chord_join_timeout": "Only a chord whose header has groups in it is joined; all others are gathered.",
    "redis_host": "Only where the URL names no host.",
    "redis_port": "Only where the URL names no port.",
    "redis_username": "Only where the URL names no user.",
    "redis_password": "Only where the URL has no password.",
    "result_compression": "Not where the URL has decode_responses.",
    "success_is_final": "The store asks first and writes then: two runs that end at the same time may both write.",
}

REDIS = Engine(
    name="redis",
    label="Redis",
    owner="celery",
    schemes=("redis", "rediss", "redis+", "rediss+"),
    examples=("redis://localhost:6379/0", "rediss://cache.example.org:6380/0", "redis+socket:///run/redis.sock"),
    classes=("celery.backends.redis.RedisBackend",),
    abilities=_ABILITIES,
    settings={**_SETTINGS, "redis_backend_credential_provider": ">=5.6"},
    transport_options=_TRANSPORT_OPTIONS,
    drivers=(_DRIVER,),
    server="redis",
    sources=(_SOURCE, _DOCUMENTATION),
    notes={
        **_NOTES,
        "redis_db": "Only with the bare name redis, or a socket: the path of a redis:// URL counts, and none is 0.",
        "redis_socket_connect_timeout": "Not with a Unix socket.",
        "redis_backend_use_ssl": "Before 5.7 an error with a redis:// URL: it has to be rediss://.",
    },
)

SENTINEL = Engine(
    name="sentinel",
    label="Redis behind Sentinel",
    owner="celery",
    schemes=("sentinel", "sentinel+"),
    examples=("sentinel://one:26379/0;sentinel://two:26379/0",),
    classes=("celery.backends.redis.SentinelBackend",),
    abilities=_ABILITIES,
    settings={name: versions for name, versions in _SETTINGS.items() if name != "redis_db"},
    transport_options={**_TRANSPORT_OPTIONS, **always("master_name", "min_other_sentinels", "sentinel_kwargs")},
    drivers=(_DRIVER,),
    server="sentinel",
    sources=(_SOURCE, _DOCUMENTATION),
    notes={
        **_NOTES,
        "redis_host": "Sentinel's, and only where the URL names none.",
        "redis_port": "Sentinel's, and only where the URL names none.",
        "redis_db": "Ignored: the path of the URL counts.",
        "redis_username": "The master's; Sentinel's own goes into sentinel_kwargs.",
        "redis_password": "The master's; Sentinel's own goes into sentinel_kwargs.",
        "redis_backend_credential_provider": "Ends in a KeyError in Celery 5.6 and 5.7; older ones ignore it.",
        "master_name": "There is no default: without it no connection is made.",
    },
)

CLUSTER = Engine(
    name="redis-cluster",
    label="Redis Cluster",
    owner="",
    schemes=("redis-cluster", "rediss-cluster", "redis+cluster", "rediss+cluster"),
    examples=("redis-cluster://one:6379",),
    abilities=Abilities(waiting="", chords="none", is_shared=False, is_reread=False, expiry="", durable=""),
    sources=("https://github.com/celery/celery/issues/2852",),
    notes={"chords": "Celery has no backend for Redis Cluster: a chord's keys would lie on several servers."},
)
