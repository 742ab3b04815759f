"""The tables of the SQL stores: which version there is, what is missing, and the SQL that makes them."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Protocol, runtime_checkable

from rootcellar import schema
from rootcellar.errors import SchemaError, Unsupported
from rootcellar.schema import Migration
from rootcellar.settings import Settings
from rootcellar.stores import open_store, statements
from rootcellar.stores.base import Store
from rootcellar.urls import StoreURL


@runtime_checkable
class TableStore(Protocol):
    """A store that keeps its records in SQL tables."""

    url: StoreURL

    def schema_version(self) -> int | None: ...
    def schema_upgrade(self) -> list[Migration]: ...
    def schema_sql(self, migration: Migration) -> str: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Version:
    """The version of the tables found (``None``: there are none), and the one this release writes and reads."""

    found: int | None
    latest: int

    @property
    def is_current(self) -> bool:
        """Whether the tables are of this release's version."""
        return self.found == self.latest


def open_tables(url: str, settings: Settings) -> TableStore:
    """Return the store for ``url``; nothing is connected.

    Raises:
        Unsupported: the engine has no tables.
        ConfigurationError: the URL is malformed, or of another kind than rootcellar's.
    """
    store: Store = open_store(url, settings)
    if not isinstance(store, TableStore):
        raise Unsupported(
            f"{store.url}: nothing to do for {store.url.engine.capitalize()}, which has no tables. `rootcellar schema` "
            "is for the SQL stores: PostgreSQL and SQLite."
        )
    return store


def version_of(store: TableStore) -> Version:
    """Ask the database for the version of its tables; a SQLite file that is not there is not made."""
    path = getattr(store, "path", None)
    absent = isinstance(path, Path) and path.parent.is_dir() and not path.exists()
    return Version(None if absent else store.schema_version(), schema.latest(store.url.engine))


def missing(store: TableStore, version: Version) -> list[Migration]:
    """Return the migrations the database lacks, oldest first.

    Raises:
        SchemaError: the tables are newer than this release.
    """
    if version.found is not None and version.found > version.latest:
        raise SchemaError(
            f"The tables behind {store.url} are of version {version.found}; this rootcellar knows {version.latest}. "
            "Upgrade rootcellar; tables never go back."
        )
    return [step for step in schema.migrations(store.url.engine) if step.version > (version.found or 0)]


def script(store: TableStore, since: int = 0) -> str:
    """Return the migrations after version ``since`` as SQL for ``psql`` or ``sqlite3``: one transaction.

    It holds what :meth:`TableStore.schema_upgrade` does, the version table and its rows included, so that a store
    finds tables it can use. Empty where there are no such migrations.
    """
    engine = store.url.engine
    named = statements.load(f"{engine}.sql")
    steps = [step for step in schema.migrations(engine) if step.version > since]
    if not steps:
        return ""
    parts = [] if since else [_in_names(store, named["version_create"])]
    for step in steps:
        parts.append(f"-- version {step.version}: {step.name}\n{store.schema_sql(step).rstrip().rstrip(';')}")
        parts.append(_in_names(store, _filled(named["version_put"], step)))
    text = resources.files(__package__).joinpath("templates", f"schema_{engine}.sql").read_text("utf-8")
    return Template(text).substitute(
        since=since or "none", latest=steps[-1].version, body="\n\n".join(part.rstrip() + ";" for part in parts)
    )


def _in_names(store: TableStore, sql: str) -> str:
    return store.schema_sql(Migration(0, "", sql))


def _filled(version_put: str, step: Migration) -> str:
    """Write a migration's number and name (a ``\\w+``, by its file's name) in place of the two parameters."""
    for mark in ("$", "?"):
        version_put = version_put.replace(f"{mark}1", str(step.version)).replace(f"{mark}2", f"'{step.name}'")
    return version_put
