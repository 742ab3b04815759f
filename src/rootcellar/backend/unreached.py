"""What is never going to run: of a chain whose link was revoked, of a body whose chord failed.

Some of it may be a member of a chord, which waits for it. Celery tells that chord of a link that *failed*, and of
nothing else (celery/celery#10526 is one case): the chord then never ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Member(NamedTuple):
    """A task that is never going to run, as a request of Celery's would tell of it."""

    id: str
    #: the id of the header it is in, and its place there; ``None``: it is no chord's member
    group: str | None
    group_index: int | None
    #: the body of that chord
    chord: Any


def members(signatures: Iterable[Mapping[str, Any]] | None) -> Iterator[Member]:
    """Yield the tasks these signatures end in: of a chain the last, of a chord its body, of a group each one.

    The ids are those that freezing gave them; what has none is left out.
    """
    for signature in signatures or ():
        last = _last(signature)
        if last is not None:
            yield from members(last)
            continue
        options = signature.get("options") or {}
        if options.get("task_id"):
            yield Member(options["task_id"], options.get("group_id"), options.get("group_index"), options.get("chord"))


def _last(signature: Mapping[str, Any]) -> list[Any] | None:
    """Return what a chain, chord or group ends in; ``None`` for a simple signature."""
    kind = signature.get("subtask_type")
    kwargs = signature.get("kwargs") or {}
    if kind == "chain":
        return list(kwargs.get("tasks") or ())[-1:]
    if kind == "chord":
        return [kwargs["body"]] if kwargs.get("body") else []
    if kind == "group":
        return list(kwargs.get("tasks") or ())
    return None
