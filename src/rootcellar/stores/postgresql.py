"""PostgreSQL: tables of our own, psycopg 3, waiters told through LISTEN."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo, errors, sql

from rootcellar import schema
from rootcellar.errors import (
    AccessDenied,
    ConfigurationError,
    RootcellarError,
    SchemaError,
    StoreBusy,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
)
from rootcellar.record import Record
from rootcellar.settings import Settings
from rootcellar.stores import statements
from rootcellar.stores.base import BATCH, Capabilities, Facts, Stats, Store, Watcher, batches
from rootcellar.stores.pool import Pool
from rootcellar.stores.postgresql_ledger import PostgreSQLLedger
from rootcellar.stores.postgresql_session import ConnectionLost, Session, StatementTimeout, text_array
from rootcellar.stores.postgresql_watcher import STALE_S, STATEMENT_TIMEOUT_S, PostgreSQLWatcher
from rootcellar.urls import StoreURL, said

T = TypeVar("T")

#: What the server says of a login it does not let in: libpq gives no SQLSTATE for it.
_LOGIN_REFUSED = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")

#: What it says where it takes no client for now; no SQLSTATE either, and other words in other languages.
_CONNECTION_REFUSED = (
    "the database system is",
    "too many clients",
    "too many connections",
    "remaining connection slots",
)

#: SQLSTATEs for "not now": shutting down, crashed, starting; serialization failure, deadlock; disk full, out of memory,
#: too many connections; a lock or a statement that the server's own time-outs ended
#: (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_BUSY_STATES = ("57P01", "57P02", "57P03", "40001", "40P01", "53", "55P03", "57014")

#: libpq's own connect time-out, unless the URL or ``connect_args`` say otherwise; libpq's default is for ever.
CONNECT_TIMEOUT_S = 10


class PostgreSQLStore(Store):
    """Records in PostgreSQL. The URL and its options are libpq's (``?sslmode=verify-full&sslrootcert=…``)."""

    capabilities = Capabilities(expires_itself=False, shared_between_hosts=True)

    chords: PostgreSQLLedger

    def __init__(self, url: StoreURL, settings: Settings) -> None:
        self.url = url
        self._settings = settings.database
        self._timeout_s = settings.store_timeout_s
        self._most_s = settings.most_s
        self._conninfo = _conninfo(url, self._settings.connect_args)
        self._tables = {
            "record": self._settings.record_table,
            "groups": self._settings.group_table,
            "waiter": self._settings.waiter_table,
            "chord": self._settings.chord_table,
            "part": self._settings.part_table,
            "version": self._settings.version_table,
        }
        self._sql = {name: self._named(text) for name, text in statements.load("postgresql.sql").items()}
        self._prepared = False
        self._left_behind: list[str] = []
        self._pool: Pool[Session] = Pool(
            self._connect, self._settings.pool, lost=(ConnectionLost,), answered=(_Answered,), name=str(url)
        )
        self.chords = PostgreSQLLedger(partial(self._run, _query), self._named)

    # -- the verbs ------------------------------------------------------------------------------------------------

    def put(self, record: Record) -> bool:
        return bool(self._query("put", record))

    def put_many(self, records: Iterable[Record]) -> int:
        return sum(self._run(self._put_many, batch) for batch in batches(records))

    def _put_many(self, session: Session, records: list[Record]) -> int:
        try:
            with session.connection.transaction(), psycopg.RawCursor(session.connection) as cursor:
                cursor.executemany(self._sql["put"], records)
                return cursor.rowcount
        except psycopg.OperationalError as exc:
            raise ConnectionLost(str(exc), exc.sqlstate) from exc

    def get(self, record_id: str) -> Record | None:
        rows = self._query("get", (record_id,))
        return Record._make(rows[0]) if rows else None

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for batch in batches(ids):
            rows = self._query("get_many", (text_array(batch),))
            found.update((row[0], Record._make(row)) for row in rows)
        return found

    def states(self, ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for batch in batches(ids):
            found.update(self._query("states", (text_array(batch),)))
        return found

    def delete(self, ids: Sequence[str]) -> int:
        return sum(self._query("delete", (text_array(batch),))[0][0] for batch in batches(ids))

    def scan(self, after: str | None = None, batch: int = BATCH) -> Iterator[list[Record]]:
        last = after or ""
        while rows := self._query("scan", (last, batch)):
            yield [Record._make(row) for row in rows]
            last = rows[-1][0]

    def purge(self, batch: int = BATCH) -> Iterator[int]:
        self._query("purge_waiters", (STALE_S,))
        for statement in ("purge", "purge_groups"):
            while deleted := self._query(statement, (batch,))[0][0]:
                yield deleted
        while deleted := self.chords.purge(batch):
            yield deleted

    def stats(self) -> Stats:
        by_state = dict(self._query("stats"))
        ((size,),) = self._query("size", (self._text_names("record", "groups", "chord", "part"),))
        return Stats(records=sum(by_state.values()), bytes=size, by_state=by_state)

    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        self._query("group_put", (group_id, payload, expires_at))

    def group_get(self, group_id: str) -> bytes | None:
        rows = self._query("group_get", (group_id,))
        return rows[0][0] if rows else None

    def group_delete(self, group_id: str) -> None:
        self._query("group_delete", (group_id,))

    def watcher(self) -> Watcher:
        with self.mapped():
            session = self._connect(STATEMENT_TIMEOUT_S)
            try:
                return PostgreSQLWatcher(session, self._sql, self._left_behind, self.mapped)
            except BaseException:
                session.close()
                raise

    def check(self) -> Facts:
        ((version, fsync, commit, most, recovery, tls),) = self._query("server")
        details = {
            "fsync": fsync,
            "synchronous_commit": commit,
            "max_connections": most,
            "TLS": {"true": "yes", "false": "no"}.get(tls, tls),
            "schema version": str(self.schema_version() or "none"),
        }
        warnings = []
        if fsync == "off":
            warnings.append("fsync is off: a crash of the server's machine may lose or damage every result.")
        if recovery == "true":
            warnings.append("This is a standby: nothing can be stored here. Name the primary in the URL.")
        allowed = self._query("privileges", (self._text_names("record", "groups", "waiter", "chord", "part"),))
        if not allowed[0][0]:
            warnings.append("The login lacks SELECT, INSERT, UPDATE or DELETE on rootcellar's tables: GRANT them.")
        return Facts("PostgreSQL", version, details, warnings)

    def close(self) -> None:
        self._pool.close()

    # -- the schema -----------------------------------------------------------------------------------------------

    def schema_version(self) -> int | None:
        """Return the version of the tables in the database, or ``None`` where there are none."""
        with self.mapped(), self._open() as connection:
            return self._version(connection)

    def _version(self, connection: "psycopg.Connection[Any]") -> int | None:
        with psycopg.RawCursor(connection) as cursor:
            cursor.execute(self._sql["version_exists"], (self._text_name("version"),))
            if not cursor.fetchone()[0]:  # type: ignore[index]  # a SELECT without FROM has a row
                return None
            cursor.execute(self._sql["version"])
            version: int | None = cursor.fetchone()[0]  # type: ignore[index]  # an aggregate has a row
            return version

    def schema_upgrade(self) -> list[schema.Migration]:
        """Apply the migrations the database lacks, in one transaction; return them."""
        with self.mapped(), self._open() as connection:
            return self._upgrade(connection)

    def _upgrade(self, connection: "psycopg.Connection[Any]") -> list[schema.Migration]:
        with connection.transaction(), psycopg.RawCursor(connection) as cursor:
            cursor.execute(self._sql["upgrade_lock"], (self._text_name("version"),))
            # First: it makes the session's view of the catalogue current, which to_regclass() would not.
            cursor.execute(self._sql["version_create"])
            have = self._version(connection) or 0
            missing = [step for step in schema.migrations("postgresql") if step.version > have]
            for step in missing:
                cursor.execute(self.schema_sql(step))
                cursor.execute(self._sql["version_put"], (step.version, step.name))
        return missing

    def schema_sql(self, migration: schema.Migration) -> str:
        """Return a migration's SQL with this store's table names put in."""
        return self._named(migration.sql)

    # -- connections ----------------------------------------------------------------------------------------------

    def _query(self, name: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return self._run(_query, self._sql[name], parameters)

    def _run(self, operation: Callable[..., T], *args: Any) -> T:
        try:
            return self._pool.run(operation, *args)
        except _Answered as exc:
            raise self._error(exc.error) from exc.error
        except psycopg.Error as exc:
            raise self._error(exc) from exc

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Turn psycopg's errors into ours."""
        try:
            yield
        except psycopg.Error as exc:
            raise self._error(exc) from exc

    def _open(self) -> "psycopg.Connection[Any]":
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "rootcellar"}
        given = conninfo.conninfo_to_dict(self._conninfo)
        arguments = {name: value for name, value in arguments.items() if name not in given}
        if self._most_s is not None:
            arguments["connect_timeout"] = math.ceil(self._most_s)
        return psycopg.connect(self._conninfo, autocommit=True, **arguments)  # type: ignore[arg-type]  # libpq's own

    def _connect(self, timeout_s: float | None = None) -> Session:
        connection = self._open()
        try:
            if not self._prepared:  # two threads may both look; the upgrade itself is serialised by the server
                self._prepare(connection)
                self._prepared = True
        except BaseException:
            connection.close()
            raise
        return Session(connection, timeout_s or self._timeout_s)

    def _prepare(self, connection: "psycopg.Connection[Any]") -> None:
        version, latest = self._version(connection), schema.latest("postgresql")
        if version == latest:
            return
        if version is not None and version > latest:
            raise SchemaError(
                f"The tables behind {self.url} are of version {version}; this rootcellar knows {latest}. Upgrade "
                "rootcellar in this process."
            )
        if version is not None or not self._settings.create_tables:
            state = f"of version {version}" if version else "missing, and database_create_tables_at_setup is off"
            raise SchemaError(
                f"The tables behind {self.url} are {state}; this rootcellar needs version {latest}. Make them with: "
                "rootcellar schema upgrade -A your_app"
            )
        self._upgrade(connection)

    # -- names and errors -----------------------------------------------------------------------------------------

    def _identifier(self, table: str) -> sql.Identifier:
        name = self._tables[table]
        schema_name = self._settings.group_schema if table == "groups" else self._settings.schema
        return sql.Identifier(schema_name, name) if schema_name else sql.Identifier(name)

    def _text_name(self, table: str) -> str:
        return self._identifier(table).as_string()

    def _text_names(self, *tables: str) -> str:
        return text_array([self._text_name(table) for table in tables])

    def _named(self, text: str) -> str:
        names = {table: self._identifier(table) for table in self._tables}
        return sql.SQL(text).format(**names).as_string()

    def _error(self, exc: psycopg.Error) -> RootcellarError:
        reason = said(exc, self.url, self._settings.connect_args.get("password"))
        if isinstance(exc, (errors.UndefinedTable, errors.UndefinedColumn)):
            self._prepared = False
            self._pool.close()  # so that the next operation looks for the tables, and may make them
            return SchemaError(f"{self.url}: {reason}. Make the tables with: rootcellar schema upgrade -A your_app")
        if isinstance(exc, errors.DuplicateTable):
            return SchemaError(
                f"{self.url}: {reason}, and it is not rootcellar's. Choose other names in database_table_names, or a "
                "schema of its own in database_table_schemas."
            )
        if isinstance(exc, errors.InvalidSchemaName):
            return SchemaError(
                f"{self.url}: {reason}. Create the schema that database_table_schemas['task'] names, or leave the "
                "setting out to use the login's search_path."
            )
        if "read-only transaction" in reason:
            return StoreUnavailable(f"{self.url} is a standby, or read-only: {reason}. Name the primary.")
        if isinstance(exc, errors.InsufficientPrivilege):
            return AccessDenied(
                f"{self.url}: {reason}. The login needs SELECT, INSERT, UPDATE and DELETE on rootcellar's tables; to "
                "make them it needs CREATE on the schema (or have an administrator run `rootcellar schema sql`)."
            )
        if isinstance(exc, StatementTimeout):
            return StoreTimeout(
                f"{self.url}: {reason}. The server hangs or is overloaded; cellar_store_timeout is how long we wait."
            )
        is_login = isinstance(exc, psycopg.OperationalError) and any(text in reason for text in _LOGIN_REFUSED)
        if is_login:
            return AccessDenied(
                f"{self.url} refused the login: {reason}. Check user, password and database in result_backend."
            )
        is_refused = isinstance(exc, psycopg.OperationalError) and any(text in reason for text in _CONNECTION_REFUSED)
        if is_refused or (exc.sqlstate or "").startswith(_BUSY_STATES):
            return StoreBusy(f"{self.url} cannot do this now: {reason}. See the server's log.")
        if isinstance(exc, (psycopg.OperationalError, psycopg.InterfaceError)):
            return StoreUnavailable(
                f"{self.url} cannot be reached: {reason}. Check host and port in result_backend, and that the server "
                "is up."
            )
        return StoreError(f"{self.url}: {reason}.")


class _Answered(Exception):  # not an error of its own: a label for one
    """The server answered with an error; the connection is in step."""

    def __init__(self, error: psycopg.Error) -> None:
        self.error = error


def _query(session: Session, statement: str, parameters: Sequence[Any]) -> list[Any]:
    try:
        return session.run(statement, parameters)
    except (ConnectionLost, StatementTimeout):
        raise
    except psycopg.Error as exc:
        raise _Answered(exc) from exc


def _conninfo(url: StoreURL, connect_args: Mapping[str, Any]) -> str:
    try:
        return conninfo.make_conninfo(url.raw, **connect_args)
    except psycopg.ProgrammingError as exc:
        reason = said(exc, url)
        if "option" not in reason and "query parameter" not in reason:
            reason = reason.partition('"')[0].rstrip()  # what follows quotes the URL, and with it the password
        raise ConfigurationError(
            f"result_backend {url}, or database_engine_options['connect_args'], cannot be read: {reason}. "
            "Percent-encode user name and password (urllib.parse.quote), and check the options' names."
        ) from None
