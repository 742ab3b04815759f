"""The YAML node: a YAML file's data with the line of each piece. Nothing is constructed, so nothing can be run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.discover.lines import line_with, lines_of
from rootcellar.specialist.discover.services.process_line import split_line
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Unread

WITHOUT_YAML = "YAML files are read with PyYAML: pip install 'rootcellar[check]'"
#: Characters above which a YAML file is not read, and levels of brackets.
_MOST = 500_000
_DEEPEST = 200
#: Lines that two words of a command are apart at most.
_FURTHEST = 50
#: Stand in a template's text for what it leaves open, and become the braces of a hole, which YAML reads as its own.
HOLE_BEGINS, HOLE_ENDS = "\ue000", "\ue001"
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True, eq=False)
class YAMLNode:
    """A node. An alias is the node that it stands for: nothing is copied, so that aliases of aliases cost nothing."""

    path: str
    raw: Any = field(repr=False)
    #: the file, by lines
    source: Sequence[str] = field(repr=False)
    _entries: dict[int, "dict[str, tuple[YAMLNode, YAMLNode]]"] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> Place:
        """The line in which it begins."""
        return Place(self.path, self.raw.start_mark.line + 1)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return bool(self.raw.id == "mapping")

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return bool(self.raw.id == "sequence")

    @property
    def text(self) -> str:
        """A scalar as it is written; empty for null and for what is no scalar; ``{vault}`` for ``!vault``."""
        if self.raw.id != "scalar" or self.raw.tag == _NULL:
            return ""
        tag = str(self.raw.tag)
        if tag.startswith("!") and len(tag) > 1:
            return "{" + tag[1:] + "}"
        return str(self.raw.value).replace(HOLE_BEGINS, "{").replace(HOLE_ENDS, "}")

    def words(self, text: str) -> list[tuple[str, Place]]:
        """Split ``text``, this scalar's with its variables filled in, as a shell would; each word with its line."""
        line, last = self.raw.start_mark.line + 1, self.raw.end_mark.line + 1
        found = []
        for word in split_line(text):
            line = line_with(self.source, [word], start=line, end=min(last, line + _FURTHEST))
            found.append((word, Place(self.path, line)))
        return found

    def entries(self) -> "dict[str, tuple[YAMLNode, YAMLNode]]":
        """Return a mapping's keys and values by name, what it merges (``<<``) included; the last of equal keys wins."""
        known = self._entries.get(id(self.raw))
        if known is not None:
            return known
        self._entries[id(self.raw)] = {}  # one that merges itself
        own: dict[str, tuple[YAMLNode, YAMLNode]] = {}
        merged: dict[str, tuple[YAMLNode, YAMLNode]] = {}
        for key, value in self.raw.value if self.is_mapping else ():
            if key.tag == _MERGE or (key.id == "scalar" and key.value == "<<"):
                several = value.value if value.id == "sequence" else [value]
                for one in several:
                    merged = {**self._at(one).entries(), **merged}
            elif key.id == "scalar":
                own[str(key.value)] = (self._at(key), self._at(value))
        self._entries[id(self.raw)] = merged | own
        return self._entries[id(self.raw)]

    def get(self, *names: str) -> "YAMLNode | None":
        """Return what a mapping has below these names; ``None`` where it has nothing."""
        node: YAMLNode | None = self
        for name in names:
            found = node.entries().get(name) if node is not None else None
            node = found[1] if found is not None else None
        return node

    def said(self, *names: str) -> str:
        """Return the text below these names; empty where there is none."""
        node = self.get(*names)
        return node.text if node is not None else ""

    def elements(self) -> "list[YAMLNode]":
        """Return a list's elements; nothing if it is no list."""
        return [self._at(one) for one in self.raw.value] if self.is_list else []

    def below(self, pairs: tuple[str, str] | None = None) -> "Iterator[tuple[str, YAMLNode]]":
        """Yield ``(name, node)`` for each scalar and list at any depth, once; an element has the name of its list.

        With ``pairs``, say ``("name", "value")``, a mapping of both keys names the value after the first one's.
        """
        seen: set[int] = set()
        waiting = [("", self)]
        while waiting:
            name, node = waiting.pop()
            if id(node.raw) in seen:
                continue
            seen.add(id(node.raw))
            if node.raw.id == "scalar":
                yield name, node
            elif node.is_list:
                yield name, node
                waiting.extend((name, one) for one in reversed(node.elements()))
            else:
                entries = [(str(key.value), self._at(value)) for key, value in node.raw.value if key.id == "scalar"]
                named = dict(entries)
                if pairs is not None and all(key in named for key in pairs):
                    entries = [(named[pairs[0]].text, named[pairs[1]])]
                waiting.extend(reversed(entries))

    def _at(self, raw: Any) -> "YAMLNode":
        return YAMLNode(self.path, raw, self.source, self._entries)


def documents(tree: Tree, path: str, text: str | None = None) -> list[YAMLNode]:
    """Return a file's documents, the empty ones left out; what cannot be read is noted in ``tree.unread``.

    ``text`` stands for the file's own, if the caller has made it readable.
    """
    try:
        import yaml
    except ImportError:
        return _give_up(tree, path, 0, WITHOUT_YAML)
    text = tree.text(path) if text is None else text
    if text is None:
        return []
    if len(text) > _MOST:
        return _give_up(tree, path, 0, f"it has {len(text):,} characters; YAML files above {_MOST:,} are not read")
    if _is_too_deep(text):
        return _give_up(tree, path, 0, "it is nested too deeply")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        nodes = list(yaml.compose_all(_printable(text), Loader=loader))
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        return _give_up(tree, path, mark.line + 1 if mark is not None else 0, "it is no well-formed YAML")
    except (yaml.YAMLError, RecursionError, ValueError):
        return _give_up(tree, path, 0, "it is no well-formed YAML")
    source = lines_of(text)
    return [YAMLNode(path, node, source) for node in nodes if node is not None]


def _give_up(tree: Tree, path: str, line: int, why: str) -> list[YAMLNode]:
    if not any(one.place.path == path for one in tree.unread):
        tree.unread.append(Unread(Place(path, line), why))
    return []


def _printable(text: str) -> str:
    """Take out what YAML allows in no file, so that the rest of it can be read."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)


def _is_too_deep(text: str) -> bool:
    """Whether brackets or lists in lists (``- - - -``) nest beyond reason: the parser goes as deep in its stack."""
    level = deepest = 0
    for letter in re.findall(r"[\[\]{}]", text):
        level += 1 if letter in "[{" else -1
        deepest = max(deepest, level)
    if deepest > _DEEPEST:
        return True
    return re.search(r"^ {2000}|(?:[-?] ){200}", text, re.MULTILINE) is not None
