"""The spot: where a Python file sets something, as libcst sees it, with the bytes that it takes."""

# ruff: noqa: N802 - libcst names its methods after its nodes

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider

from rootcellar.specialist.mending.not_mended import NotMended

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Spot:
    """One place that sets something. Spans are offsets into the file as UTF-8: first byte, byte behind the last."""

    #: ``statement``, ``entry`` (of a mapping) or ``keyword``
    kind: str
    #: name that is set, and what is in front of it in an assignment: ``app.conf.``, ``app.conf[``, or nothing
    name: str
    base: str
    span: Span
    name_span: Span
    value_span: Span
    #: of a comma behind an entry or keyword
    comma: Span | None
    line: int
    #: in bytes
    column: int
    #: the block, mapping or call that it is in
    container: cst.CSTNode
    #: number of things in that container
    siblings: int
    #: whether a neighbour can be written just like it
    is_plain: bool = True
    #: whether it is an annotated field of a class, whose name says more: what may be passed, or which variable is read
    is_field: bool = False
    #: of what is in the value, if that is a list, tuple or set: spans of each item and of the comma behind it
    items: tuple[tuple[Span, Span | None], ...] = ()


class Spots(cst.CSTVisitor):
    """All spots of a file."""

    METADATA_DEPENDENCIES = (ByteSpanPositionProvider, PositionProvider)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._data = text.encode()
        self.found: list[Spot] = []
        self._blocks: list[tuple[cst.CSTNode, int]] = []
        self._classes: set[cst.CSTNode] = set()

    def visit_Module(self, node: cst.Module) -> None:
        """Enter the outermost block."""
        self._blocks.append((node, len(node.body)))

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """Remember its block."""
        self._classes.add(node.body)

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        """Enter a block."""
        self._blocks.append((node, len(node.body)))

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock) -> None:
        """Leave it."""
        self._blocks.pop()

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        """Note an assignment that stands on a line of its own."""
        if len(node.body) != 1:
            return
        statement = node.body[0]
        if isinstance(statement, cst.Assign) and len(statement.targets) == 1:
            target = statement.targets[0].target
        elif isinstance(statement, cst.AnnAssign):
            target = statement.target
        else:
            return
        named = self._named(target)
        if named is None or statement.value is None:
            return
        name, name_node, base = named
        container, siblings = self._blocks[-1]
        self._add(
            "statement", name, base, node, name_node, statement.value, None, container, siblings,
            is_plain=isinstance(statement, cst.Assign),
            is_field=isinstance(statement, cst.AnnAssign) and container in self._classes,
        )  # fmt: skip

    def visit_Dict(self, node: cst.Dict) -> None:
        """Note a mapping's entries."""
        for entry in node.elements:
            if isinstance(entry, cst.DictElement) and isinstance(entry.key, cst.SimpleString):
                name = entry.key.evaluated_value
                if isinstance(name, str):
                    self._add("entry", name, "", entry, entry.key, entry.value, entry.comma, node, len(node.elements))

    def visit_Call(self, node: cst.Call) -> None:
        """Note a call's keywords."""
        for argument in node.args:
            if argument.keyword is not None:
                self._add(
                    "keyword", argument.keyword.value, "", argument, argument.keyword, argument.value, argument.comma,
                    node, len(node.args),
                )  # fmt: skip

    def _named(self, target: cst.CSTNode) -> tuple[str, cst.CSTNode, str] | None:
        if isinstance(target, cst.Name):
            return target.value, target, ""
        if isinstance(target, cst.Attribute):
            return target.attr.value, target.attr, f"{_code(target.value)}."
        if isinstance(target, cst.Subscript) and len(target.slice) == 1:
            index = target.slice[0].slice
            if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
                name = index.value.evaluated_value
                if isinstance(name, str):
                    return name, index.value, f"{_code(target.value)}["
        return None

    def _add(
        self,
        kind: str,
        name: str,
        base: str,
        node: cst.CSTNode,
        name_node: cst.CSTNode,
        value: cst.CSTNode,
        comma: object,
        container: cst.CSTNode,
        siblings: int,
        *,
        is_plain: bool = True,
        is_field: bool = False,
    ) -> None:
        span = self._span(node)
        self.found.append(
            Spot(
                kind,
                name,
                base,
                span,
                self._span(name_node),
                self._span(value),
                self._span(comma) if isinstance(comma, cst.Comma) else None,
                self.get_metadata(PositionProvider, node).start.line,
                span[0] - self._line_start(span[0]),
                container,
                siblings,
                is_plain,
                is_field,
                tuple(self._items(value)),
            )
        )

    def _items(self, value: cst.CSTNode) -> Iterator[tuple[Span, Span | None]]:
        if isinstance(value, (cst.List, cst.Tuple, cst.Set)):
            for one in value.elements:
                yield self._span(one), self._span(one.comma) if isinstance(one.comma, cst.Comma) else None

    def _line_start(self, offset: int) -> int:
        """Return where a line begins: a column counts bytes, as in :mod:`ast`, and libcst's counts characters."""
        return max(self._data.rfind(b"\n", 0, offset), self._data.rfind(b"\r", 0, offset)) + 1

    def _span(self, node: cst.CSTNode) -> Span:
        span = self.get_metadata(ByteSpanPositionProvider, node)
        return span.start, span.start + span.length


def spots_in(text: str) -> Iterator[Spot]:
    """Yield the spots of a Python file, in the order of its lines.

    Raises:
        NotMended: it is no Python that libcst reads.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        spots = Spots(text)
        wrapper.visit(spots)
    except (cst.ParserSyntaxError, RecursionError) as exc:
        raise NotMended(f"the file cannot be parsed ({type(exc).__name__})") from None
    yield from sorted(spots.found, key=lambda one: one.span)


def _code(node: cst.CSTNode) -> str:
    return cst.Module(body=[]).code_for_node(node)
