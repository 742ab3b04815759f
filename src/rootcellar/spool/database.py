"""A spool's SQLite file: making it, opening it, and saying what is wrong with it."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rootcellar.errors import ConfigurationError, RootcellarError, SpoolError, SpoolFull
from rootcellar.stores import statements
from rootcellar.stores.sqlite import set_wal

#: The format of the file; another one is neither read nor changed.
VERSION = 1
#: How long a process waits for the others' transactions.
BUSY_TIMEOUT_S = 30.0

SQL = statements.load("spool.sql", __package__)
_DISK_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_NOT_WRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)


class Gone(Exception):  # not an error of its own: the pool opens the file anew
    """Somebody has deleted or replaced the file that is open."""


class About(NamedTuple):
    """Whose spool it is: the app's name, and the store's URL without its password."""

    app: str
    url: str


class Database:
    """One open file."""

    def __init__(self, path: Path, about: About | None) -> None:
        """Open the file, making it, its directory and its tables where they are missing, unless ``about`` is ``None``.

        Raises:
            ConfigurationError: the directory cannot be made, or is another user's.
            SpoolError: the file is of another format.
            sqlite3.Error: whatever else is wrong with it.
        """
        if about is not None:
            make_directory(path.parent)
        elif not path.exists():
            raise SpoolError(f"There is no spool {path} any more.")
        self._path = path
        self.opened_at = time.monotonic()
        self.db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._file = _identity(path)
            self._prepare(about)
        except BaseException:
            self.close()
            raise

    def _prepare(self, about: About | None) -> None:
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("PRAGMA mmap_size=0")
        version = self._version()
        if version == 0 and about is not None:
            self._path.chmod(0o600)  # before there is anything in it; SQLite's files beside it get the same mode
            set_wal(self.db)
            self._create(about)
        elif version != VERSION:
            raise SpoolError(
                f"The spool {self._path} is of format {version or 'none'}; this rootcellar knows {VERSION}. Deliver it "
                "with the release that wrote it (rootcellar spool flush), or give this one another cellar_spool_dir."
            )

    def _create(self, about: About) -> None:
        self.db.execute("BEGIN IMMEDIATE")  # another process waits here, and then finds nothing left to do
        with self.db:
            if self._version() != 0:
                return
            for name, sql in SQL.items():
                if name.startswith("create_"):
                    self.db.execute(sql)
            self.db.execute(SQL["put_held"])
            self.db.execute(SQL["put_about"], about)
            self.db.execute(f"PRAGMA user_version={VERSION}")

    def _version(self) -> int:
        version: int = self.db.execute("PRAGMA user_version").fetchone()[0]
        return version

    def about(self) -> About:
        """Return whose spool it is."""
        return About._make(self.db.execute(SQL["about"]).fetchone())

    def check_is_there(self) -> None:
        """Raise :exc:`Gone` where the file is no longer the one under its name: what is written to it would be lost."""
        if _identity(self._path) != self._file:
            raise Gone

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self.db.close()


def make_directory(directory: Path) -> None:
    """Make a directory for this user only, if it is not there.

    Raises:
        ConfigurationError: it cannot be made, or belongs to another user, who could read and change what lies there.
    """
    try:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(directory.parent)
        is_writable = os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
        owner = directory.stat().st_uid
    except OSError as exc:
        raise ConfigurationError(
            f"The spool's directory {directory} cannot be made: {exc.strerror or exc}. Name another one in "
            "cellar_spool_dir, or make this one and give it to the user the workers run as."
        ) from exc
    if owner not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The spool's directory {directory} belongs to the user with the number {owner}, not to this process's "
            f"({os.geteuid()}). Name another one in cellar_spool_dir, or change its owner."
        )
    if not is_writable:
        raise ConfigurationError(
            f"The spool's directory {directory} cannot be written to by this process's user ({os.geteuid()}). Name "
            "another one in cellar_spool_dir, or change its mode."
        )


def error_of(exc: sqlite3.Error, path: Path) -> RootcellarError:
    """Turn SQLite's error into ours."""
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in _DISK_FULL:
        return SpoolFull(f"The spool {path} could not be written: {exc}. Is the disk full? cellar_spool_dir names it.")
    if code in _NOT_WRITABLE:
        return ConfigurationError(
            f"The spool {path} cannot be opened for writing: {exc}. The file and the directory that cellar_spool_dir "
            "names must belong to the user the workers run as."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return SpoolError(f"The spool {path} is damaged, or no spool: {exc}. Move it away; a new one is then made.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SpoolError(f"The spool {path} stayed locked by another process: {exc}. Find what has the file open.")
    return SpoolError(f"The spool {path}: {exc}.")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _sync(directory: Path) -> None:
    """Make a new name in a directory outlive a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
