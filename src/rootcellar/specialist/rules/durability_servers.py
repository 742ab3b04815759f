"""Durability, where the servers themselves lose results."""

from collections.abc import Iterator

from rootcellar.specialist.profile import App
from rootcellar.specialist.profile.address import is_hole
from rootcellar.specialist.rules.durability import is_persistence_off, keeps_nothing
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: Kinds of servers whose container loses its data with it.
_KINDS = ("redis", "postgresql", "mysql", "mongodb")


@app_rule("RC302")
def eviction_loses_results(app: App, project: Project) -> Iterator[Finding]:
    """A Redis that throws results away when its memory is full."""
    probe = project.probe(app)
    if probe and probe.facts.get("maxmemory_policy", "noeviction") != "noeviction":
        yield found(
            app.where("result_backend"),
            f"The Redis behind result_backend evicts ({probe.facts['maxmemory_policy']}): when full, it drops results.",
            evidence=f"{probe.facts.get('evicted_keys', 0):,} keys evicted since it started",
        )
    for server in project.server_of(project.backend(app), "redis"):
        policy = server.options.get("maxmemory-policy", "noeviction").lower()
        if policy.startswith(("allkeys-", "volatile-")):
            yield found(
                server.option_places.get("maxmemory-policy", server.place),
                f"maxmemory-policy {policy}: this Redis holds results, and drops them when its memory is full.",
            )


@app_rule("RC303")
def persistence_off(app: App, project: Project) -> Iterator[Finding]:
    """A Redis that writes nothing to disk."""
    if keeps_nothing(project.probe(app)):
        yield found(
            app.where("result_backend"),
            "The Redis behind result_backend writes neither snapshots nor an append-only file.",
            evidence="CONFIG GET save is empty; aof_enabled is 0.",
        )
    for server in project.server_of(project.backend(app), "redis"):
        if is_persistence_off(server.options):
            yield found(
                server.option_places.get("save", server.place),
                "This Redis holds results and writes neither snapshots nor an append-only file: a restart loses all.",
            )


@app_rule("RC304")
def container_without_volume(app: App, project: Project) -> Iterator[Finding]:
    """A container that takes its data along."""
    address = project.backend(app)
    if not address.host or is_hole(address.host):
        return
    for server in project.profile.servers:
        if server.is_called(address.host) and server.kind in _KINDS and server.has_volume is False:
            yield found(
                server.place,
                f"The service {server.name} holds results and has no volume: they go with its container.",
            )
