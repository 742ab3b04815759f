"""Asking a SQL database, through SQLAlchemy, as Celery's backend would: limits, isolation, and the results' table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.profile.address import address_of
from rootcellar.stores import statements

if TYPE_CHECKING:
    from rootcellar.specialist.probing import Question

#: Celery's table, and django-celery-results'.
_TABLE = "celery_taskmeta"


def ask_database(question: "Question") -> dict[str, Any]:
    """Return the server's facts and those of the results' table.

    Keys: ``version``, ``driver``; ``max_connections``, ``connections``, ``isolation`` and ``idle_timeout_s`` where the
    server has such things; ``table`` (its name, or ``None`` where there is none), ``columns`` and ``indexed`` (columns
    that an index begins with), ``rows`` (an estimate on PostgreSQL and MySQL), ``unfinished`` (rows without
    ``date_done``) and ``oldest_done`` (ISO 8601).

    Raises:
        ImportError: SQLAlchemy or the driver is missing.
        FileNotFoundError: the SQLite file is not there; it is not made.
    """
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    url = question.url.removeprefix("cellar+").removeprefix("db+")
    kind = sqlalchemy.make_url(url).get_backend_name().replace("mariadb", "mysql")
    if kind == "sqlite":
        _refuse_missing(address_of(url).path)
    options = dict(question.settings.get("database_engine_options") or {})
    arguments = {**_time_out(kind, question.timeout_s), **options.get("connect_args", {})}
    kept = {name: options[name] for name in ("isolation_level",) if name in options}
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=arguments, **kept)
    try:
        with engine.connect() as connection:
            version = getattr(connection.dialect, "server_version_info", None) or getattr(
                connection.dialect.dbapi, "sqlite_version_info", ()
            )
            facts: dict[str, Any] = {
                "version": ".".join(map(str, version or ())),
                "driver": str(connection.dialect.driver),
            }
            for name, sql in statements.load(f"{kind}.sql", __package__).items():
                if name.startswith("server_"):
                    facts[name.removeprefix("server_")] = connection.execute(sqlalchemy.text(sql)).scalar()
            facts["isolation"] = str(connection.get_isolation_level())
            return {**facts, **_table(connection, question, kind)}
    finally:
        engine.dispose()


def _table(connection: Any, question: "Question", kind: str) -> dict[str, Any]:
    import sqlalchemy

    names = question.settings.get("database_table_names") or {}
    schemas = question.settings.get("database_table_schemas") or {}
    table, schema = names.get("task") or _TABLE, schemas.get("task")
    inspector = sqlalchemy.inspect(connection)
    if not inspector.has_table(table, schema=schema):
        return {"table": None}
    indexed = {
        index["column_names"][0] for index in inspector.get_indexes(table, schema=schema) if index["column_names"]
    }
    indexed |= {one["column_names"][0] for one in inspector.get_unique_constraints(table, schema=schema)}
    columns = [column["name"] for column in inspector.get_columns(table, schema=schema)]
    facts: dict[str, Any] = {
        "table": table,
        "columns": sorted(columns),
        "indexed": sorted(name for name in indexed if name),
    }
    rows = sqlalchemy.table(table, sqlalchemy.column("date_done"), schema=schema)
    estimate = statements.load(f"{kind}.sql", __package__).get("table_rows")
    count = sqlalchemy.text(estimate).bindparams(table=table, schema=schema) if estimate else None
    facts["rows"] = connection.execute(
        count if count is not None else sqlalchemy.select(sqlalchemy.func.count()).select_from(rows)
    ).scalar()
    if "date_done" in columns and facts["rows"] is not None and facts["rows"] < 1_000_000:
        facts["unfinished"] = connection.execute(
            sqlalchemy.select(sqlalchemy.func.count()).select_from(rows).where(rows.c.date_done.is_(None))
        ).scalar()
        oldest = connection.execute(sqlalchemy.select(sqlalchemy.func.min(rows.c.date_done))).scalar()
        facts["oldest_done"] = str(oldest) if oldest is not None else None
    return facts


def _time_out(kind: str, seconds: float) -> dict[str, Any]:
    whole = max(1, round(seconds))
    return {"postgresql": {"connect_timeout": whole}, "mysql": {"connect_timeout": whole}}.get(kind, {})


def _refuse_missing(path: str) -> None:
    if path and path != ":memory:" and not Path(path).exists():
        raise FileNotFoundError(f"{path}: there is no such SQLite file")
