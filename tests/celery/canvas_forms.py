"""Canvases around one member that something happens to, and bodies that leave notes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from canvas_shapes import Tasks
from celery import Celery, chain, chord, group
from versions import CHAINS_FAIL_BEHIND_CHORDS, GROUP_BODIES_CALL_ERRBACKS, GROUP_BODIES_FAIL


class Canvas:
    """What a canvas is built of: a member that something happens to, another, and bodies that leave notes."""

    def __init__(self, app: Celery, path: Path, member: Any, other: Any) -> None:
        self.tasks = Tasks(app)
        self.path = str(path)
        self.member = member
        self.other = other

    def body(self, tag: str = "body") -> Any:
        body = self.tasks.note_all.s(self.path, tag)
        body.link_error(self.tasks.note_error.s(path=self.path))
        return body


class Form(NamedTuple):
    """A canvas around a member: how it is built, its value where the member returns 1, and which bodies then run."""

    build: Callable[[Canvas], Any]
    value: Any
    bodies: dict[str, list[Any]]
    #: how many errbacks are called when the member fails
    errors: int
    #: with which faults this Celery calls another number of errbacks
    other_errors: Mapping[str, int] = {}
    #: with which faults Celery's own backend never ends: it does not tell the outer chord that a member will not come
    stock_hangs: frozenset[str] = frozenset()


FORMS = {
    "a chord": Form(lambda c: chord([c.member, c.other], c.body()), [1, 2], {"body": [[1, 2]]}, 1),
    "a chord with a group as its body": Form(
        lambda c: chord([c.member, c.other], group(c.body("left"), c.body("right"))),
        [[1, 2], [1, 2]],
        {"left": [[1, 2]], "right": [[1, 2]]},
        2 if GROUP_BODIES_CALL_ERRBACKS else 0,
        other_errors={} if GROUP_BODIES_FAIL else {"fails": 0, "revoked": 0},
    ),
    "a chord in a chain": Form(
        lambda c: chain(c.tasks.echo.s(0), chord([c.member, c.other], c.body()), c.body("end")),
        [1, 2],
        {"body": [[1, 2]], "end": [[1, 2]]},
        1,
        other_errors={} if CHAINS_FAIL_BEHIND_CHORDS else {"fails": 0, "revoked": 0},
    ),
    "a chain in a chord": Form(
        lambda c: chord([chain(c.member, c.tasks.note_all.s(c.path, "link")), c.other], c.body()),
        [1, 2],
        {"link": [1], "body": [[1, 2]]},
        1,
        stock_hangs=frozenset({"revoked"}),
    ),
    "a chain that ends in a group in a chord": Form(
        lambda c: chord([chain(c.member, group(c.tasks.echo.s(), c.tasks.echo.s())), c.other], c.body()),
        [[1, 1], 2],
        {"body": [[[1, 1], 2]]},
        1,
        stock_hangs=frozenset({"fails", "revoked"}),
    ),
    "a chord in a chord": Form(
        lambda c: chord([chord([c.member, c.other], c.body("inner")), c.tasks.echo.si(3)], c.body("outer")),
        [[1, 2], 3],
        {"inner": [[1, 2]], "outer": [[[1, 2], 3]]},
        2,
        stock_hangs=frozenset({"fails", "revoked"}),
    ),
    "a group": Form(lambda c: group(c.member, c.other), [1, 2], {}, 0),
}
