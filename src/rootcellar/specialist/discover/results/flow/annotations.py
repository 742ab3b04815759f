"""Annotations: what a parameter or variable stands for by its type."""

import ast
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.results.flow.celery_names import (
    APP_CLASSES,
    GROUP_RESULT_CLASSES,
    RESULT_CLASSES,
    SIGNATURES,
    TASK_CLASSES,
)
from rootcellar.specialist.discover.results.flow.expressions import thing_of
from rootcellar.specialist.discover.results.flow.frames import Frame
from rootcellar.specialist.discover.results.flow.things import (
    AppThing,
    Class,
    Dotted,
    Instance,
    Many,
    Result,
    Signature,
    TaskThing,
    Thing,
    either,
)

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow

_SAME = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "Awaitable", "Coroutine", "Generic"})
_MAPPINGS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"})
_LISTS = frozenset(
    {
        "list", "List", "tuple", "Tuple", "set", "Set", "frozenset", "Sequence", "Iterable", "Iterator", "Collection",
        "Generator", "deque", "AsyncIterator",
    }
)  # fmt: skip


def annotated(flow: "Flow", frame: Frame, node: ast.expr | None, depth: int = 0) -> Thing:
    """Return what an annotation says that something is; ``None`` where that is nothing of Celery's."""
    if node is None or depth > 8:
        return None
    match node:
        case ast.Constant(value=str(text)):
            try:
                return annotated(flow, frame, ast.parse(text, mode="eval").body, depth + 1)
            except (SyntaxError, ValueError):
                return None
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return either(annotated(flow, frame, left, depth + 1), annotated(flow, frame, right, depth + 1))
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            inners = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if name in _SAME:
                inners = inners[:1] if name == "Annotated" else inners
                return _first(flow, frame, inners, depth)
            if name in _MAPPINGS or name in _LISTS:
                item = _first(flow, frame, inners[-1:] if name in _MAPPINGS else inners[:1], depth)
                return Many(item, name in _MAPPINGS) if item is not None else None
            return annotated(flow, frame, node.value, depth + 1)
        case ast.Name() | ast.Attribute():
            return _class(flow, frame, node)
    return None


def _first(flow: "Flow", frame: Frame, nodes: list[ast.expr], depth: int) -> Thing:
    found: Thing = None
    for node in nodes:
        found = either(found, annotated(flow, frame, node, depth + 1))
    return found


def _class(flow: "Flow", frame: Frame, node: ast.Name | ast.Attribute) -> Thing:
    thing = thing_of(flow, frame, node)
    if isinstance(thing, Class):
        return AppThing() if thing.is_app else Instance(thing)
    name = thing.name if isinstance(thing, Dotted) else ""
    if name in RESULT_CLASSES:
        return Result()
    if name in GROUP_RESULT_CLASSES:
        return Result(is_group=True)
    if name in APP_CLASSES:
        return AppThing()
    if name in TASK_CLASSES:
        return TaskThing()
    if name in SIGNATURES and name.endswith("Signature"):
        return Signature()
    return None
