"""What Celery's signatures consist of: what is sent first when one is, and what it ends in.

A signature may be an object of Celery's or the plain mapping that travelled in a message.
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


def first_of(signature: Any) -> Iterator[Any]:
    """Yield the simple signatures that are sent at once: a chain's first, a chord's header, all of a group."""
    kwargs = signature.get("kwargs") or {}
    kind = signature.get("subtask_type")
    if kind == "chain":
        inner = list(kwargs.get("tasks") or ())[:1]
    elif kind == "group":
        inner = list(kwargs.get("tasks") or ())
    elif kind == "chord":
        header = kwargs.get("header") or ()
        inner = [header] if isinstance(header, Mapping) else list(header)
    else:
        yield signature
        return
    for one in inner:
        yield from first_of(one)


def ends_of(signatures: Iterable[Mapping[str, Any]] | None) -> Iterator[Member]:
    """Yield the tasks these signatures end in: of a chain the last, of a chord its body, of a group each one.

    The ids are those that freezing gave them; what has none is left out.
    """
    for signature in signatures or ():
        kwargs = signature.get("kwargs") or {}
        kind = signature.get("subtask_type")
        if kind == "chain":
            yield from ends_of(list(kwargs.get("tasks") or ())[-1:])
        elif kind == "chord":
            yield from ends_of([kwargs["body"]] if kwargs.get("body") else [])
        elif kind == "group":
            yield from ends_of(kwargs.get("tasks"))
        else:
            options = signature.get("options") or {}
            if options.get("task_id"):
                yield Member(
                    options["task_id"], options.get("group_id"), options.get("group_index"), options.get("chord")
                )


def takes_results(body: Any) -> bool:
    """Return whether anything in a chord's body that is sent at once takes the results of the header.

    >>> from celery import Celery
    >>> app = Celery(set_as_current=False)
    >>> takes_results(app.signature("total")), takes_results(app.signature("total", immutable=True))
    (True, False)
    """
    return not body.get("immutable") and any(not one.get("immutable") for one in first_of(body))


def add_headers(signature: Any, headers: Mapping[str, Any]) -> int:
    """Add message headers to whatever is sent first, keeping those it has; return how many messages that is."""
    count = 0
    for one in first_of(signature):
        options = one["options"]
        options["headers"] = {**(options.get("headers") or {}), **headers}
        count += 1
    return count
