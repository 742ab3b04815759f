"""Security on the way: encryption, certificates and logins between an app and the server that keeps its results."""

from collections.abc import Iterator, Mapping
from typing import Any

from rootcellar.specialist.profile import App, Unknown
from rootcellar.specialist.profile.address import is_hole
from rootcellar.specialist.rules.destination import Destination, destination_of, is_on, verification
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found
from rootcellar.urls import SECRET_NAME

_NAMES = {
    "redis": "Redis",
    "mongodb": "MongoDB",
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "rabbitmq": "RabbitMQ",
}
#: libpq's words for a connection that is surely encrypted
_ENCRYPTING = ("require", "verify-ca", "verify-full")
#: options that name a client's certificate, or another way of saying who one is
_LOGINS = frozenset(
    {
        "password", "passwd", "passfile", "service", "credential_provider",
        "ssl_certfile", "certfile", "sslcert", "ssl_cert", "tlscertificatekeyfile", "authmechanism",
        "read_default_file", "krbsrvname", "gsslib",
    }
)  # fmt: skip


@app_rule("RC107")
def plaintext_to_another_host(app: App, project: Project) -> Iterator[Finding]:
    """Results that cross a network as they are."""
    destination = destination_of(app, project)
    if destination is None or not destination.is_to_another_host or _may_be_encrypted(destination, app, project):
        return
    if destination.kind == "rabbitmq":
        said = "Results go through the broker (rpc), and broker_url reaches it on another host without TLS."
    elif destination.kind == "postgresql":
        said = f"{destination.setting} reaches PostgreSQL on another host without an sslmode that asks for TLS."
    else:
        said = f"{destination.setting} reaches {_NAMES[destination.kind]} on another host without TLS."
    yield found(app.where(destination.setting), said)


def _may_be_encrypted(destination: Destination, app: App, project: Project) -> bool:
    """Whether the connection is, or may be, one with TLS."""
    if destination.has_unknown_options:
        return True
    scheme, option = destination.address.scheme, destination.option
    options = {*map(str.lower, destination.address.options), *(destination.options or {})}
    match destination.kind:
        case "redis":
            # A mapping with CERT_NONE in it is TLS all the same.
            return scheme.removeprefix("cellar+").startswith("rediss") or bool(destination.options)
        case "rabbitmq":
            return scheme.endswith("amqps") or not scheme.endswith("amqp") or bool(destination.options)
        case "mongodb":
            switch = option("tls", "ssl")
            if switch is not None:
                return is_on(switch[1])
            return scheme.endswith("+srv") or any(name.startswith(("tls", "ssl")) for name in options)
        case "postgresql":
            mode = option("sslmode")
            words = [str(mode[1]).lower()] if mode is not None else _variables(project, "PGSSLMODE")
            return any(word in _ENCRYPTING or is_hole(word) for word in words) or bool(
                options & {"ssl", "ssl_context", "service"}
            )
        case _:
            switches = (option(name) for name in options if name.startswith("ssl") and name != "ssl_disabled")
            return any(is_on(switch[1]) for switch in switches if switch is not None)


def _variables(project: Project, name: str) -> list[str]:
    """Return what the project's env files and processes set a variable to."""
    profile = project.profile
    everywhere = [one.variables for one in profile.env_files if not one.is_example]
    everywhere += [one.environment for one in profile.processes]
    return [variable.value.lower() for some in everywhere for variable in some if variable.name == name]


@app_rule("RC108")
def tls_verification_off(app: App, project: Project) -> Iterator[Finding]:
    """TLS with whoever answers."""
    for setting, what in _unverified(app, project, "none"):
        yield found(app.where(setting), f"{setting} has {what}: TLS with whoever answers.")


@app_rule("RC109")
def tls_verification_optional(app: App, project: Project) -> Iterator[Finding]:
    """TLS with whoever shows no certificate."""
    for setting, what in _unverified(app, project, "optional"):
        yield found(app.where(setting), f"{setting} has {what}: a word for servers, which says nothing for clients.")


def _unverified(app: App, project: Project, word: str) -> Iterator[tuple[str, str]]:
    """Yield the settings that ask for certificates as ``word`` says, and the option in them that does."""
    destination = destination_of(app, project)
    if destination is None:
        # A URL from the environment alone: this setting is for Redis, whatever the host.
        data = app.known("redis_backend_use_ssl") if project.engine(app).name == "unknown" else None
        value = data.get("ssl_cert_reqs") if isinstance(data, Mapping) else None
        if verification(value) == word:
            yield "redis_backend_use_ssl", f"ssl_cert_reqs {_word(value)}"
        return
    name = "cert_reqs" if destination.kind == "rabbitmq" else "ssl_cert_reqs"
    option = destination.option(name)
    if option is not None and verification(option[1]) == word:
        yield option[0], f"{name} {_word(option[1])}"
    if word == "none":
        yield from _switched_off(destination)


def _switched_off(destination: Destination) -> Iterator[tuple[str, str]]:
    if destination.kind == "mongodb":
        for shown in ("tlsInsecure", "tlsAllowInvalidCertificates"):
            option = destination.option(shown.lower())
            if option is not None and not isinstance(option[1], Unknown) and is_on(option[1]):
                yield option[0], f"{shown}=true"
    if destination.kind == "mysql":
        option = destination.option("ssl_verify_cert")
        if option is not None and not isinstance(option[1], Unknown) and not is_on(option[1]):
            yield option[0], "ssl_verify_cert=false"
        nested = destination.option("ssl")
        if nested is not None and isinstance(nested[1], Mapping) and _is_off(nested[1].get("verify_mode")):
            yield nested[0], "ssl with verify_mode off"
    if destination.kind == "postgresql" and destination.is_to_another_host:
        mode = destination.option("sslmode")
        # With a root certificate libpq takes require for verify-ca.
        if mode is not None and mode[1] == "require" and destination.option("sslrootcert") is None:
            yield mode[0], "sslmode=require"


def _is_off(verify_mode: Any) -> bool:
    return verify_mode is False or verification(verify_mode) == "none"


def _word(value: Any) -> str:
    return f"CERT_{verification(value).upper()}"


@app_rule("RC110")
def no_password(app: App, project: Project) -> Iterator[Finding]:
    """A server that lets everybody in who reaches it."""
    destination = destination_of(app, project)
    if destination is None or destination.kind == "rabbitmq" or destination.is_only_local:
        return
    setting = app.get(destination.setting)
    if setting is None or not setting.value.is_known or destination.address.password or destination.address.is_cut:
        return
    if destination.has_unknown_options or _has_other_login(app, project, destination):
        return
    if setting.value.is_default and any(SECRET_NAME.search(variable) for variable in setting.value.variables):
        return  # the password is to come from a variable, which nothing here sets
    yield found(setting.place, f"{destination.setting} reaches {_NAMES[destination.kind]} without a password.")


def _has_other_login(app: App, project: Project, destination: Destination) -> bool:
    """Whether something beside the URL says who one is, or may."""
    options = {*map(str.lower, destination.address.options), *(destination.options or {})}
    if options & _LOGINS:
        return True
    if destination.kind == "redis":
        names = ("redis_password", "redis_backend_credential_provider")
        return any(app.is_unknown(name) or _is_set(app, name) for name in names)
    if destination.kind == "mysql":
        nested = (destination.options or {}).get("ssl")
        return isinstance(nested, Mapping) and "cert" in nested
    return destination.kind == "postgresql" and any(
        _variables(project, name) for name in ("PGPASSWORD", "PGPASSFILE", "PGSERVICE")
    )


def _is_set(app: App, name: str) -> bool:
    setting = app.get(name)
    return setting is not None and setting.value.data not in (None, "")
