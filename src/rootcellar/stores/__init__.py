"""The stores: where records lie. One engine each, behind the verbs of :class:`rootcellar.stores.base.Store`."""

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from rootcellar import urls
from rootcellar.errors import MissingDriver
from rootcellar.settings import Settings
from rootcellar.stores.base import Store


class Engine(NamedTuple):
    """Where an engine's store is, and what it needs installed."""

    module: str
    store: str
    driver: str | None
    install: str


_ENGINES: Mapping[str, Engine] = {
    "redis": Engine("rootcellar.stores.redis", "RedisStore", "redis", "pip install 'rootcellar[redis]'"),
    "postgresql": Engine(
        "rootcellar.stores.postgresql", "PostgreSQLStore", "psycopg", "pip install 'rootcellar[postgres]'"
    ),
    "sqlite": Engine("rootcellar.stores.sqlite", "SQLiteStore", None, ""),
}


def open_store(url: str, settings: Settings | None = None) -> Store:
    """Return the store for ``url`` (with or without ``cellar+``). Nothing is connected until the first verb.

    Raises:
        ConfigurationError: the URL is malformed or names an engine rootcellar does not have.
        MissingDriver: the engine's Python package is not installed; the message holds the ``pip install`` line.
    """
    parsed = urls.parse(url)
    engine = _ENGINES[parsed.engine]
    if engine.driver is not None:
        try:
            import_module(engine.driver)
        except ImportError as exc:
            raise MissingDriver(
                f"result_backend {parsed} needs the Python package {engine.driver!r}, which cannot be imported "
                f"({exc}). Install it: {engine.install}"
            ) from exc
    store: Store = getattr(import_module(engine.module), engine.store)(parsed, settings or Settings())
    return store
