"""Images: which server a container image is, and what its command line and environment set."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rootcellar.specialist.profile import Place, Variable

Word = tuple[str, Place]

_KINDS: Mapping[str, str] = {
    "redis": "redis", "valkey": "redis", "keydb": "redis", "redis-stack": "redis", "redis-stack-server": "redis",
    "redis-sentinel": "sentinel", "valkey-sentinel": "sentinel",
    "postgres": "postgresql", "postgresql": "postgresql", "postgis": "postgresql", "timescaledb": "postgresql",
    "timescaledb-ha": "postgresql", "pgvector": "postgresql", "postgresql-repmgr": "postgresql",
    "mysql": "mysql", "mysql-server": "mysql", "mariadb": "mysql", "mariadb-galera": "mysql", "percona": "mysql",
    "percona-server": "mysql",
    "mongo": "mongodb", "mongodb": "mongodb", "mongodb-community-server": "mongodb",
    "percona-server-mongodb": "mongodb",
    "rabbitmq": "rabbitmq", "memcached": "memcached", "pgbouncer": "pgbouncer", "docker-pgbouncer": "pgbouncer",
}  # fmt: skip

#: Where the usual images of a kind keep their data; kinds that keep none on a disk are not here.
DATA_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "redis": ("/data", "/bitnami/redis/data", "/bitnami/valkey/data", "/var/lib/redis"),
    "postgresql": ("/var/lib/postgresql/data", "/bitnami/postgresql", "/home/postgres/pgdata/data"),
    "mysql": ("/var/lib/mysql", "/bitnami/mysql/data", "/bitnami/mariadb", "/bitnami/mysql"),
    "mongodb": ("/data/db", "/bitnami/mongodb"),
    "rabbitmq": ("/var/lib/rabbitmq", "/bitnami/rabbitmq/mnesia"),
}

#: Environment variables of images → (kind, option).
_VARIABLES: Mapping[str, tuple[str, str]] = {
    "REDIS_PASSWORD": ("redis", "requirepass"),
    "VALKEY_PASSWORD": ("redis", "requirepass"),
    "REDIS_AOF_ENABLED": ("redis", "appendonly"),
    "VALKEY_AOF_ENABLED": ("redis", "appendonly"),
    "REDIS_RDB_POLICY": ("redis", "save"),
    "POSTGRESQL_MAX_CONNECTIONS": ("postgresql", "max_connections"),
    "POSTGRES_MAX_CONNECTIONS": ("postgresql", "max_connections"),
}
_BOUNCER = frozenset(
    {"pool_mode", "max_client_conn", "default_pool_size", "auth_type", "max_db_connections", "server_reset_query",
     "max_prepared_statements", "ignore_startup_parameters"}
)  # fmt: skip
_FLAGS = re.compile(r"^(?:REDIS|VALKEY|POSTGRESQL|POSTGRES|MYSQL|MARIADB|MONGODB)_(?:EXTRA_FLAGS|ARGS|EXTRA_ARGS)$")
_PROGRAMS: Mapping[str, str] = {
    "redis-server": "redis", "valkey-server": "redis", "keydb-server": "redis", "redis-sentinel": "sentinel",
    "valkey-sentinel": "sentinel", "postgres": "postgresql", "mysqld": "mysql", "mariadbd": "mysql",
    "mongod": "mongodb", "mongos": "mongodb", "memcached": "memcached", "pgbouncer": "pgbouncer",
    "rabbitmq-server": "rabbitmq",
}  # fmt: skip
_POSTGRES_SHORT: Mapping[str, str] = {
    "-N": "max_connections",
    "-B": "shared_buffers",
    "-p": "port",
    "-D": "data_directory",
}


@dataclass
class Options:
    """A server's options, and where each is set."""

    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def put(self, name: str, value: str, place: Place) -> None:
        """Set one; the last wins."""
        self.values[name.lower()] = value
        self.places[name.lower()] = place


def kind_of(image: str) -> str:
    """Return the kind of server an image is; empty if it is none of those known.

    >>> kind_of("redis:7.2-alpine"), kind_of("docker.io/bitnami/postgresql@sha256:a"), kind_of("oliver/redis_exporter")
    ('redis', 'postgresql', '')
    """
    return _KINDS.get(image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower(), "")


def version_of(image: str) -> str:
    """Return the version in an image's tag; empty if it says none.

    >>> version_of("rabbitmq:4.3-management"), version_of("registry:5000/redis:latest"), version_of("mysql")
    ('4.3', '', '')
    """
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = re.match(r"^(?:v|pg|RELEASE\.)?(\d+(?:\.\d+)*)", tag)
    return match[1] if match is not None else ""


def kind_by_command(kind: str, words: Iterable[str]) -> str:
    """Return the kind, corrected by what the command starts: Redis's image also runs Sentinel."""
    names = [word.rpartition("/")[2] for word in words]
    if kind in ("redis", "sentinel", "") and ("redis-sentinel" in names or "--sentinel" in names):
        return "sentinel"
    return kind or next((_PROGRAMS[name] for name in names[:3] if name in _PROGRAMS), "")


def options_of(kind: str, words: Sequence[Word], environment: Iterable[Variable]) -> Options:
    """Return what a container's command line and environment set, by the option's own name."""
    options = Options()
    for variable in environment:
        _from_variable(kind, variable, options)
    read_arguments(kind, words, options)
    return options


def _from_variable(kind: str, variable: Variable, options: Options) -> None:
    name, value, place = variable.name, variable.value, variable.place
    if _FLAGS.match(name):
        read_arguments(kind, [(word, place) for word in value.split()], options)
    elif name in _VARIABLES and _VARIABLES[name][0] == kind:
        option = _VARIABLES[name][1]
        options.put(option, {"true": "yes", "false": "no"}.get(value.lower(), value), place)
    elif kind == "pgbouncer":
        option = name.lower().removeprefix("pgbouncer_")
        if option in _BOUNCER:
            options.put(option, value, place)


def read_arguments(kind: str, words: Sequence[Word], options: Options) -> None:
    """Read a server's command line into ``options``; of a script, the command that starts the server."""
    words = _command(words)
    if kind in ("redis", "sentinel"):
        _redis(words, options)
    else:
        _others(kind, words, options)


def _command(words: Sequence[Word]) -> Sequence[Word]:
    commands: list[list[Word]] = [[]]
    for word in words:
        if word[0] in ("&&", "||", ";", "|", "&", "(", ")"):
            commands.append([])
        else:
            commands[-1].append(word)
    starting = (one for one in commands if any(word.rpartition("/")[2] in _PROGRAMS for word, _ in one))
    return next(starting, commands[0])


def _redis(words: Sequence[Word], options: Options) -> None:
    """Read ``--save 60 1 --save 300 10 --appendonly yes``: an option takes all up to the next one."""
    name = ""
    values: list[str] = []
    begun: Place | None = None
    saved: list[str] = []
    for word, place in [*words, ("--", Place(""))]:
        if not word.startswith("--"):
            values.append(word)
            continue
        if name and begun is not None:
            value = " ".join(values)
            if name == "save":
                saved.append(value)
                value = " ".join(filter(None, saved))
            options.put(name, value, begun)
        # `--save=` is no form of Redis's own, and is what people write.
        name, equals, first = word[2:].partition("=")
        values, begun = ([first] if equals else []), place


def _others(kind: str, words: Sequence[Word], options: Options) -> None:
    at = 0
    while at < len(words):
        word, place = words[at]
        following = words[at + 1][0] if at + 1 < len(words) else ""
        at += 1
        if kind == "postgresql" and word.startswith("-c") and not word.startswith("--"):
            setting = word[2:] or following
            at += 0 if word[2:] else 1
            name, _, value = setting.partition("=")
            options.put(name.strip(), value.strip().strip("'"), place)
        elif kind == "postgresql" and word in _POSTGRES_SHORT:
            options.put(_POSTGRES_SHORT[word], following, place)
            at += 1
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and following and not following.startswith("-"):
                value = following
                at += 1
            # MySQL and PostgreSQL take - for _ on the command line, and have _ in their files.
            options.put(name.replace("-", "_") if kind in ("mysql", "postgresql") else name, value, place)
        elif kind == "memcached" and re.match(r"^-[a-zA-Z]$", word) and not following.startswith("-"):
            options.put(word[1:], following, place)
            at += 1


def keeps_data(kind: str, mounted: Iterable[str], options: Options, environment: Iterable[Variable]) -> bool | None:
    """Whether one of the mounted paths is where the server keeps its data; ``None`` for one that keeps none."""
    if kind not in DATA_FOLDERS:
        return None
    folders = list(DATA_FOLDERS[kind])
    folders.extend(
        options.values[name] for name in ("dir", "data_directory", "datadir", "dbpath") if name in options.values
    )
    folders.extend(one.value for one in environment if one.name in ("PGDATA", "POSTGRESQL_DATA_DIR"))
    targets = [target.rstrip("/") or "/" for target in mounted]
    return any(_covers(target, folder.rstrip("/")) for target in targets for folder in folders if folder)


def _covers(target: str, folder: str) -> bool:
    if target == folder or folder.startswith(target.rstrip("/") + "/"):
        return target not in ("/", "/var", "/var/lib", "/home")
    # A folder inside it (PostgreSQL's pgdata), not a single file.
    return target.startswith(folder + "/") and "." not in target.rpartition("/")[2]
