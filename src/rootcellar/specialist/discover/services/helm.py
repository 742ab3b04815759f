"""Helm values: what a chart's values say of processes and of the servers it brings along."""

import re
from collections.abc import Iterator

from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.discover.services import server_files
from rootcellar.specialist.discover.services.images import (
    Options,
    Word,
    kind_of,
    options_of,
    read_arguments,
    version_of,
)
from rootcellar.specialist.discover.services.process_line import process_of, split_line
from rootcellar.specialist.discover.services.yaml_node import YAMLNode, documents
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Process, Server, Variable

_FILE = re.compile(r"^(?:.+[._-])?values(?:[._-].+)?\.ya?ml$", re.IGNORECASE)
_ENVIRONMENTS = (
    "env",
    "extraEnv",
    "extraEnvVars",
    "envVars",
    "environment",
    "config",
    "configMap",
    "secrets",
    "secretEnv",
)
_MAIN = ("master", "primary", "replica", "")
#: Where charts take a configuration file's text, or a part of it.
_TEXTS = ("commonConfiguration", "configuration", "extendedConfiguration", "config", "customConfig", "extraConfig")
_DEEPEST = 6


def find_services(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the processes, the servers, and the secrets of all ``values*.yaml``."""
    processes: list[Process] = []
    servers: list[Server] = []
    literals: dict[Variable, None] = {}
    for path in tree.paths:
        if not _is_values(tree, path):
            continue
        for document in documents(tree, path):
            shared = _environment(document)
            own = list(_processes(document, shared))
            if shared and not own:
                own = [Process(path, Place(path), "other", origin="helm", environment=shared)]
            processes.extend(own)
            servers.extend(_servers(document))
            literals.update(dict.fromkeys(_literals(document)))
    return processes, servers, list(literals)


def _is_values(tree: Tree, path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if not _FILE.match(name):
        return False
    chart = f"{folder}/Chart.yaml".lstrip("/")
    return chart in tree.paths or not {"helm", "charts", "chart"}.isdisjoint(folder.lower().split("/"))


def _environment(node: YAMLNode) -> tuple[Variable, ...]:
    """Return the variables of a section: mappings, or lists of ``name`` and ``value``, under the usual names."""
    found: dict[str, Variable] = {}
    for key in _ENVIRONMENTS:
        section = node.get(key)
        if section is None:
            continue
        section = section.get("data") or section
        for name, (_, value) in section.entries().items():
            if value.raw.id == "scalar" and re.match(r"^[A-Z][A-Z0-9_]*$", name):
                found[name] = Variable(name, value.text, value.place)
        for one in section.elements():
            said = one.get("value")
            if said is not None:
                found[one.said("name")] = Variable(one.said("name"), said.text, said.place)
    return tuple(found.values())


def _processes(node: YAMLNode, shared: tuple[Variable, ...], name: str = "", depth: int = 0) -> Iterator[Process]:
    """Yield a process for each section whose command line is one of Celery's or of a web server's."""
    words = [word for key in ("command", "args") for word in _command(node.get(key))]
    command = tuple(word for word, _ in words)
    line = process_of(command)
    if line["role"] != "other":
        replicas = node.said("replicaCount") or node.said("replicas")
        line["replicas"] *= int(replicas) if replicas.isdigit() and len(replicas) < 6 else 1
        if line["concurrency"] is None and node.said("concurrency").isdigit():
            line["concurrency"] = int(node.said("concurrency")[:6])
        environment = (*shared, *(_environment(node) if depth else ()))
        yield Process(name or "values", words[0][1], command=command, origin="helm", environment=environment, **line)
    if depth < _DEEPEST:
        for key, (_, value) in node.entries().items():
            if value.is_mapping:
                yield from _processes(value, shared, key, depth + 1)


def _command(node: YAMLNode | None) -> list[Word]:
    if node is None:
        return []
    return [(one.text, one.place) for one in node.elements()] if node.is_list else node.words(node.text)


def _servers(document: YAMLNode) -> Iterator[Server]:
    """Yield the servers of subcharts: ``redis:``, ``postgresql:`` …, unless they are switched off."""
    for name, (key, node) in document.entries().items():
        kind = kind_of(re.sub(r"-(?:ha|cluster)$", "", name.lower()))
        if not kind or not node.is_mapping or node.said("enabled").lower() in ("false", "no"):
            continue
        image = _image(node)
        if not _is_chart(node):
            continue
        options = Options()
        persistence: list[bool] = []
        for part in _MAIN:
            section = node.get(part) if part else node
            if section is not None and section.is_mapping:
                _read(kind, section, options)
                said = section.said("persistence", "enabled").lower()
                persistence.extend([said in ("true", "yes")] if said else [])
        own = options_of(kind, [], _environment(node))
        options.values.update(own.values)
        options.places.update(own.places)
        password = node.get("auth", "password")
        if kind == "redis" and password is not None and password.text and node.said("auth", "enabled") != "false":
            options.put("requirepass", password.text, password.place)
        host = node.said("fullnameOverride") or name
        yield Server(
            host, key.place, kind, "helm", image, version_of(image), options.values, options.places,
            has_volume=persistence[0] if persistence else None, environment=_environment(node),
            aliases=tuple(f"{host}-{end}" for end in ("master", "primary", "headless")),
            image_place=_image_place(node),
        )  # fmt: skip


def _is_chart(node: YAMLNode) -> bool:
    """Whether a section sets up a server, and does not only say where one is (``redis: {host: …, port: …}``)."""
    names = set(node.entries())
    return not names <= {
        "host",
        "port",
        "url",
        "password",
        "username",
        "user",
        "database",
        "db",
        "name",
        "existingSecret",
    }


def _image(node: YAMLNode) -> str:
    image = node.get("image")
    if image is None or not image.is_mapping:
        return image.text if image is not None else ""
    tag = image.said("tag")
    return image.said("repository") + (f":{tag}" if tag else "")


def _image_place(node: YAMLNode) -> Place | None:
    written = node.get("image", "tag") or node.get("image")
    return written.place if written is not None else None


def _read(kind: str, section: YAMLNode, options: Options) -> None:
    for name in _TEXTS:
        node = section.get(name)
        if node is not None and node.raw.id == "scalar" and node.text:
            place = node.place
            server_files.read(kind, node.text, place.path, place.line + 1 if "\n" in node.text else place.line, options)
        for option, (key, value) in node.entries().items() if node is not None else ():
            if value.raw.id == "scalar":
                options.put(option, value.text, key.place)
    flags = section.get("extraFlags")
    if flags is not None:
        words = [(word, one.place) for one in (flags.elements() or [flags]) for word in split_line(one.text)]
        read_arguments(kind, words, options)


def _literals(document: YAMLNode) -> Iterator[Variable]:
    for name, node in document.below(pairs=("name", "value")):
        if node.is_list:
            yield from in_words(((one.text, one.place) for one in node.elements()), name)
        else:
            yield from in_entry(name, node.text, node.place)
