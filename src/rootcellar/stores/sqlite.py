"""SQLite: the embedded default. WAL, several processes at once, nothing to install."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rootcellar import schema
from rootcellar.errors import (
    AccessDenied,
    ConfigurationError,
    RootcellarError,
    SchemaError,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    did_you_mean,
)
from rootcellar.record import Record
from rootcellar.settings import PoolSettings, Settings
from rootcellar.stores import statements
from rootcellar.stores.base import BATCH, Capabilities, Facts, Stats, Store, Watcher, batches
from rootcellar.stores.pool import Pool
from rootcellar.stores.sqlite_ledger import SQLiteLedger
from rootcellar.stores.sqlite_watcher import SQLiteWatcher
from rootcellar.urls import PREFIX, StoreURL

T = TypeVar("T")

#: How long a writer waits for another process's transaction before an error.
BUSY_TIMEOUT_S = 30.0
_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


class _Connection:
    """One open database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.opened_at = time.monotonic()

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.db.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self.db.execute(sql, parameters)


class SQLiteStore(Store):
    """Records in a SQLite file.

    ``?synchronous=NORMAL`` in the URL trades the last moments before a power cut for about three times the speed of
    storing; the default, FULL, keeps every record once it is stored.
    """

    capabilities = Capabilities(expires_itself=False, shared_between_hosts=False)

    chords: SQLiteLedger

    def __init__(self, url: StoreURL, settings: Settings) -> None:
        self.url = url
        self.path = _path_of(url)
        self._settings = settings.database
        self._synchronous = _synchronous_of(url)
        self._most_s = settings.most_s
        self._names = {
            "record": _quote(self._settings.record_table),
            "record_expires": _quote(self._settings.record_table + "_expires"),
            "groups": _quote(self._settings.group_table),
            "chord": _quote(self._settings.chord_table),
            "chord_due": _quote(self._settings.chord_table + "_due"),
            "chord_expires": _quote(self._settings.chord_table + "_expires"),
            "part": _quote(self._settings.part_table),
            "version": _quote(self._settings.version_table),
        }
        self._sql = {name: self._named(text) for name, text in statements.load("sqlite.sql").items()}
        self._prepared = False
        self._pool = self._new_pool(self._settings.pool)
        self.chords = SQLiteLedger(self._run, self._named, self._put)

    def _new_pool(self, settings: PoolSettings) -> "Pool[_Connection]":
        return Pool(
            self._connect,
            settings,
            lost=(),
            answered=(sqlite3.Error,),
            name=str(self.url),
            # SQLite keeps the state of its file locks in the process's memory. A child that inherits it believes that
            # it holds the parent's locks, and writes to a file that is deleted under it
            # (https://sqlite.org/howtocorrupt.html, "Carrying an open database connection across a fork()").
            close_before_fork=True,
        )

    # -- the verbs ------------------------------------------------------------------------------------------------

    def put(self, record: Record) -> bool:
        stored: bool = self._run(self._put, record)
        return stored

    def _put(self, connection: _Connection, record: Record) -> bool:
        return connection.execute(self._sql["put"], (*record, time.time())).rowcount > 0

    def put_many(self, records: Iterable[Record]) -> int:
        return sum(self._run(self._put_many, batch) for batch in batches(records))

    def _put_many(self, connection: _Connection, records: list[Record]) -> int:
        changed = 0
        connection.execute("BEGIN IMMEDIATE")
        with connection.db:
            for record in records:
                changed += self._put(connection, record)
        return changed

    def get(self, record_id: str) -> Record | None:
        rows = self._run(_fetch, self._sql["get"], (record_id, time.time()))
        return Record._make(rows[0]) if rows else None

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for batch in batches(ids):
            rows = self._run(_fetch, self._sql["get_many"], (json.dumps(batch), time.time()))
            found.update((row[0], Record._make(row)) for row in rows)
        return found

    def states(self, ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for batch in batches(ids):
            found.update(self._run(_fetch, self._sql["states"], (json.dumps(batch), time.time())))
        return found

    def delete(self, ids: Sequence[str]) -> int:
        return sum(
            self._run(_Connection.execute, self._sql["delete"], (json.dumps(batch),)).rowcount for batch in batches(ids)
        )

    def scan(self, after: str | None = None, batch: int = BATCH) -> Iterator[list[Record]]:
        last = after or ""
        while rows := self._run(_fetch, self._sql["scan"], (last, time.time(), batch)):
            yield [Record._make(row) for row in rows]
            last = rows[-1][0]

    def purge(self, batch: int = BATCH) -> Iterator[int]:
        for statement in ("purge", "purge_groups"):
            while deleted := self._run(_Connection.execute, self._sql[statement], (time.time(), batch)).rowcount:
                yield deleted
        while deleted := self.chords.purge(batch):
            yield deleted

    def stats(self) -> Stats:
        by_state = dict(self._run(_fetch, self._sql["stats"]))
        ((size,),) = self._run(_fetch, self._sql["size"])
        return Stats(records=sum(by_state.values()), bytes=size, by_state=by_state)

    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        self._run(_Connection.execute, self._sql["group_put"], (group_id, payload, expires_at))

    def group_get(self, group_id: str) -> bytes | None:
        rows = self._run(_fetch, self._sql["group_get"], (group_id, time.time()))
        return rows[0][0] if rows else None

    def group_delete(self, group_id: str) -> None:
        self._run(_Connection.execute, self._sql["group_delete"], (group_id,))

    def watcher(self) -> Watcher:
        # A pool of one: its connection, too, must not be open while the process forks.
        pool = self._new_pool(PoolSettings(size=1, overflow=0, recycle_s=None))
        return SQLiteWatcher(partial(self._run_on, pool, _fetch), pool.close, self._sql, self._settings.record_table)

    def check(self) -> Facts:
        details, warnings = {}, []
        for pragma in ("journal_mode", "synchronous"):
            ((value,),) = self._run(_fetch, f"PRAGMA {pragma}")
            details[pragma] = _SYNCHRONOUS[value] if pragma == "synchronous" else str(value)
        if details["journal_mode"] != "wal":
            warnings.append(
                f"The file could not be put into WAL mode (it is in {details['journal_mode']!r}); a network file "
                "system cannot. Readers and writers then block one another: keep it on a local disk."
            )
        if details["synchronous"] == "OFF":
            warnings.append("synchronous=OFF: a power cut may damage the file. Use NORMAL or FULL.")
        details["schema version"] = str(self.schema_version() or "none")
        return Facts("SQLite", sqlite3.sqlite_version, details, warnings)

    def close(self) -> None:
        self._pool.close()

    # -- the schema -----------------------------------------------------------------------------------------------

    def schema_version(self) -> int | None:
        """Return the version of the tables in the file, or ``None`` where there are none."""
        return self._opened(self._version)

    def _version(self, connection: _Connection) -> int | None:
        if not connection.execute(self._sql["version_exists"], (self._settings.version_table,)).fetchone()[0]:
            return None
        version: int | None = connection.execute(self._sql["version"]).fetchone()[0]
        return version

    def schema_upgrade(self) -> list[schema.Migration]:
        """Apply the migrations the file lacks, in one transaction; return them."""
        return self._opened(self._upgrade)

    def _opened(self, operation: Callable[[_Connection], T]) -> T:
        """Call ``operation`` with a connection for which the tables need not be there."""
        try:
            with closing(self._open()) as connection:
                return operation(connection)
        except sqlite3.Error as exc:
            raise self._error(exc) from exc

    def _upgrade(self, connection: _Connection) -> list[schema.Migration]:
        connection.execute("BEGIN IMMEDIATE")  # a second process waits here, and then finds nothing left to do
        with connection.db:
            self._refuse_foreign_tables(connection)
        set_wal(connection)  # which no transaction can do
        connection.execute("BEGIN IMMEDIATE")
        with connection.db:
            connection.execute(self._sql["version_create"])
            have = self._version(connection) or 0
            missing = [step for step in schema.migrations("sqlite") if step.version > have]
            for step in missing:
                for statement in _split(self.schema_sql(step)):
                    connection.execute(statement)
                connection.execute(self._sql["version_put"], (step.version, step.name))
        return missing

    def _refuse_foreign_tables(self, connection: _Connection) -> None:
        if self._version(connection) is not None:
            return
        ours = ("record_table", "group_table", "chord_table", "part_table")
        names = json.dumps([getattr(self._settings, table) for table in ours])
        if found := connection.execute(self._sql["foreign"], (names,)).fetchall():
            raise SchemaError(
                f"{self.url} has a table {found[0][0]!r} already, and it is not rootcellar's. Choose other names in "
                "database_table_names, or another file; this one has not been touched."
            )

    def schema_sql(self, migration: schema.Migration) -> str:
        """Return a migration's SQL with this store's table names put in."""
        return self._named(migration.sql)

    def _named(self, text: str) -> str:
        return text.format(**self._names)

    # -- connections ----------------------------------------------------------------------------------------------

    def _run(self, operation: Any, *args: Any) -> Any:
        return self._run_on(self._pool, operation, *args)

    def _run_on(self, pool: "Pool[_Connection]", operation: Any, *args: Any) -> Any:
        try:
            return pool.run(operation, *args)
        except sqlite3.Error as exc:
            raise self._error(exc) from exc

    def _open(self) -> _Connection:
        arguments = {"timeout": BUSY_TIMEOUT_S, **self._settings.connect_args}
        if self._most_s is not None:
            arguments["timeout"] = self._most_s
        try:
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, **arguments)
        except TypeError as exc:
            raise ConfigurationError(
                f"database_engine_options['connect_args'] does not fit sqlite3.connect: {exc}."
            ) from exc
        return _Connection(db)

    def _connect(self) -> _Connection:
        connection = self._open()
        try:
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            if not self._prepared:  # two threads may both look; the upgrade itself is serialised by the file's lock
                self._prepare(connection)
                self._prepared = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: _Connection) -> None:
        version = self._version(connection)
        latest = schema.latest("sqlite")
        if version is not None and version > latest:
            raise SchemaError(
                f"The tables in {self.url} are of version {version}; this rootcellar knows {latest}. Upgrade "
                "rootcellar in this process."
            )
        if version != latest:
            if not self._settings.create_tables:
                raise SchemaError(
                    f"{self.url} has no tables of version {latest}, and database_create_tables_at_setup is off. Make "
                    f"them with: rootcellar schema upgrade -A your_app"
                )
            self._upgrade(connection)

    def _error(self, exc: sqlite3.Error) -> RootcellarError:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreTimeout(
                f"{self.url} stayed locked by another process: {exc}. Find what holds a transaction open on the file."
            )
        if code == sqlite3.SQLITE_NOTADB:
            return StoreError(
                f"{self.url} is not a SQLite database: {exc}. Name another file in result_backend, or move this one "
                "away; it has not been touched."
            )
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return AccessDenied(
                f"{self.url} cannot be opened for writing: {exc}. The file and its directory ({self.path.parent}) must "
                "exist and be writable by this user; SQLite keeps two more files beside it."
            )
        if "no such table" in str(exc):
            self._prepared = False
            self._pool.close()  # so that the next operation looks for the tables, and may make them
            return SchemaError(f"{self.url}: {exc}. Make the tables with: rootcellar schema upgrade -A your_app")
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return StoreUnavailable(f"{self.url} could not be read or written: {exc}. Is the disk full?")
        return StoreError(f"{self.url}: {exc}.")


def _fetch(connection: _Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    return connection.execute(sql, parameters).fetchall()


def set_wal(connection: Any) -> None:
    """Put the file into WAL mode. SQLite does not wait for other processes here, whatever the time-out, so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _split(script: str) -> Iterator[str]:
    """Cut a script into statements. ``executescript`` would commit the transaction it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _quote(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _path_of(url: StoreURL) -> Path:
    if url.host:
        raise ConfigurationError(
            f"result_backend {url} names a host, {url.host!r}. SQLite takes a file: {PREFIX}sqlite:///{url.host} for "
            "one in the working directory, four slashes for an absolute path."
        )
    name = url.path.removeprefix("/")
    if name in ("", ":memory:"):
        raise ConfigurationError(
            f"result_backend {url} is a database in memory, which no other process can see: a worker's results would "
            f"never reach its callers. Name a file: {PREFIX}sqlite:///results.db"
        )
    return Path(name).absolute()


def _synchronous_of(url: StoreURL) -> str:
    for name in url.options:
        if name != "synchronous":
            raise ConfigurationError(
                f"result_backend {url}: {name!r} is no option of a SQLite store."
                f"{did_you_mean(name, ['synchronous'])} It has: synchronous."
            )
    value = url.options.get("synchronous", "FULL").upper()
    if value not in _SYNCHRONOUS:
        raise ConfigurationError(
            f"result_backend {url}: synchronous is {value!r}.{did_you_mean(value, _SYNCHRONOUS)} "
            f"It is one of {', '.join(_SYNCHRONOUS)}."
        )
    return value
