"""The Kubernetes object: manifests read into objects, Helm's templates too as far as they are YAML."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rootcellar.specialist.discover.services.interpolation import interpolated
from rootcellar.specialist.discover.services.yaml_node import HOLE_BEGINS, HOLE_ENDS, YAMLNode, documents
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Unread, Variable

_HEAD = 4096
_FOLDERS = re.compile(
    r"(?:^|/)(?:k8s|kube|kubernetes|manifests?|deploy|deployments?|charts?|helm|kustomize|overlays)(?:/|$)"
)
_IS_MANIFEST = re.compile(r"^-?\s*[\"']?apiVersion[\"']?:", re.MULTILINE)
_HAS_KIND = re.compile(r"^\s*[\"']?kind[\"']?:", re.MULTILINE)
_ACTION = re.compile(r"\{\{((?:[^{}]|\{(?!\{)|\}(?!\})){0,2000})\}\}")
_NAME = re.compile(r"\.(?:Values\.)?([A-Za-z_][\w.]*)")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout"})


@dataclass(frozen=True, eq=False)
class KubernetesObject:
    """A manifest's object."""

    kind: str
    name: str
    node: YAMLNode = field(repr=False)

    @property
    def is_workload(self) -> bool:
        """Whether it runs containers."""
        return self.kind in _WORKLOADS

    @property
    def place(self) -> Place:
        """The line of its name."""
        metadata = self.node.get("metadata")
        entry = metadata.entries().get("name") if metadata is not None else None
        return entry[0].place if entry is not None else self.node.place

    @property
    def pod(self) -> YAMLNode | None:
        """The specification of its pods."""
        if self.kind == "Pod":
            return self.node.get("spec")
        if self.kind == "CronJob":
            return self.node.get("spec", "jobTemplate", "spec", "template", "spec")
        return self.node.get("spec", "template", "spec")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its pods."""
        where = ("metadata", "labels") if self.kind == "Pod" else ("spec", "template", "metadata", "labels")
        node = self.node.get(*where)
        return {name: value.text for name, (_, value) in node.entries().items()} if node is not None else {}

    def data(self) -> Iterator[tuple[str, str, YAMLNode, Place]]:
        """Yield ``(key, value, node of the value, line of the key)`` of a ConfigMap or Secret, base64 decoded."""
        for section in ("data", "stringData"):
            node = self.node.get(section)
            for name, (key, value) in node.entries().items() if node is not None else ():
                text = value.text
                if self.kind == "Secret" and section == "data":
                    text = _decoded(text)
                yield name, text, value, key.place


def objects_in(tree: Tree) -> Iterator[KubernetesObject]:
    """Yield the objects of all manifests, in the order of the files."""
    for path in tree.paths:
        if not path.endswith((".yaml", ".yml")) or path.rpartition("/")[2] in ("Chart.yaml", "Chart.yml"):
            continue
        text = _manifest(tree, path)
        if text is None:
            continue
        is_template = "{{" in text
        before = len(tree.unread)
        for document in documents(tree, path, without_actions(text) if is_template else text):
            yield from _objects(document)
        if is_template and len(tree.unread) > before:
            place = tree.unread.pop().place
            tree.unread.append(Unread(place, "it is a template that is no YAML without its values"))


def _objects(document: YAMLNode) -> Iterator[KubernetesObject]:
    kind = document.said("kind")
    if kind == "List":
        items = document.get("items")
        for item in items.elements() if items is not None else ():
            if item.said("kind") != "List":
                yield from _objects(item)
    elif kind:
        yield KubernetesObject(kind, document.said("metadata", "name"), document)


def _manifest(tree: Tree, path: str) -> str | None:
    """Return the text of a manifest; ``None`` for other YAML files, of which only the beginning is read."""
    full = tree.root / path
    try:
        if not full.is_file():  # a pipe would never end
            return None
        with full.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return tree.text(path)  # says why it cannot be read
    if not (_IS_MANIFEST.search(head) and _HAS_KIND.search(head)) and not _FOLDERS.search(path):
        return None
    text = tree.text(path)
    return text if text is not None and _IS_MANIFEST.search(text) and _HAS_KIND.search(text) else None


def without_actions(text: str) -> str:
    """Take a template's ``{{ … }}`` out: a line of nothing else becomes empty, elsewhere a hole stands for it."""
    marked = _ACTION.sub(_hole, text)
    hole = f"{HOLE_BEGINS}[^{HOLE_ENDS}]*{HOLE_ENDS}"
    return re.sub(rf"^[ \t]*(?:{hole}[ \t]*)+$", "", marked, flags=re.MULTILINE)


def _hole(match: re.Match[str]) -> str:
    name = _NAME.search(match[1])
    # A comment or an action may go on for several lines, which have to stay as many.
    return f"{HOLE_BEGINS}{name[1] if name is not None else 'template'}{HOLE_ENDS}" + "\n" * match[0].count("\n")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text


def filled(text: str, known: dict[str, str]) -> str:
    """Fill in Kubernetes' own ``$(NAME)``.

    >>> filled("redis://:$(PW)@$(HOST)/0", {"HOST": "cache"})
    'redis://:{PW}@cache/0'
    """
    return interpolated(re.sub(r"\$\(([A-Za-z_][\w.-]*)\)", r"${\1}", text), known)


def variables(container: YAMLNode, sources: dict[tuple[str, str], dict[str, Variable]]) -> list[Variable]:
    """Return a container's variables. ``sources`` are the data of ConfigMaps and Secrets by kind and name.

    One that comes from a ConfigMap or Secret has the place of the value there.
    """
    found: dict[str, Variable] = {}
    listed = container.get("envFrom")
    for one in listed.elements() if listed is not None else ():
        for reference, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            prefix = one.said("prefix")
            for name, variable in sources.get((kind, one.said(reference, "name")), {}).items():
                found[prefix + name] = Variable(prefix + name, variable.value, variable.place)
    listed = container.get("env")
    for one in listed.elements() if listed is not None else ():
        name = one.said("name")
        value = one.get("value")
        if value is not None:
            known = {each.name: each.value for each in found.values()}
            found[name] = Variable(name, filled(value.text, known), value.place)
            continue
        for reference, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            where = one.get("valueFrom", reference)
            source = sources.get((kind, where.said("name")), {}).get(where.said("key")) if where is not None else None
            if source is not None:
                found[name] = Variable(name, source.value, source.place)
    return list(found.values())
