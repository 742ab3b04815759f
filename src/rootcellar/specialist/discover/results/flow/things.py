"""Things: what an expression stands for as far as Celery is concerned. An expression that is none of these is ``None``.

Two of a kind meet where branches of the code do: :func:`either`.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.profile import Place, Value


@dataclass(frozen=True, slots=True)
class Dotted:
    """A name of the project, of a package or of Python, not looked at yet: ``shop.tasks.send``, ``celery.chord``."""

    name: str


@dataclass(frozen=True, slots=True)
class AppThing:
    """A Celery app; ``target`` is empty where it cannot be told which."""

    target: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """``app.tasks``."""


@dataclass(frozen=True, slots=True)
class TaskMaker:
    """A decorator that makes tasks: ``app.task``, ``app.task(bind=True)``, ``shared_task``.

    ``call`` is the call with the options, ``None`` without one; ``target`` the app's.
    """

    target: str = ""
    call: ast.Call | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TaskThing:
    """A task, or one of several; no names where it cannot be told which."""

    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature. ``tasks`` are those whose result one would get by sending it: of a chain, the last one's."""

    tasks: tuple[str, ...] = ()
    #: whether it sends when it is called (a chain, a group, a chord); a single task's runs at once, in the process
    is_canvas: bool = False
    #: whether its result is a group's
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ChordHeader:
    """``chord(header)``, which is called with its body."""

    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """An AsyncResult, or a GroupResult or ResultSet."""

    tasks: tuple[str, ...] = ()
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """A list, set, mapping or iterator with things in it."""

    item: "Thing" = None
    is_mapping: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A tuple of known length, some of whose items are things."""

    items: tuple["Thing", ...]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a thing, not called (yet)."""

    of: "Thing"
    name: str
    #: the variable that the thing is in
    variable: str = ""
    #: what ``partial()`` and the like give it beforehand
    given: ast.Call | None = field(default=None, compare=False)
    #: it is called in another thread
    is_elsewhere: bool = False


@dataclass(eq=False)
class Function:
    """A function of the project. The node is let go of when its module is done."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | None
    #: the frame it is defined in
    closure: Any = None
    owner: "Class | None" = None
    #: the flow of its module
    home: Any = None
    #: the task's name if it is one, or the one task of its module that calls it
    task: str = ""
    is_task: bool = False
    is_bound: bool = False
    is_property: bool = False
    returned: "Thing" = None
    #: what is passed to it, by parameter
    given: dict[str, "Thing"] = field(default_factory=dict)
    runs: int = 0
    is_running: bool = False
    #: what was known of it when it was last walked through
    known: tuple[object, ...] = ()


@dataclass(eq=False)
class Class:
    """A class of the project."""

    name: str
    bases: tuple["Thing", ...] = ()
    #: derived from Celery's Task; ``task`` is its name, if it is a class-based task and no base of others
    is_task: bool = False
    is_app: bool = False
    task: str = ""
    methods: dict[str, Function] = field(default_factory=dict)
    #: options of a task that it sets: name → (value, place)
    options: dict[str, tuple[Value, Place]] = field(default_factory=dict)
    #: attributes of the class and of ``self``
    attributes: dict[str, "Thing"] = field(default_factory=dict)

    def attribute(self, name: str, depth: int = 0) -> "Thing":
        """Return an attribute or method, its own or inherited."""
        found: Thing = self.attributes.get(name) or self.methods.get(name)
        if found is None and depth < 8:
            parents = (base.attribute(name, depth + 1) for base in self.bases if isinstance(base, Class))
            found = next((one for one in parents if one is not None), None)
        return found


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a class of the project."""

    of: Class


Thing = (
    Dotted
    | AppThing
    | Registry
    | TaskMaker
    | TaskThing
    | Signature
    | ChordHeader
    | Result
    | Many
    | Row
    | Method
    | Function
    | Class
    | Instance
    | None
)


def either(one: Thing, other: Thing) -> Thing:
    """Return what stands for one thing or the other. A known one counts: in that branch it is what it is.

    >>> either(Result(("a",)), Result(("b",)))
    Result(tasks=('a', 'b'), is_group=False)
    >>> either(None, Result(("a",)))
    Result(tasks=('a',), is_group=False)
    """
    if one is None or one == other:
        return other
    if other is None:
        return one
    if isinstance(one, Result) and isinstance(other, Result):
        return Result(union(one.tasks, other.tasks), one.is_group or other.is_group)
    if isinstance(one, Signature) and isinstance(other, Signature):
        tasks = union(one.tasks, other.tasks)
        return Signature(tasks, one.is_canvas and other.is_canvas, one.is_group or other.is_group)
    if isinstance(one, TaskThing) and isinstance(other, TaskThing):
        return TaskThing(union(one.tasks, other.tasks))
    if isinstance(one, Many) and isinstance(other, Many):
        return Many(either(one.item, other.item), one.is_mapping or other.is_mapping)
    # A name that says nothing yields to what is known.
    return other if isinstance(one, Dotted) else one


def union(*names: Iterable[str]) -> tuple[str, ...]:
    """Return all names, each once, in their order."""
    return tuple(dict.fromkeys(name for some in names for name in some))


def tasks_in(thing: Thing) -> tuple[str, ...]:
    """Return the names of the tasks that a thing, or what it holds, would give the results of."""
    match thing:
        case Signature() | TaskThing() | Result() | ChordHeader():
            return thing.tasks
        case Many(item=item):
            return tasks_in(item)
        case Row(items=items):
            return union(*(tasks_in(item) for item in items))
    return ()


def element(thing: Thing) -> Thing:
    """Return what iterating over a thing, or indexing it, gives."""
    match thing:
        case Many(item=item):
            return item
        case Row(items=items):
            found: Thing = None
            for item in items:
                found = either(found, item)
            return found
        case Result(tasks=tasks, is_group=True):
            return Result(tasks)
        case Registry():
            return TaskThing()
    return None
