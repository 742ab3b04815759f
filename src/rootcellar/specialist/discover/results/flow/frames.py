"""The frame: names and what they stand for, in a module, a class, a function or a comprehension."""

import ast
from dataclasses import dataclass, field

from rootcellar.specialist.discover.results.flow.things import Thing, either

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Loop:
    """A ``for`` or ``while`` that is being walked through: what makes it one that polls."""

    is_while: bool
    #: names that a ``for`` binds
    targets: frozenset[str] = frozenset()
    is_in_test: bool = False
    #: (attribute, variable, tasks) of each question put to a result, in the loop's test and in all of it
    tested: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    sleeps: bool = False
    #: names of results of tasks that are sent in it
    sent: set[str] = field(default_factory=set)


@dataclass
class Context:
    """The function that code stands in."""

    #: dotted; empty at module level
    function: str = ""
    #: the task's name if it is one, or belongs to one
    task: str = ""
    is_coroutine: bool = False
    scope: Scope | None = None
    #: loops and comprehensions around the code
    depth: int = 0
    loops: list[Loop] = field(default_factory=list)
    #: ``with allow_join_result()`` around it
    joins: int = 0
    #: variables of results that are known to be there by now
    ready: frozenset[str] = frozenset()
    returned: Thing = None
    yielded: Thing = None


@dataclass
class Frame:
    """Names by what they stand for. A name that is bound to something of no interest is there as ``None``."""

    context: Context
    parent: "Frame | None" = None
    names: dict[str, Thing] = field(default_factory=dict)
    is_module: bool = False
    #: the dotted name of the class it is of
    qualified: str = ""

    def find(self, name: str) -> tuple[bool, Thing]:
        """Return whether a name is bound here or outside, and to what."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return True, frame.names[name]
            frame = frame.parent
        return False, None

    def merge(self, one: dict[str, Thing], other: dict[str, Thing]) -> None:
        """Bind what two branches leave behind."""
        merged = dict(one)
        for name, thing in other.items():
            merged[name] = either(merged.get(name), thing)
        self.names = merged
