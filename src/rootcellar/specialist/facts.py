"""Facts: what a live backend tells of its server."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ServerFacts:
    """The server's name and version as one text, details by name, and warnings: sentences for a person."""

    server: str
    details: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def facts_of(backend: Any) -> ServerFacts:
    """Ask the server behind a Celery backend about itself. It connects; driver errors come through.

    A store of ours is asked with :meth:`rootcellar.stores.base.Store.check`. Of Celery's own backends, Redis, SQL
    databases and MongoDB are asked for their version; of any other, reading an id that is not there must do.
    """
    store = getattr(backend, "store", None)
    if store is not None and hasattr(store, "check"):
        facts = store.check()
        return ServerFacts(f"{facts.engine} {facts.version}", dict(facts.details), tuple(facts.warnings))
    if hasattr(backend, "client") and hasattr(backend.client, "info"):
        info = backend.client.info("server")
        name = str(info.get("server_name", "Redis")).capitalize()
        return ServerFacts(f"{name} {info.get('redis_version', '?')}")
    if hasattr(backend, "ResultSession"):
        return _database(backend)
    backend.get_task_meta("rootcellar-test-nobody", cache=False)
    with suppress(Exception):
        return ServerFacts(f"MongoDB {backend.database.client.server_info()['version']}")
    return ServerFacts("it answers")


def _database(backend: Any) -> ServerFacts:
    session = backend.ResultSession()
    try:
        dialect = session.connection().dialect
        version = getattr(dialect, "server_version_info", None) or getattr(dialect.dbapi, "sqlite_version_info", None)
        shown = ".".join(str(part) for part in version or ())
        return ServerFacts(f"{dialect.name} {shown}".strip(), {"driver": str(dialect.driver)})
    finally:
        session.close()
