"""Kubernetes: the processes and servers of manifests, and of Helm charts."""

import re
from collections.abc import Iterator, Mapping

from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.discover.services import helm, server_files
from rootcellar.specialist.discover.services.images import (
    Options,
    Word,
    keeps_data,
    kind_by_command,
    kind_of,
    options_of,
    version_of,
)
from rootcellar.specialist.discover.services.kubernetes_object import KubernetesObject, filled, objects_in, variables
from rootcellar.specialist.discover.services.process_line import is_shell, process_of
from rootcellar.specialist.discover.services.yaml_node import YAMLNode
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Port, Process, Server, Variable

_Sources = dict[tuple[str, str], dict[str, Variable]]
#: Volumes that end with the pod, or hold no data of its own.
_FLEETING = ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "ephemeral")
#: Objects whose secrets only a key opens, or that only name one.
_SEALED = re.compile(r"^(?:Sealed|External|ClusterExternal|Vault\w*)Secret|SecretStore|CustomResourceDefinition", re.I)
_MOST_PODS = 16


def find_services(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the processes, the servers, and the secrets written in manifests and Helm values."""
    objects = list(objects_in(tree))
    sources: _Sources = {}
    for one in objects:
        if one.kind in ("ConfigMap", "Secret"):
            data = {name: Variable(name, text, place) for name, text, _, place in one.data()}
            sources.setdefault((one.kind, one.name), {}).update(data)
    processes: list[Process] = []
    servers: list[Server] = []
    literals: dict[Variable, None] = {}
    for one in objects:
        literals.update(dict.fromkeys(_literals(one)))
        pod = one.pod if one.is_workload else None
        listed = pod.get("containers") if pod is not None else None
        containers = [
            container for container in (listed.elements() if listed is not None else ()) if container.is_mapping
        ]
        for container in containers:
            found = _container(one, container, objects, sources, is_alone=len(containers) == 1)
            if isinstance(found, Process):
                processes.append(found)
            else:
                servers.append(found)
    charts = helm.find_services(tree)
    return [*processes, *charts[0]], [*servers, *charts[1]], [*literals, *charts[2]]


def _container(
    workload: KubernetesObject, node: YAMLNode, objects: list[KubernetesObject], sources: _Sources, *, is_alone: bool
) -> Process | Server:
    environment = tuple(variables(node, sources))
    known = {one.name: one.value for one in environment}
    words = _words(node, known)
    image = node.said("image")
    kind = kind_by_command(kind_of(image), (word for word, _ in words))
    name = workload.name if is_alone or kind else f"{workload.name}/{node.said('name')}"
    said = workload.node.said("spec", "replicas")
    replicas = int(said) if said.isdigit() and len(said) < 6 else 1
    if not kind:
        command = tuple(word for word, _ in words)
        line = process_of(command)
        line["replicas"] *= replicas
        return Process(name, workload.place, command=command, origin="kubernetes", environment=environment, **line)
    options = Options()
    for text, place in _mounted_files(workload, node, objects):
        server_files.read(kind, text, place.path, place.line, options)
    own = options_of(kind, _words(node, known, is_flat=True), environment)
    options.values.update(own.values)
    options.places.update(own.places)
    written = node.get("image")
    return Server(
        name, workload.place, kind, "kubernetes", image, version_of(image), options.values, options.places,
        _host_ports(node), keeps_data(kind, _lasting_mounts(workload, node), options, environment), environment,
        tuple(_aliases(workload, objects, replicas)), written.place if written is not None else None,
    )  # fmt: skip


def _words(container: YAMLNode, known: Mapping[str, str], *, is_flat: bool = False) -> list[Word]:
    """Return command and arguments; ``is_flat``: with the script of ``sh -c`` split too."""
    parts = [
        (filled(one.text, dict(known)), one)
        for name in ("command", "args")
        if (node := container.get(name)) is not None
        for one in node.elements()
    ]
    found: list[Word] = []
    for at, (text, node) in enumerate(parts):
        is_script = is_flat and at and is_shell(parts[0][0]) and re.match(r"^-\w*c$", parts[at - 1][0])
        found.extend(node.words(text) if is_script else [(text, node.place)])
    return found


def _host_ports(container: YAMLNode) -> tuple[Port, ...]:
    listed = container.get("ports")
    return tuple(
        Port(one.said("hostIP"), one.said("hostPort"), one.said("containerPort"), one.place)
        for one in (listed.elements() if listed is not None else ())
        if one.said("hostPort")
    )


def _volumes(workload: KubernetesObject) -> dict[str, YAMLNode]:
    pod = workload.pod
    listed = pod.get("volumes") if pod is not None else None
    return {one.said("name"): one for one in (listed.elements() if listed is not None else ())}


def _mounts(container: YAMLNode) -> Iterator[tuple[str, str]]:
    """Yield ``(name of the volume, path)``."""
    listed = container.get("volumeMounts")
    for one in listed.elements() if listed is not None else ():
        yield one.said("name"), one.said("mountPath")


def _lasting_mounts(workload: KubernetesObject, container: YAMLNode) -> Iterator[str]:
    volumes = _volumes(workload)
    for name, path in _mounts(container):
        volume = volumes.get(name)
        # One that is not listed is a claim of the StatefulSet's own.
        if volume is None or not any(volume.get(key) is not None for key in _FLEETING):
            yield path


def _mounted_files(
    workload: KubernetesObject, container: YAMLNode, objects: list[KubernetesObject]
) -> Iterator[tuple[str, Place]]:
    """Yield ``(text, line in which it begins)`` of the configuration files that ConfigMaps put into it."""
    volumes = _volumes(workload)
    for name, _ in _mounts(container):
        volume = volumes.get(name)
        source = volume.said("configMap", "name") if volume is not None else ""
        for one in objects:
            if source and one.kind == "ConfigMap" and one.name == source:
                for file, text, node, _ in one.data():
                    if re.search(r"\.(?:conf|cnf|ini)$", file):
                        place = node.place
                        yield text, Place(place.path, place.line + 1 if "\n" in text else place.line)


def _aliases(workload: KubernetesObject, objects: list[KubernetesObject], replicas: int) -> Iterator[str]:
    """Yield the host names that Kubernetes Services give to a workload."""
    labels = workload.labels
    for one in objects:
        if one.kind != "Service":
            continue
        selector = one.node.get("spec", "selector")
        wanted = {name: value.text for name, (_, value) in selector.entries().items()} if selector is not None else {}
        if not wanted or not wanted.items() <= labels.items():
            continue
        space = one.node.said("metadata", "namespace")
        names = [one.name, *(f"{one.name}.{space}{end}" for end in ("", ".svc", ".svc.cluster.local") if space)]
        if workload.kind == "StatefulSet":
            names.extend(
                f"{workload.name}-{number}.{name}" for number in range(min(replicas, _MOST_PODS)) for name in names[:]
            )
        yield from (name for name in names if name != workload.name)


def _literals(one: KubernetesObject) -> Iterator[Variable]:
    """Yield the secrets that stand in an object: in variables, data, command lines, and wherever else."""
    if _SEALED.search(one.kind):
        return
    if one.kind in ("ConfigMap", "Secret"):
        for name, text, _, place in one.data():
            yield from in_entry(name, text, place)
        return
    for name, node in one.node.below(pairs=("name", "value")):
        if node.is_list:
            yield from in_words(((filled(each.text, {}), each.place) for each in node.elements()), name)
        else:
            yield from in_entry(name, filled(node.text, {}), node.place)
