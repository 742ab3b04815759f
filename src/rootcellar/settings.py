"""Settings: Celery's configuration and the environment, read once, validated when built, frozen.

Celery's names are kept and honoured. rootcellar's own start with ``cellar_``; each may also come from the environment
as ``CELLAR_…`` and Celery's configuration wins. A ``cellar_`` name that does not exist is an error: a misspelt
setting that is silently ignored is how results get lost.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from rootcellar.codec import Codec
from rootcellar.errors import ConfigurationError, did_you_mean
from rootcellar.retention import DAY_S, Retention, seconds

logger = logging.getLogger(__name__)

#: Pool options of ``database_engine_options`` that are honoured, under SQLAlchemy's names, with SQLAlchemy's defaults
#: (https://docs.sqlalchemy.org/en/20/core/engines.html).
ENGINE_OPTIONS = (
    "pool_size",
    "max_overflow",
    "pool_timeout",
    "pool_recycle",
    "pool_pre_ping",
    "connect_args",
)

#: Options of ``sqlalchemy.create_engine`` that mean nothing here, and are no misspelling of ours either.
SQLALCHEMY_OPTIONS = frozenset(
    {"pool", "poolclass", "pool_events", "pool_logging_name", "pool_reset_on_return", "pool_use_lifo"}
)


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections one process may hold, and for how long."""

    #: connections kept open between uses
    size: int = 5
    #: connections beyond ``size`` that may be opened under load, closed again when returned
    overflow: int = 10
    #: how long a caller waits for a free connection before an error
    timeout_s: float = 30.0
    #: age at which a connection is replaced; ``None``: never
    recycle_s: float | None = 3600.0

    def __post_init__(self) -> None:
        if self.size < 1 or self.overflow < 0:
            raise ConfigurationError(
                f"The connection pool is given size {self.size} and overflow {self.overflow}. database_engine_options"
                "['pool_size'] and redis_max_connections take 1 or more, 'max_overflow' 0 or more."
            )


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """What Celery's ``redis_*`` settings say. ``connection`` holds the keyword arguments of redis-py's connection."""

    pool: PoolSettings = field(default_factory=lambda: PoolSettings(size=16, overflow=0, recycle_s=None))
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)
    use_ssl: Mapping[str, Any] | None = field(default=None, repr=False)
    retry_on_timeout: bool = False
    key_prefix: str = ""
    #: whether a chord's parts are kept in the order of the header (Celery's ``result_chord_ordered``)
    is_chord_ordered: bool = True
    #: as :attr:`Settings.most_s`
    most_s: float | None = None

    @property
    def record_key(self) -> str:
        """What a record's key begins with, as Celery's own."""
        return f"{self.key_prefix}celery-task-meta-"

    @property
    def group_key(self) -> str:
        """What the keys of a group or chord begin with, as Celery's own."""
        return f"{self.key_prefix}celery-taskset-meta-"

    @property
    def chords_key(self) -> str:
        """The key of the set of open chords."""
        return f"{self.key_prefix}celery-cellar-chords"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """What Celery's ``database_*`` settings say."""

    pool: PoolSettings = field(default_factory=PoolSettings)
    connect_args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    create_tables: bool = True
    #: the schema of all tables but the groups'; ``None``: the login's search path
    schema: str | None = None
    group_schema: str | None = None
    record_table: str = "cellar_record"
    group_table: str = "cellar_group"

    @property
    def waiter_table(self) -> str:
        """Who waits for what."""
        return self._beside("waiter")

    @property
    def chord_table(self) -> str:
        """The chord ledger: one row a chord."""
        return self._beside("chord")

    @property
    def part_table(self) -> str:
        """The chord ledger: one row for each of a chord's members that has reported."""
        return self._beside("chord_part")

    @property
    def version_table(self) -> str:
        """Which migrations have been applied."""
        return self._beside("schema")

    def _beside(self, what: str) -> str:
        # Two apps that share a database under different table names must not share these.
        stem = "cellar" if self.record_table == "cellar_record" else self.record_table
        return f"{stem}_{what}"


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """What happens to a finished record while the store is away."""

    #: seconds an operation is tried again before the record goes to the spool, or the caller gets the error
    retry_s: float = 3.0
    #: where the spool's files lie: on a disk of this host that outlives its processes
    directory: Path = field(default_factory=lambda: default_spool_directory(os.environ))
    #: bytes of records one spool holds at most; 0: there is no spool
    max_bytes: int = 1024**3


@dataclass(frozen=True, slots=True)
class ChordSettings:
    """How long a chord may take, and how long sending its body may."""

    #: seconds from its start after which a chord whose members have not all reported ends in an error; ``None``: never
    deadline_s: float | None = 30 * DAY_S
    #: seconds a worker has for collecting the parts and sending the body before another one takes over
    lease_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a store, the hub and the backend need to know. :meth:`from_celery` builds it from ``app.conf``."""

    codec: Codec = field(default_factory=Codec)
    retention: Retention = field(default_factory=Retention)
    redis: RedisSettings = field(default_factory=RedisSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    chords: ChordSettings = field(default_factory=ChordSettings)
    #: seconds between two re-reads of what is being waited for: what a lost notification costs at most
    look_interval_s: float = 1.0
    #: seconds an operation waits for a free connection, or for a database's answer, before an error
    store_timeout_s: float = 30.0
    #: seconds that anything may take at most, whatever the URL and other settings say; ``None``: no such limit
    most_s: float | None = None
    #: seconds between two rounds of a worker's housekeeping: chords to finish, a spool to deliver
    housekeeping_interval_s: float = 5.0
    #: whether an id is put on record when its task is sent, so that it is told from one nobody knows
    is_sent_tracked: bool = False

    @classmethod
    def from_celery(cls, conf: Mapping[str, Any], environ: Mapping[str, str]) -> "Settings":
        """Build settings from Celery's configuration (any mapping with its lower-case names) and the environment.

        Raises:
            ConfigurationError: an unknown ``cellar_`` name, or a value of the wrong type or range.
        """
        own = _own_settings(conf, environ)
        store_timeout_s = own["cellar_store_timeout"]
        expires_s = seconds(conf.get("result_expires"), "result_expires")
        failure_expires = conf.get("result_failure_expires")
        return cls(
            codec=Codec(
                serializer=conf.get("result_serializer") or "json",
                compression=conf.get("result_compression") or None,
                accept=_accepted(conf),
                max_bytes=own["cellar_max_payload_bytes"],
            ),
            retention=Retention(
                expires_s=expires_s,
                failure_expires_s=expires_s
                if failure_expires is None
                else seconds(failure_expires, "result_failure_expires"),
            ),
            redis=_redis(conf, store_timeout_s),
            database=_database(conf, store_timeout_s),
            spool=SpoolSettings(
                retry_s=own["cellar_retry_timeout"],
                directory=own["cellar_spool_dir"] or default_spool_directory(environ),
                max_bytes=own["cellar_spool_max_bytes"],
            ),
            chords=ChordSettings(deadline_s=own["cellar_chord_deadline"], lease_s=own["cellar_chord_lease"]),
            look_interval_s=own["cellar_look_interval"],
            store_timeout_s=store_timeout_s,
            housekeeping_interval_s=own["cellar_housekeeping_interval"],
            is_sent_tracked=own["cellar_track_sent"],
        )

    def in_a_hurry(self, most_s: float) -> "Settings":
        """Return the same for a caller who has no more than ``most_s`` seconds for connecting, and for an answer."""
        return replace(
            self,
            redis=replace(self.redis, pool=PoolSettings(1, 0, most_s, None), most_s=most_s),
            database=replace(self.database, pool=PoolSettings(1, 0, most_s)),
            store_timeout_s=most_s,
            most_s=most_s,
        )


def default_spool_directory(environ: Mapping[str, str]) -> Path:
    """Return a directory of this user's that outlives a restart of the machine, as /tmp does not."""
    state = environ.get("XDG_STATE_HOME")
    return Path(state) / "rootcellar" if state else Path(f"/var/tmp/rootcellar-{os.getuid()}")  # noqa: S108


def _positive_float(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError("must be above 0")
    return number


def _positive_int(value: Any) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _float_or_zero(value: Any) -> float:
    return 0.0 if float(value) == 0 else _positive_float(value)


def _int_or_zero(value: Any) -> int:
    return 0 if int(value) == 0 else _positive_int(value)


def _duration_or_never(value: Any) -> float | None:
    if isinstance(value, str) and value.strip().lower() in ("", "none", "0"):
        return None
    return seconds(float(value) if isinstance(value, str) else value, "it")


def _flag(value: Any) -> bool:
    flags = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return flags[str(value).strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


class _Own(NamedTuple):
    default: Any
    read: Callable[[Any], Any]
    #: what to give, for an error
    takes: str = "Give a number"


#: name → default, how to read it
OWN: Mapping[str, _Own] = {
    "cellar_chord_deadline": _Own(
        30 * DAY_S, _duration_or_never, "Give seconds, a datetime.timedelta, or 0 to let a chord take for ever"
    ),
    "cellar_chord_lease": _Own(10.0, _positive_float),
    "cellar_housekeeping_interval": _Own(5.0, _positive_float),
    "cellar_look_interval": _Own(1.0, _positive_float),
    "cellar_max_payload_bytes": _Own(128 * 1024 * 1024, _positive_int),
    "cellar_retry_timeout": _Own(3.0, _float_or_zero),
    "cellar_spool_dir": _Own(None, Path, "Give a directory"),
    "cellar_spool_max_bytes": _Own(1024**3, _int_or_zero),
    "cellar_store_timeout": _Own(30.0, _positive_float),
    "cellar_track_sent": _Own(False, _flag, "Give True or False"),
}


def _own_settings(conf: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    keys = list(conf)  # before the prefix is asked for: Celery reads its configuration only now
    namespace = str(getattr(conf, "prefix", None) or "").lower()  # `CELERY_` in a Django settings module
    for key in keys:
        name = str(key).lower().removeprefix(namespace)
        if name.startswith("cellar_") and name not in OWN:
            raise ConfigurationError(
                f"{key!r} is no setting of rootcellar.{did_you_mean(name, OWN)} It has: {', '.join(sorted(OWN))}."
            )
    variables = [name.upper() for name in OWN]
    for variable in environ:
        near = did_you_mean(variable, variables) if variable.startswith("CELLAR_") else ""
        if near and variable not in variables:
            raise ConfigurationError(f"The environment variable {variable} is no setting of rootcellar.{near}")
    values = {}
    for name, (default, read, takes) in OWN.items():
        given, source = conf.get(name), name
        if given is None:
            given, source = environ.get(name.upper()), f"the environment variable {name.upper()}"
        try:
            values[name] = default if given is None else read(given)
        except (TypeError, ValueError, OverflowError, ConfigurationError) as exc:
            raise ConfigurationError(f"{source} is {given!r}: {exc}. {takes}; the default is {default}.") from None
    return values


def _accepted(conf: Mapping[str, Any]) -> frozenset[str]:
    accept = conf.get("result_accept_content")
    if accept is None:
        accept = conf.get("accept_content")
    if isinstance(accept, str):
        raise ConfigurationError(f"result_accept_content is the text {accept!r}. Give a list: [{accept!r}].")
    return frozenset(accept) if accept else frozenset({"json"})


def _redis(conf: Mapping[str, Any], store_timeout_s: float) -> RedisSettings:
    connection = {
        "host": conf.get("redis_host"),
        "port": conf.get("redis_port"),
        "db": conf.get("redis_db"),
        "username": conf.get("redis_username"),
        "password": conf.get("redis_password"),
        "socket_timeout": conf.get("redis_socket_timeout", 120.0),
        "socket_connect_timeout": conf.get("redis_socket_connect_timeout"),
        "socket_keepalive": conf.get("redis_socket_keepalive") or None,
        "socket_keepalive_options": conf.get("redis_socket_keepalive_options"),
        "health_check_interval": conf.get("redis_backend_health_check_interval"),
        "credential_provider": conf.get("redis_backend_credential_provider"),
        "client_name": conf.get("redis_client_name"),
    }
    transport = _mapping(conf, "result_backend_transport_options")
    prefix = transport.get("global_keyprefix") or ""
    if prefix and prefix[-1] not in ":_-.":
        prefix += "_"  # as Celery does, so that both read the same keys
    return RedisSettings(
        pool=PoolSettings(
            size=_whole("redis_max_connections", conf.get("redis_max_connections"), 16),
            overflow=0,
            timeout_s=store_timeout_s,
            recycle_s=None,
        ),
        connection={name: value for name, value in connection.items() if value is not None},
        use_ssl=_mapping(conf, "redis_backend_use_ssl") or None,
        retry_on_timeout=bool(conf.get("redis_retry_on_timeout")),
        key_prefix=prefix,
        is_chord_ordered=bool(transport.get("result_chord_ordered", True)),
    )


def _database(conf: Mapping[str, Any], store_timeout_s: float) -> DatabaseSettings:
    if conf.get("database_engine_callback"):
        raise ConfigurationError(
            "database_engine_callback is set, and takes an SQLAlchemy engine; rootcellar's stores have none. Remove "
            "it; connection options go into database_engine_options['connect_args'] or into the URL."
        )
    options = _mapping(conf, "database_engine_options")
    for name in options:
        near = "" if name in SQLALCHEMY_OPTIONS else did_you_mean(name, ENGINE_OPTIONS)
        if near and name not in ENGINE_OPTIONS:
            raise ConfigurationError(f"database_engine_options has no option {name!r}.{near}")
        if name not in ENGINE_OPTIONS:
            logger.warning("database_engine_options[%r] is SQLAlchemy's, which this store does not use: ignored", name)
    defaults = PoolSettings()
    recycle = _seconds("database_engine_options['pool_recycle']", options.get("pool_recycle", defaults.recycle_s))
    schemas, names = _mapping(conf, "database_table_schemas"), _mapping(conf, "database_table_names")
    return DatabaseSettings(
        pool=PoolSettings(
            size=_whole("database_engine_options['pool_size']", options.get("pool_size"), defaults.size),
            overflow=_whole("database_engine_options['max_overflow']", options.get("max_overflow"), defaults.overflow),
            timeout_s=_seconds("database_engine_options['pool_timeout']", options.get("pool_timeout"))
            or store_timeout_s,
            recycle_s=None if recycle is None or recycle < 0 else recycle,
        ),
        connect_args=_mapping(options, "connect_args"),
        create_tables=bool(conf.get("database_create_tables_at_setup", True)),
        schema=schemas.get("task"),
        group_schema=schemas.get("group", schemas.get("task")),
        record_table=names.get("task") or "cellar_record",
        group_table=names.get("group") or "cellar_group",
    )


def _whole(setting: str, value: Any, default: int) -> int:
    if value is None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{setting} is {value!r}. Give a whole number.") from None


def _seconds(setting: str, value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{setting} is {value!r}. Give a number of seconds.") from None


def _mapping(conf: Mapping[str, Any], setting: str) -> Mapping[str, Any]:
    value = conf.get(setting) or {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{setting} is a {type(value).__name__}. Give a mapping of options to values.")
    return value
