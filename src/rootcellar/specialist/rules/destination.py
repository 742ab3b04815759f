"""The destination: the server that an app's results travel to, and what is known of the way there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.profile import App, Call, Ref
from rootcellar.specialist.profile.address import Address, address_of, is_hole
from rootcellar.specialist.rules.project import Project

#: engine → the kind of server behind it; a database's is said by its URL
_KINDS = {"redis": "redis", "sentinel": "redis", "cellar-redis": "redis", "mongodb": "mongodb", "rpc": "rabbitmq"}
_DIALECTS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "cockroachdb": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
#: kind → the setting that has, beside the URL, options for the connection
_OPTIONS = {
    "redis": "redis_backend_use_ssl",
    "mongodb": "mongodb_backend_settings",
    "postgresql": "database_engine_options",
    "mysql": "database_engine_options",
    "rabbitmq": "broker_use_ssl",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go: ``kind`` is that of the server, ``setting`` the one with its URL."""

    kind: str
    setting: str
    address: Address
    #: the setting with further options of the connection
    options_setting: str
    #: those options, by their lower-case name; ``None`` where they cannot be known
    options: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_to_another_host(self) -> bool:
        """Whether a host is written that is neither this machine nor a service next door."""
        return any(not host.is_local and not host.is_neighbour for host in self._hosts())

    @property
    def is_only_local(self) -> bool:
        """Whether it never leaves the machine."""
        return all(host.is_local for host in self._hosts())

    @property
    def has_unknown_options(self) -> bool:
        """Whether the URL's query, or the setting beside it, may say something that is not known."""
        return self.options is None or any(is_hole(name) for name in self.address.options)

    def option(self, *names: str) -> tuple[str, Any] | None:
        """Return the setting that has an option of the connection, and its value; the URL prevails."""
        in_url = {name.lower(): value for name, value in self.address.options.items()}
        for setting, options in ((self.setting, in_url), (self.options_setting, self.options or {})):
            for name in names:
                if name in options:
                    return setting, options[name]
        return None

    def _hosts(self) -> Iterator[Address]:
        scheme = self.address.scheme
        for host in (self.address.host, *(address_of(f"x://{one}").host for one in self.address.more_hosts)):
            if not is_hole(host) and not host.lower().endswith(".invalid"):  # by RFC 2606 never a host's name
                yield Address(scheme=scheme, host=host)


def destination_of(app: App, project: Project) -> Destination | None:
    """Return where an app's results go; ``None`` where that is no server, one of another kind, or not known."""
    engine = project.engine(app).name
    setting = "broker_url" if engine == "rpc" else "result_backend"
    if engine in ("database", "cellar-postgresql"):
        setting = "database_url" if app.text(setting) in ("database", "db") else setting
    address = address_of(app.text(setting))
    if {"host", "unix_socket"} & address.options.keys():
        return None  # a driver takes other hosts, or a socket, from there
    if not address.host and engine in ("redis", "cellar-redis") and isinstance(app.known("redis_host"), str):
        setting, address = "redis_host", Address(scheme=address.scheme, host=app.known("redis_host"))
    kind = _KINDS.get(engine, "")
    if engine in ("database", "cellar-postgresql"):
        dialect = re.sub(r"^(?:db|database|cellar)\+", "", address.scheme)
        kind = _DIALECTS.get(dialect.partition("+")[0], "")
    if not kind:
        return None
    options = _options(app, _OPTIONS[kind])
    if kind == "mongodb" and options is not None and ("host" in options or "mongo_host" in options):
        return None  # these replace the URL's
    return Destination(kind, setting, address, _OPTIONS[kind], options)


def _options(app: App, setting: str) -> Mapping[str, Any] | None:
    """Return a setting's options, those that stand in a mapping of their own among the others."""
    if app.is_unknown(setting) or (setting == "database_engine_options" and app.get("database_engine_callback")):
        return None
    data = app.known(setting)
    if not data or data is True:
        return {"ssl": data} if data else {}
    if not isinstance(data, Mapping):
        return None
    inner = [value for name in ("options", "connect_args") if isinstance(value := data.get(name, {}), Mapping)]
    if any(name in data and not isinstance(data[name], Mapping) for name in ("options", "connect_args", "creator")):
        return None
    return {str(name).lower(): value for options in (data, *inner) for name, value in options.items()}


def is_on(value: Any) -> bool:
    """Whether an option's value switches it on.

    >>> is_on("true"), is_on("False"), is_on({"ca": "/ca.pem"}), is_on(0)
    (True, False, True, False)
    """
    if isinstance(value, str):
        return value.lower() not in ("", "0", "false", "no", "off", "none", "disabled", "disable")
    return bool(value)


def verification(value: Any) -> str:
    """Return what a setting for certificates asks for: ``none``, ``optional``, ``required``; empty: not to be told.

    >>> verification("CERT_NONE"), verification(Ref("ssl.VerifyMode.CERT_OPTIONAL")), verification(2)
    ('none', 'optional', 'required')
    """
    if isinstance(value, (Ref, Call)):
        value = value.name.rpartition(".")[2]
    if isinstance(value, int) and not isinstance(value, bool):
        return {0: "none", 1: "optional", 2: "required"}.get(value, "")
    word = str(value).lower().removeprefix("cert_") if isinstance(value, str) else ""
    return word if word in ("none", "optional", "required") else ""
