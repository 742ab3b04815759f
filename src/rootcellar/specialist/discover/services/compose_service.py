"""The compose service: one service, as the files laid upon each other make it."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rootcellar.specialist.discover.services.images import Word
from rootcellar.specialist.discover.services.interpolation import interpolated
from rootcellar.specialist.discover.services.process_line import is_shell
from rootcellar.specialist.discover.services.yaml_node import YAMLNode
from rootcellar.specialist.profile import Place, Port, Variable

_SHORT_PORT = re.compile(
    r"^(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)??(?:(?P<published>[^:]*):)?(?P<target>[^:/]+)(?:/\w+)?$"
)


@dataclass
class Service:
    """A service. ``layers`` are its mappings; the last wins, lists and mappings are joined, as compose does."""

    name: str
    place: Place
    layers: list[YAMLNode]
    #: variables of the ``.env`` file next to it
    known: Mapping[str, str]

    def has(self, name: str) -> bool:
        """Whether it sets a key."""
        return any(layer.get(name) is not None for layer in self.layers)

    def last(self, *names: str) -> YAMLNode | None:
        """Return the value of the last layer that has it."""
        found = (layer.get(*names) for layer in reversed(self.layers))
        return next((node for node in found if node is not None), None)

    def text(self, *names: str) -> str:
        """Return a text, variables filled in."""
        node = self.last(*names)
        return self._filled(node.text) if node is not None else ""

    def words(self, name: str) -> list[Word]:
        """Return a command, split, each word with the line it stands in."""
        node = self.last(name)
        if node is None:
            return []
        if node.is_list:
            return [(self._filled(one.text), one.place) for one in node.elements()]
        # A line break is no more than a space here, as compose starts no shell.
        return node.words(self._filled(node.text).replace("\n", " "))

    def flat_words(self, name: str) -> list[Word]:
        """Return a command as :meth:`words` does, but with the script of ``sh -c`` split too."""
        words, node = self.words(name), self.last(name)
        if node is None or len(words) < 3 or not is_shell(words[0][0]) or not re.match(r"^-\w*c$", words[1][0]):
            return words
        script = node.elements()[2] if node.is_list else node
        return script.words(words[2][0])

    def replicas(self) -> int:
        """Return how many containers it has."""
        said = self.text("deploy", "replicas") or self.text("scale")
        return int(said) if said.isdigit() and len(said) < 6 else 1

    def aliases(self) -> tuple[str, ...]:
        """Return its further host names."""
        found = [self.text("container_name"), self.text("hostname")]
        networks = self.last("networks")
        for _, network in networks.entries().values() if networks is not None else ():
            listed = network.get("aliases")
            found.extend(self._filled(one.text) for one in (listed.elements() if listed is not None else ()))
        return tuple(dict.fromkeys(name for name in found if name and name != self.name))

    def env_files(self) -> Iterator[str]:
        """Yield the paths of its env files, relative to the project's root."""
        for layer in self.layers:
            node = layer.get("env_file")
            for one in [node] if node is not None and not node.is_list else node.elements() if node is not None else ():
                path = self._filled(one.said("path") if one.is_mapping else one.text)
                yield posixpath.normpath(posixpath.join(posixpath.dirname(one.path), path))

    def environment(self) -> Iterator[Variable]:
        """Yield its variables; one without a value comes from the ``.env`` file, or from nowhere that is known."""
        for layer in self.layers:
            node = layer.get("environment")
            if node is None:
                continue
            for key, (name, value) in node.entries().items():
                if value.raw.tag.endswith(":null"):
                    yield from self._inherited(key, name.place)
                else:
                    yield Variable(key, self._filled(value.text), name.place)
            for one in node.elements():
                key, equals, text = one.text.partition("=")
                if equals:
                    yield Variable(key.strip(), self._filled(text), one.place)
                else:
                    yield from self._inherited(key.strip(), one.place)

    def ports(self) -> tuple[Port, ...]:
        """Return the ports it publishes."""
        found = []
        for layer in self.layers:
            node = layer.get("ports")
            for one in node.elements() if node is not None else ():
                if one.is_mapping:
                    host, published, target = (
                        self._filled(one.said(key)) for key in ("host_ip", "published", "target")
                    )
                    found.append(Port(host, published, target, one.place))
                    continue
                match = _SHORT_PORT.match(self._filled(one.text))
                if match is not None:
                    host = (match["host"] or "").strip("[]")
                    found.append(Port(host, match["published"] or "", match["target"], one.place))
        return tuple(found)

    def mounts(self) -> Iterator[str]:
        """Yield the paths in the container where something lasting is mounted."""
        for layer in self.layers:
            node = layer.get("volumes")
            for one in node.elements() if node is not None else ():
                if one.is_mapping:
                    if one.said("type") != "tmpfs":
                        yield self._filled(one.said("target"))
                    continue
                # `C:\data:/data` has one colon more.
                parts = re.split(r":(?!\\)", self._filled(one.text))
                yield parts[0] if len(parts) == 1 else next((part for part in parts[1:] if part.startswith("/")), "")

    def build(self) -> str | None:
        """Return the path of the Dockerfile it is built from; ``None`` if it is not built."""
        node = self.last("build")
        if node is None:
            return None
        context = self._filled(node.text or node.said("context")) or "."
        file = self._filled(node.said("dockerfile")) or "Dockerfile"
        return posixpath.normpath(posixpath.join(posixpath.dirname(node.path), context, file))

    def _inherited(self, name: str, place: Place) -> Iterator[Variable]:
        if name in self.known:
            yield Variable(name, self.known[name], place)

    def _filled(self, text: str) -> str:
        return interpolated(text, self.known, bare=True)

    @staticmethod
    def unresolved(text: str) -> str:
        """Fill in the defaults alone: they are what stands in the file."""
        return interpolated(text, bare=True)
