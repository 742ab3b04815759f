"""Security of the project's own servers: who reaches them, and whom they let in."""

from collections.abc import Iterator

from rootcellar.specialist.profile import Port, Process, Server
from rootcellar.specialist.profile.address import Address, is_hole
from rootcellar.specialist.rules.destination import destination_of
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import found, project_rule

#: port of a container → who listens there
_PORTS = {
    6379: "Redis",
    26379: "Sentinel",
    5432: "PostgreSQL",
    6432: "PgBouncer",
    3306: "MySQL",
    27017: "MongoDB",
    15672: "RabbitMQ's management",
    5672: "RabbitMQ",
    5555: "Flower",
    8081: "an administration page",
    11211: "memcached",
}
#: On these a project's own services may listen as well: port → what the service must be called, or do.
_SHARED_PORTS = {5555: ("flower",), 8081: ("express", "commander", "admin", "insight")}
_EVERY_ADDRESS = frozenset({"*", "0.0.0.0", "::", "-::*"})  # noqa: S104 - looked for, not bound
_EMPTY_PASSWORDS = ("MYSQL_ALLOW_EMPTY_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_ALLOW_EMPTY_PASSWORD")
_ROOT_PASSWORDS = ("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD")


@project_rule("RC118")
def management_port_open(project: Project) -> Iterator[Finding]:
    """A port that the whole network reaches."""
    services: list[Server | Process] = [*project.profile.servers, *project.profile.processes]
    for service in services:
        for port in service.ports if service.origin == "compose" else ():
            who = _who(service, port)
            if who and not is_hole(port.host) and not Address(host=port.host or "0.0.0.0").is_local:  # noqa: S104
                yield found(
                    port.place,
                    f"{who} is published on every address of the machine, past its firewall."
                    if not port.host or port.host in _EVERY_ADDRESS
                    else f"{who} is published on an address that other machines reach.",
                    mend="Write 127.0.0.1: before the port, or leave it out: services of one network need none.",
                )


def _who(service: Server | Process, port: Port) -> str:
    """Return who listens on a published port; empty if that is no store and no management page."""
    first, _, last = port.target.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        return ""
    number = next((one for one in _PORTS if int(first) <= one <= int(last or first)), 0)
    words = _SHARED_PORTS.get(number)
    said = f"{service.name} {getattr(service, 'image', '')} {getattr(service, 'role', '')}".lower()
    return _PORTS.get(number, "") if words is None or any(word in said for word in words) else ""


@project_rule("RC119")
def server_without_login(project: Project) -> Iterator[Finding]:
    """A server that asks nobody who they are."""
    for server in project.profile.servers:
        if server.kind == "redis":
            yield from _open_redis(server, project)
        environment = {one.name: one for one in server.environment}
        trust = environment.get("POSTGRES_HOST_AUTH_METHOD")
        if server.kind == "postgresql" and trust is not None and trust.value.strip().lower() == "trust":
            yield found(trust.place, "POSTGRES_HOST_AUTH_METHOD=trust: PostgreSQL lets everybody in as anybody.")
        has_password = any(f"{name}{end}" in environment for name in _ROOT_PASSWORDS for end in ("", "_FILE"))
        for name in _EMPTY_PASSWORDS if server.kind == "mysql" and not has_password else ():
            if name in environment and environment[name].value.strip():
                yield found(environment[name].place, f"{name}: root of this server has no password.")
        yield from _empty_password(server, project)


def _empty_password(server: Server, project: Project) -> Iterator[Finding]:
    """Find the switch that Bitnami's images have for all their servers."""
    environment = {one.name: one for one in server.environment}
    switch = environment.get("ALLOW_EMPTY_PASSWORD")
    if switch is None or switch.value.strip().lower() not in ("yes", "true", "1"):
        return
    has_password = any(name.endswith(("PASSWORD", "PASSWORD_FILE")) for name in environment if name != switch.name)
    if not has_password and (server.kind != "redis" or _may_hold_results(server, project)):
        yield found(switch.place, "ALLOW_EMPTY_PASSWORD, and no password is set: this server lets everybody in.")


def _open_redis(server: Server, project: Project) -> Iterator[Finding]:
    has_login = any(server.options.get(name) for name in ("requirepass", "aclfile", "user"))
    if has_login or not _may_hold_results(server, project):
        return
    for name, what in _openings(server):
        place = server.option_places.get(name, server.place)
        yield found(place, f"This Redis {what}, and nobody has to log in.")


def _openings(server: Server) -> Iterator[tuple[str, str]]:
    """Yield the option that opens a Redis to others, if there is one, and what it does."""
    options = server.options
    if options.get("protected-mode", "").lower() == "no":
        yield "protected-mode", "is not in protected mode"
    elif "protected-mode" not in options and _EVERY_ADDRESS & set(options.get("bind", "").split()):
        yield "bind", "listens on every address"


def _may_hold_results(server: Server, project: Project) -> bool:
    """Whether an app's results may lie there: not if the hosts of all results are known, and none is this one."""
    names = {server.name, *server.aliases}
    for app in project.profile.apps:
        if project.engine(app).name == "unknown":
            return True
        destination = destination_of(app, project)
        if destination is None or destination.kind != "redis":
            continue
        host = destination.address.host
        if server.origin == "file" or not host or is_hole(host) or host in names or Address(host=host).is_local:
            return True
    return not project.profile.apps
