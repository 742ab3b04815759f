"""Performance, where servers and processes are concerned: pools, limits, tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from rootcellar.specialist.profile import App, Process, Server
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

_SHARING_POOLS = ("threads", "gevent", "eventlet")
#: SQLAlchemy's defaults (https://docs.sqlalchemy.org/en/20/core/pooling.html)
_POOL_SIZE, _MAX_OVERFLOW = 5, 10
#: Servers' defaults, where the project says nothing: PostgreSQL's and MySQL's documentation.
_MOST_CONNECTIONS = {"postgresql": 100, "mysql": 151}
#: Rows above which a missing index is felt.
_MANY_ROWS = 10_000


@app_rule("RC402")
def pool_smaller_than_concurrency(app: App, project: Project) -> Iterator[Finding]:
    """More tasks at a time than connections for their results."""
    concurrency = max((_shared_by(process, app) for process in project.workers(app)), default=_shared_by(None, app))
    name, size = _pool(app, project)
    if name and size is not None and concurrency > size:
        yield found(
            app.where(name), f"{concurrency} tasks at a time in one worker process share {size} connections ({name})."
        )


def _shared_by(process: Process | None, app: App) -> int:
    """Return how many tasks of one operating-system process may store at once; 0 where that is one, or unknown."""
    pool = (process.pool if process else "") or app.known("worker_pool", "prefork")
    concurrency = (process.concurrency if process else None) or app.known("worker_concurrency")
    return concurrency if pool in _SHARING_POOLS and isinstance(concurrency, int) else 0


def _pool(app: App, project: Project) -> tuple[str, int | None]:
    """Return the setting that limits a process's connections to the store, and the limit, where it is set."""
    engine = project.engine(app).name
    if engine in ("redis", "sentinel", "cellar-redis"):
        size = app.known("redis_max_connections")
        return "redis_max_connections", size if isinstance(size, int) else None
    if engine in ("database", "cellar-postgresql"):
        options = app.known("database_engine_options", {})
        if isinstance(options, dict) and ("pool_size" in options or "max_overflow" in options):
            size, more = options.get("pool_size", _POOL_SIZE), options.get("max_overflow", _MAX_OVERFLOW)
            return "database_engine_options", size + more if isinstance(size, int) and isinstance(more, int) else None
    return "", None


@app_rule("RC403")
def too_many_connections(app: App, project: Project) -> Iterator[Finding]:
    """Processes times pool is more than the server takes."""
    address = project.backend(app)
    kind = "postgresql" if "postgres" in address.scheme else "mysql" if "mysql" in address.scheme else ""
    name, size = _pool(app, project)
    workers = project.workers(app)
    processes = sum(_processes(worker, app) * worker.replicas for worker in workers)
    if not kind or not size or not processes:
        return
    limit, said_by = _limit(app, project, kind)
    if processes * size > limit:
        yield found(
            app.where(name),
            f"{processes} worker processes with up to {size} connections each may open {processes * size}; "
            f"the server takes {limit} ({said_by}).",
        )


def _processes(worker: Process, app: App) -> int:
    if (worker.pool or app.known("worker_pool", "prefork")) in (*_SHARING_POOLS, "solo"):
        return 1
    concurrency = worker.concurrency or app.known("worker_concurrency")
    return concurrency if isinstance(concurrency, int) else 0


def _limit(app: App, project: Project, kind: str) -> tuple[int, str]:
    probe = project.probe(app)
    if probe and isinstance(probe.facts.get("max_connections"), int):
        return probe.facts["max_connections"], "it says so itself"
    for server in project.server_of(project.backend(app), kind):
        said = server.options.get("max_connections", "")
        if said.isdigit():
            return int(said), f"max_connections, {server.option_places.get('max_connections', server.place)}"
    return _MOST_CONNECTIONS[kind], "its default"


@app_rule("RC412")
def missing_index(app: App, project: Project) -> Iterator[Finding]:
    """A results table that is searched without an index."""
    probe = project.probe(app)
    facts: Mapping[str, Any] = probe.facts if probe else {}
    rows = facts.get("rows") or 0
    if "indexed" not in facts or rows < _MANY_ROWS:
        return
    lacking = [column for column in ("task_id", "date_done") if column not in facts["indexed"]]
    if lacking:
        yield found(
            app.where("result_backend"),
            f"No index of {facts['table']} begins with {' or '.join(lacking)}.",
            evidence=f"The table has about {rows:,} rows.",
        )


@app_rule("RC413")
def pgbouncer_prepared(app: App, project: Project) -> Iterator[Finding]:
    """Prepared statements through a pooler that changes the session at every transaction."""
    address = project.backend(app)
    if "psycopg" not in address.scheme or "psycopg2" in address.scheme:
        return
    poolers = [one for one in project.profile.servers if one.kind == "pgbouncer"]
    is_pooler = (
        address.port == "6432" or "pgbouncer" in address.host or any(one.name == address.host for one in poolers)
    )
    modes = {_mode(one) for one in poolers}
    if not is_pooler or (modes and "transaction" not in modes and "statement" not in modes):
        return
    options = app.known("database_engine_options", {})
    if app.is_unknown("database_engine_options") or not isinstance(options, dict):
        return
    arguments = options.get("connect_args", {})
    if not isinstance(arguments, dict) or "prepare_threshold" in arguments:
        return
    yield found(
        app.where("result_backend"),
        "Results go through PgBouncer, and psycopg 3 prepares statements that the next transaction's session lacks.",
        related=tuple(one.place for one in poolers),
    )


def _mode(pooler: Server) -> str:
    environment = {one.name: one.value for one in pooler.environment}
    return pooler.options.get("pool_mode") or environment.get("POOL_MODE") or environment.get("PGBOUNCER_POOL_MODE", "")


@app_rule("RC415")
def sqlite_many_writers(app: App, project: Project) -> Iterator[Finding]:
    """One file, one writer at a time."""
    if not project.backend(app).scheme.startswith("db+sqlite"):
        return
    workers = project.workers(app)
    writers = sum((worker.concurrency or 1) * worker.replicas for worker in workers)
    said = app.known("worker_concurrency")
    if isinstance(said, int) and not any(worker.concurrency for worker in workers):
        writers = max(writers, said * max(1, len(workers)))
    if writers > 1:
        yield found(
            app.where("result_backend"),
            f"{writers} worker processes write to one SQLite file, which takes one writer at a time.",
        )
