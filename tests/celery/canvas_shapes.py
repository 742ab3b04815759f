"""The shapes of Celery's canvas, and what is to come out of each."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from celery import Celery, chain, chord, group
from celery.result import AsyncResult, ResultBase, ResultSet
from versions import REPLACING_GROUPS_ARE_ORDERED

from servers import wait_until

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Shape(NamedTuple):
    """A canvas: how it is started with an app's tasks, and its value."""

    start: Callable[[Any], ResultBase]
    value: Any
    #: a member keeps no result, so that there is nothing of it to be seen
    has_gaps: bool = False
    #: what this Celery may give just as well
    other_value: Any = None


class Tasks:
    """The tasks of an app as attributes: ``tasks.add.s(1, 2)``."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        return self._app.tasks[name]


def _pair(t: Any) -> list[Any]:
    return [t.add.s(1, 1), t.add.s(2, 2)]


SHAPES: dict[str, Shape] = {
    "a chain": Shape(lambda t: chain(t.add.s(1, 1), t.add.s(10), t.add.s(100)).apply_async(), 112),
    "a group": Shape(lambda t: group(t.add.s(i, i) for i in range(5)).apply_async(), [0, 2, 4, 6, 8]),
    "a group of groups": Shape(lambda t: group(group(_pair(t)), t.add.s(3, 3)).apply_async(), [2, 4, 6]),
    "a map": Shape(lambda t: t.echo.map([1, 2, 3]).apply_async(), [1, 2, 3]),
    "a starmap": Shape(lambda t: t.add.starmap([(1, 2), (3, 4)]).apply_async(), [3, 7]),
    "chunks": Shape(
        lambda t: t.add.chunks(zip(range(5), range(5), strict=True), 2).apply_async(), [[0, 2], [4, 6], [8]]
    ),
    "a chord": Shape(lambda t: chord([t.add.s(i, i) for i in range(10)])(t.echo.s()), [2 * i for i in range(10)]),
    "a chord of a group": Shape(lambda t: chord(group(_pair(t)), t.total.s()).apply_async(), 6),
    "a chord by the pipe": Shape(lambda t: (group(_pair(t)) | t.total.s()).apply_async(), 6),
    "a chord with one member": Shape(lambda t: chord([t.add.s(1, 1)], t.echo.s()).apply_async(), [2]),
    "a chord with no member": Shape(lambda t: chord([], t.echo.s(), app=t._app).apply_async(), []),
    "a chord of a generator": Shape(lambda t: chord(t.add.s(i, i) for i in range(5))(t.echo.s()), [0, 2, 4, 6, 8]),
    "a chord with a hundred members": Shape(
        lambda t: chord([t.echo.s(i) for i in range(100)])(t.echo.s()), list(range(100))
    ),
    "a chord whose body takes no results": Shape(lambda t: chord(_pair(t), t.add.si(20, 22)).apply_async(), 42),
    "a chord whose body has arguments of its own": Shape(
        lambda t: chord(_pair(t), t.list_with.s(7)).apply_async(), [2, 4, 7]
    ),
    "a chord that is applied late": Shape(lambda t: chord(_pair(t), t.total.s()).apply_async(countdown=0.2), 6),
    "a chord that is given arguments": Shape(
        lambda t: chord([t.add.s(1), t.add.s(2)], t.echo.s()).apply_async((10,)), [11, 12]
    ),
    "a chord with a member that keeps no result": Shape(
        lambda t: chord([t.echo.s(1).set(ignore_result=True), t.echo.s(2)], t.echo.s()).apply_async(),
        [1, 2],
        has_gaps=True,
    ),
    "a chord with null and empty results": Shape(
        lambda t: chord([t.echo.s(None), t.echo.s([]), t.echo.s({"a": "☃"})], t.echo.s()).apply_async(),
        [None, [], {"a": "☃"}],
    ),
    "a chord in a group": Shape(lambda t: group(chord(_pair(t), t.total.s()), t.add.s(1, 0)).apply_async(), [6, 1]),
    "a chord in a chain": Shape(
        lambda t: chain(t.add.s(1, 1), chord([t.add.s(1), t.add.s(2)], t.total.s()), t.add.s(100)).apply_async(), 107
    ),
    "a group in a chain": Shape(
        lambda t: chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2)), t.total.s()).apply_async(), 7
    ),
    "a group at the end of a chain": Shape(
        lambda t: chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2))).apply_async(), [3, 4]
    ),
    "two groups in a chain": Shape(
        lambda t: chain(group(_pair(t)), group(t.echo.s(), t.total.s()), t.echo.s()).apply_async(), [[2, 4], 6]
    ),
    "a chain of chords": Shape(
        lambda t: chain(
            chord(_pair(t), t.total.s(), app=t._app),
            chord([t.add.s(1), t.add.s(2)], t.total.s(), app=t._app),
            t.add.s(100),
            app=t._app,
        ).apply_async(),
        115,
    ),
    "a chain in a chord": Shape(
        lambda t: chord([chain(t.add.s(1, 1), t.add.s(10)), t.add.s(2, 2)], t.echo.s()).apply_async(), [12, 4]
    ),
    # Celery takes such a group apart, and begins at its end.
    "a group in a chord": Shape(lambda t: chord([group(_pair(t)), t.add.s(3, 3)], t.echo.s()).apply_async(), [4, 2, 6]),
    "a chain that ends in a group in a chord": Shape(
        lambda t: chord([chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2))), t.add.s(3, 3)], t.echo.s()).apply_async(),
        [[3, 4], 6],
    ),
    "a chord whose body is a group in a chord": Shape(
        lambda t: chord([chord(_pair(t), group(t.total.s(), t.echo.s())), t.add.s(3, 3)], t.echo.s()).apply_async(),
        [[6, [2, 4]], 6],
    ),
    "a chain with a group in a chord": Shape(
        lambda t: chord(
            [chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2)), t.total.s()), t.add.s(3, 3)], t.echo.s()
        ).apply_async(),
        [7, 6],
    ),
    "a chord in a chord": Shape(
        lambda t: chord([chord(_pair(t), t.echo.s()), t.add.s(3, 3)], t.echo.s()).apply_async(), [[2, 4], 6]
    ),
    "a chord in a chord in a chord": Shape(
        lambda t: chord([chord([chord(_pair(t), t.total.s())], t.total.s()), t.echo.s(1)], t.total.s()).apply_async(), 7
    ),
    "a chord whose body is a chain": Shape(
        lambda t: chord(_pair(t), chain(t.total.s(), t.add.s(100))).apply_async(), 106
    ),
    "a chord whose body is a group": Shape(
        lambda t: chord(_pair(t), group(t.total.s(), t.echo.s())).apply_async(), [6, [2, 4]]
    ),
    "a chord whose body is a chord": Shape(
        lambda t: chord(_pair(t), chord([t.total.s(), t.echo.s()], t.echo.s())).apply_async(), [6, [2, 4]]
    ),
    "a task that becomes a chord": Shape(lambda t: t.becomes.delay("a chord"), 6),
    "a task that becomes a group": Shape(lambda t: t.becomes.delay("a group"), [2, 4]),
    "a task of a chord that becomes a chord": Shape(
        lambda t: chord([t.becomes.s("a chord"), t.echo.s(1)], t.echo.s()).apply_async(), [6, 1]
    ),
    "a task of a chord that becomes a group": Shape(
        lambda t: chord([t.becomes.s("a group"), t.echo.s(1)], t.echo.s()).apply_async(),
        [[2, 4], 1],
        other_value=None if REPLACING_GROUPS_ARE_ORDERED else [[4, 2], 1],
    ),
    "a task of a chord that becomes a chain": Shape(
        lambda t: chord([t.becomes.s("a chain"), t.echo.s(1)], t.echo.s()).apply_async(), [12, 1]
    ),
    "a task of a chain that becomes a chord": Shape(
        lambda t: chain(t.becomes.si("a chord"), t.add.s(100)).apply_async(), 106
    ),
}


def describe(result: ResultBase) -> Any:
    """Return all that can be seen of a result and what hangs on it, the ids numbered in their order."""
    numbers: dict[str, str] = {}
    seen: set[str] = set()

    def named(text: str) -> str:
        return _UUID.sub(lambda match: numbers.setdefault(match[0], f"#{len(numbers) + 1}"), text)

    def value_of(node: AsyncResult) -> Any:
        found = node.result
        return f"{type(found).__name__}: {named(str(found))}" if isinstance(found, BaseException) else found

    def look(node: Any) -> Any:
        name = named(node.id)
        if node.id in seen:
            return name
        seen.add(node.id)
        parent = node.parent and look(node.parent)
        if isinstance(node, ResultSet):
            return {"group": name, "members": [look(member) for member in node.results], "parent": parent}
        wait_until(node.ready, "a worker has stored it: Celery sends what comes next in a chain before that")
        state, value = node.state, value_of(node)
        children = [look(child) for child in node.children or ()]
        return {"task": name, "state": state, "value": value, "children": children, "parent": parent}

    return look(result)
