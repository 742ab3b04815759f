"""From a URL and Celery's ``redis_*`` settings to redis-py's connections."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from ssl import CERT_NONE
from typing import Any

from kombu.utils.imports import symbol_by_name
from redis import Connection, ConnectionPool, CredentialProvider, SSLConnection, UnixDomainSocketConnection
from redis.connection import URL_QUERY_ARGUMENT_PARSERS

from rootcellar.errors import ConfigurationError
from rootcellar.settings import PoolSettings, RedisSettings
from rootcellar.urls import StoreURL

_CERT_REQS = {"CERT_REQUIRED": "required", "CERT_OPTIONAL": "optional", "CERT_NONE": "none"}


def connection_pool(url: StoreURL, settings: RedisSettings) -> ConnectionPool:
    """Return redis-py's pool for ``url``: it holds how to connect, and serves the subscriptions.

    Settings give the defaults, the URL's parts override them and its query overrides both, as in Celery. ``rediss``
    verifies the server's certificate unless told otherwise.

    Raises:
        ConfigurationError: an option redis-py does not have, or a database that is no number.
    """
    arguments: dict[str, Any] = {"host": "localhost", "port": 6379, **settings.connection}
    given = {"host": url.host, "port": url.port, "username": url.username, "password": url.password}
    arguments.update({name: value for name, value in given.items() if value is not None})
    if "socket_keepalive_options" in arguments:
        arguments["socket_keepalive_options"] = _keepalive_options(arguments["socket_keepalive_options"])
    options = _options(url)
    options.pop("max_connections", None)  # see pool_settings
    kind: type[Any] = Connection
    if url.scheme in ("redis+socket", "socket"):
        kind = UnixDomainSocketConnection
        arguments["path"] = url.path
        for name in ("host", "port", "socket_keepalive", "socket_keepalive_options"):
            arguments.pop(name, None)
        options["db"] = options.pop("virtual_host", options.get("db", arguments.get("db", 0)))
    elif url.path.strip("/"):
        options.setdefault("db", url.path.strip("/"))
    if url.scheme == "rediss" or settings.use_ssl:
        kind = SSLConnection
        arguments.update({"ssl_cert_reqs": "required", "ssl_check_hostname": True, **(settings.use_ssl or {})})
    arguments.update(options)
    if settings.most_s is not None:
        arguments.update(socket_timeout=settings.most_s, socket_connect_timeout=settings.most_s)
    # RESP2: the pushes of RESP3 would arrive between a command and its reply.
    arguments["protocol"] = 2
    arguments["db"] = _database(arguments.get("db") or 0, url)
    if "ssl_cert_reqs" in arguments:
        arguments["ssl_cert_reqs"] = _CERT_REQS.get(arguments["ssl_cert_reqs"], arguments["ssl_cert_reqs"])
        if arguments["ssl_cert_reqs"] in ("none", CERT_NONE):
            arguments["ssl_check_hostname"] = False  # Python refuses to check the name of what it does not verify
    _add_credentials(arguments)
    try:
        pool = ConnectionPool(connection_class=kind, **arguments)
        new_connection(pool)
    except TypeError as exc:
        raise ConfigurationError(
            f"result_backend {url}: redis-py does not accept one of the connection's options: {exc}. Check the URL's "
            "query, redis_* settings and redis_backend_use_ssl."
        ) from None
    return pool


def new_connection(pool: ConnectionPool) -> Any:
    """Return a connection, not yet open. (``pool.make_connection`` counts up to a limit, and never down.)"""
    return pool.connection_class(**pool.connection_kwargs)


def pool_settings(url: StoreURL, settings: RedisSettings) -> PoolSettings:
    """Return the settings of our own pool; ``?max_connections=`` in the URL overrides ``redis_max_connections``."""
    size = _options(url).get("max_connections")
    return settings.pool if size is None or settings.most_s is not None else replace(settings.pool, size=size)


def _options(url: StoreURL) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in url.options.items():
        parse: Any = URL_QUERY_ARGUMENT_PARSERS.get(name)
        try:
            options[name] = parse(value) if parse else value
        except (TypeError, ValueError):
            raise ConfigurationError(f"result_backend {url}: the option {name!r} has an unusable value.") from None
    return options


def _database(value: Any, url: StoreURL) -> int:
    try:
        return int(value)
    except ValueError:
        raise ConfigurationError(
            f"result_backend {url}: the database is {value!r}. Redis numbers its databases: redis://host:6379/0"
        ) from None


def _add_credentials(arguments: dict[str, Any]) -> None:
    provider = arguments.get("credential_provider")
    if provider is None:
        return
    if isinstance(provider, str):
        provider = symbol_by_name(provider)()
    if not isinstance(provider, CredentialProvider):
        raise ConfigurationError(
            f"redis_backend_credential_provider is a {type(provider).__name__}. Give an instance of "
            "redis.CredentialProvider, or the dotted path of a class."
        )
    arguments["credential_provider"] = provider
    arguments.pop("username", None)
    arguments.pop("password", None)


def _keepalive_options(names: Mapping[str | int, int]) -> dict[int, int]:
    """Return TCP keep-alive options by number, given by number or by name (``TCP_KEEPIDLE``)."""
    found = {}
    for name, value in names.items():
        number = getattr(socket, name, None) if isinstance(name, str) else name
        if not isinstance(number, int):
            raise ConfigurationError(f"redis_socket_keepalive_options: this system has no option {name!r}.")
        found[number] = int(value)
    return found
