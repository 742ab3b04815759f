"""The spool: one SQLite file for each app and store on this host, written by many processes at once.

An entry is safe from a crash, of this process or the machine, once :meth:`Spool.append` has returned. Whatever a fork
or a kill interrupts, an entry is there whole or not at all.
"""

import hashlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from rootcellar.errors import ConfigurationError, SpoolError, SpoolFull, StoreTimeout
from rootcellar.settings import PoolSettings, SpoolSettings
from rootcellar.spool import observers
from rootcellar.spool.database import BUSY_TIMEOUT_S, SQL, About, Database, Gone, error_of, make_directory
from rootcellar.spool.entry import Depth, Entry, Refusal, from_row, to_row
from rootcellar.spool.lock import only_one
from rootcellar.stores.pool import Pool
from rootcellar.urls import PREFIX, redact

T = TypeVar("T")

SUFFIX = ".spool"
#: How many bytes of payloads :meth:`Spool.oldest` reads at most, unless the first entry alone has more.
READ_BYTES = 16 * 1024 * 1024
_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Spool:
    """What finished while the store was away. No file is made, nor opened, before the first entry."""

    def __init__(self, settings: SpoolSettings, app_name: str, store_url: str) -> None:
        """``store_url`` may hold a password: it is taken out first, so that a new password finds the same spool."""
        about = About(app_name, redact(PREFIX + store_url.removeprefix(PREFIX)))
        digest = hashlib.sha256("\0".join(about).encode("utf-8", "replace")).hexdigest()[:12]
        stem = _UNFIT_FOR_A_NAME.sub("-", app_name).strip("-.")[:40] or "celery"
        self._about: About = about
        self._use(settings.directory.absolute() / f"{stem}-{digest}{SUFFIX}", settings.max_bytes)

    def _use(self, path: Path, max_bytes: int, *, is_made: bool = True) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._is_made = is_made
        # One connection: SQLite lets one writer at a time anyway, and its own way of waiting is polling.
        self._pool: Pool[Database] = Pool(
            lambda: Database(self.path, self._about if is_made else None),
            PoolSettings(size=1, overflow=0, recycle_s=None),
            lost=(Gone,),
            answered=(sqlite3.Error, SpoolFull),
            name=str(path),
            # For the same reason as in the store for SQLite.
            close_before_fork=True,
        )

    @classmethod
    def at(cls, path: Path) -> "Spool":
        """Open a spool that is there. It can be read and delivered, and nothing can be added.

        Raises:
            SpoolError: it cannot be read.
        """
        spool = cls.__new__(cls)
        spool._use(path.absolute(), 0, is_made=False)
        spool._about = spool._run(Database.about)
        return spool

    @staticmethod
    def paths_in(directory: Path) -> list[Path]:
        """Return the spools that lie in a directory, for :meth:`at`; none where there is no such directory.

        Raises:
            SpoolError: it cannot be read.
        """
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise SpoolError(
                f"The spool's directory {directory} cannot be read: {exc.strerror or exc}. What it holds is not known; "
                "look as the user the workers run as, or name another directory in cellar_spool_dir."
            ) from exc
        return sorted(directory / name for name in names if name.endswith(SUFFIX))

    @property
    def name(self) -> str:
        """Its file's name without the suffix."""
        return self.path.stem

    @property
    def app_name(self) -> str:
        """Whose it is."""
        return self._about.app

    @property
    def store_url(self) -> str:
        """Of the store it is for, without the password."""
        return self._about.url

    @property
    def is_enabled(self) -> bool:
        """Whether anything may be added (``cellar_spool_max_bytes`` is not 0)."""
        return self.max_bytes > 0

    def __repr__(self) -> str:
        return f"<Spool {self.path}>"

    def check(self) -> None:
        """Make the directory, if need be, and find out whether it can be written to; no spool is made.

        Raises:
            ConfigurationError: it cannot.
        """
        with self.delivering():
            pass

    # -- adding -------------------------------------------------------------------------------------------------------

    def append(self, entry: Entry) -> None:
        """Keep an entry, durably.

        Raises:
            SpoolFull: there is no room for it, under ``cellar_spool_max_bytes`` or on the disk.
            ConfigurationError: the directory cannot be made or written.
            SpoolError: the file cannot be used.
        """
        self._run(self._append, entry)
        observers.tell(self.name, self.depth)

    def _append(self, database: Database, entry: Entry) -> None:
        database.check_is_there()
        # One statement, so that no signal can strike between the beginning and the end of a transaction.
        parameters = (self.max_bytes, time.time(), entry.size, *to_row(entry))
        if database.db.execute(SQL["append"], parameters).rowcount != 1:
            depth = Depth._make(database.db.execute(SQL["depth"]).fetchone())
            raise SpoolFull(
                f"The spool {self.path} holds {depth.bytes} bytes in {depth.records + depth.refused} entries, and "
                f"{entry.size} more exceed cellar_spool_max_bytes ({self.max_bytes}). Bring the store back, or raise "
                "that setting, if the disk that cellar_spool_dir names has room; `rootcellar spool show` tells how it "
                "stands, `rootcellar spool flush` delivers."
            )

    # -- delivering ---------------------------------------------------------------------------------------------------

    def oldest(self, limit: int) -> list[tuple[int, Entry]]:
        """Return up to ``limit`` entries with their numbers, in the order they came; fewer where they are large."""
        return [] if self._is_absent() else self._run(self._oldest, limit)

    def _oldest(self, database: Database, limit: int) -> list[tuple[int, Entry]]:
        found, size = [], 0
        with closing(database.db.execute(SQL["oldest"], (limit,))) as rows:
            for seq, entry_bytes, *columns in rows:
                found.append((seq, from_row(columns)))
                size += entry_bytes
                if size >= READ_BYTES:
                    break
        return found

    def remove(self, seqs: Sequence[int]) -> None:
        """Forget entries: they have been delivered."""
        self._run(_execute, "remove", (json.dumps(seqs),))

    def refuse(self, seq: int, reason: str) -> None:
        """Set an entry aside: the store will not have it. It stays, and can be seen with its reason."""
        self._run(_execute, "refuse", (seq, reason))

    def readmit(self) -> None:
        """Let what was refused wait for delivery again, at its old place."""
        if not self._is_absent():
            self._run(_execute, "readmit")

    def refusals(self, limit: int = 1000) -> list[Refusal]:
        """Return what was refused, oldest first."""
        if self._is_absent():
            return []
        return [Refusal._make(row) for row in self._run(_fetch, "refusals", (limit,))]

    def depth(self) -> Depth:
        """Return how much there is."""
        return Depth() if self._is_absent() else Depth._make(self._run(_fetch, "depth")[0])

    def is_empty(self) -> bool:
        """Whether nothing waits for delivery. Cheap: asked before each result while the store is away."""
        return self._is_absent() or not self._run(_fetch, "waiting")[0][0]

    def _is_absent(self) -> bool:
        return not os.path.exists(self.path)  # False, too, where the directory is closed to us

    def shrink(self) -> None:
        """Give the disk back what an emptied spool took, if nobody is using it just now."""
        if not self._is_absent():
            with suppress(SpoolError, ConfigurationError):
                self._run(_shrink)

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        """Give ``True`` to one deliverer of the host at a time; the others go on without waiting."""
        if self._is_made:
            make_directory(self.path.parent)
        with self._lock() as is_mine:
            yield is_mine

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        path = self.path.with_suffix(".lock")
        lock = only_one(path)
        try:
            is_mine = lock.__enter__()
        except OSError as exc:
            raise ConfigurationError(
                f"{path} cannot be made: {exc.strerror or exc}. The directory that cellar_spool_dir names must be "
                "writable by the user the workers run as."
            ) from exc
        try:
            yield is_mine
        finally:
            lock.__exit__(None, None, None)

    def close(self) -> None:
        """Close the file. The spool may be used again; it then opens it anew."""
        self._pool.close()

    def _run(self, operation: Callable[..., T], *args: Any) -> T:
        try:
            return self._pool.run(operation, *args)
        except sqlite3.Error as exc:
            raise error_of(exc, self.path) from exc
        except Gone:
            raise SpoolError(f"The spool {self.path} is deleted again and again. Find what deletes it.") from None
        except StoreTimeout as exc:
            raise SpoolError(f"The spool {self.path} was in use by other threads all the time: {exc}") from exc


def _execute(database: Database, statement: str, parameters: Sequence[Any] = ()) -> None:
    database.db.execute(SQL[statement], parameters)


def _fetch(database: Database, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    database.check_is_there()
    return database.db.execute(SQL[statement], parameters).fetchall()


def _shrink(database: Database) -> None:
    database.db.execute("PRAGMA busy_timeout=100")
    try:
        database.db.execute("VACUUM")
        database.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.db.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")
