"""Compose files: the services they start, with the place of everything that a rule may want to point at."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from rootcellar.specialist.discover.env_files import variables_of
from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.discover.services import dockerfile
from rootcellar.specialist.discover.services.compose_service import Service
from rootcellar.specialist.discover.services.images import keeps_data, kind_by_command, kind_of, options_of, version_of
from rootcellar.specialist.discover.services.process_line import process_of
from rootcellar.specialist.discover.services.yaml_node import YAMLNode, documents
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Process, Server, Variable

_FILE = re.compile(
    r"^(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml$|^[\w.-]+[._-](?:docker-)?compose\.ya?ml$", re.IGNORECASE
)


def find_services(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the processes, the servers, and the secrets written in compose files."""
    processes: list[Process] = []
    servers: list[Server] = []
    literals: list[Variable] = []
    for folder, files in _files(tree).items():
        known = {one.name: one.value for one in _env_file(tree, posixpath.join(folder, ".env"))}
        for service in _services(tree, files, known):
            found = _read(service, tree)
            if isinstance(found, Process):
                processes.append(found)
            else:
                servers.append(found)
        for file in files:
            literals.extend(_literals(file))
    return processes, servers, literals


def _files(tree: Tree) -> dict[str, list[YAMLNode]]:
    """Return the compose files by folder: first the one that the others of the folder are laid upon."""
    found: dict[str, list[YAMLNode]] = {}
    for path in tree.paths:
        folder, _, name = path.rpartition("/")
        if _FILE.match(name):
            for document in documents(tree, path):
                if document.is_mapping:
                    found.setdefault(folder, []).append(document)
    for files in found.values():
        files.sort(
            key=lambda one: (len(re.split(r"[._-]", one.path.replace("docker-", ""))), "override" not in one.path)
        )
    return found


def _services(tree: Tree, files: list[YAMLNode], known: Mapping[str, str]) -> Iterator[Service]:
    """Yield the services of a folder's files. One without image and build is laid upon that of an earlier file."""
    found: list[Service] = []
    for file in files:
        listed = file.get("services")
        if listed is None and "image" not in file.entries():
            # Before version 2 the services stood at the top.
            listed = file if any(value.get("image") for _, value in file.entries().values()) else None
        for name, (key, node) in (listed.entries() if listed is not None else {}).items():
            if not node.is_mapping:
                continue
            layers = [*_extended(tree, file, node), node]
            whole = any(layer.get("image") or layer.get("build") for layer in layers)
            under = None if whole else next((one for one in found if one.name == name), None)
            if under is not None:
                under.layers.extend(layers)
            elif whole or node.get("command"):
                found.append(Service(name, key.place, layers, dict(known)))
    yield from found


def _extended(tree: Tree, file: YAMLNode, node: YAMLNode, depth: int = 0) -> list[YAMLNode]:
    """Return the services that a service extends, the furthest one first."""
    extends = node.get("extends")
    if extends is None or depth > 8:
        return []
    name, other = extends.text or extends.said("service"), extends.said("file")
    if other:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), other))
        read = documents(tree, path) if path in tree.paths else []
        file = read[0] if read else file
    base = file.get("services", name)
    return [*_extended(tree, file, base, depth + 1), base] if base is not None and base is not node else []


def _read(service: Service, tree: Tree) -> Process | Server:
    environment = tuple(_environment(service, tree))
    words = service.words("entrypoint") + service.words("command")
    image = service.text("image")
    built = service.build()
    last = dockerfile.last_stage(tree, built) if built is not None else None
    if last is not None:
        image = image if kind_of(image) else last.image if kind_of(last.image) else image
        words = words if service.has("command") or service.has("entrypoint") else last.words
    kind = kind_by_command(kind_of(image), (word for word, _ in words))
    command = tuple(word for word, _ in words)
    if not kind or (built is not None and process_of(command)["role"] != "other"):
        line = process_of(command)
        if image.partition(":")[0].endswith("/flower") and line["role"] == "other":
            line["role"] = "flower"
        line["replicas"] *= service.replicas()
        return Process(
            service.name, service.place, command=command, origin="compose", environment=environment,
            ports=service.ports(), **line,
        )  # fmt: skip
    if last is None or service.has("command") or service.has("entrypoint"):
        words = service.flat_words("entrypoint") + service.flat_words("command")
    options = options_of(kind, words, environment)
    written = service.last("image")
    return Server(
        service.name, service.place, kind, "compose", image, version_of(image), options.values, options.places,
        service.ports(), keeps_data(kind, service.mounts(), options, environment), environment, service.aliases(),
        written.place if written is not None and image == service.text("image") else None,
    )  # fmt: skip


def _environment(service: Service, tree: Tree) -> Iterable[Variable]:
    """Return a service's variables by name: what ``environment`` sets wins over its env files."""
    found: dict[str, Variable] = {}
    for path in service.env_files():
        found.update((one.name, one) for one in _env_file(tree, path))
    found.update((one.name, one) for one in service.environment())
    return found.values()


def _env_file(tree: Tree, path: str) -> Iterator[Variable]:
    if path in tree.paths:
        yield from variables_of(tree.text(path) or "", path)


def _literals(file: YAMLNode) -> Iterator[Variable]:
    """Yield the secrets that stand in a file, wherever: ``environment`` of either form, commands, extensions."""
    seen: set[Variable] = set()
    for name, node in file.below():
        if node.is_list:
            found = in_words(((Service.unresolved(one.text), one.place) for one in node.elements()), name)
        elif name in ("command", "entrypoint", "test"):
            found = in_words(node.words(Service.unresolved(node.text)), name)
        else:
            found = in_entry(name, Service.unresolved(node.text), node.place)
        for one in found:
            if one not in seen:
                seen.add(one)
                yield one
