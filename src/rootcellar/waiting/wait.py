"""One caller's wait, as the hub keeps it."""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from rootcellar.record import Record


class Wait:
    """One caller's wait for some ids. Give it to :meth:`Hub.cancel` when it is over."""

    __slots__ = (
        "__weakref__",
        "deliver",
        "every_state",
        "ids",
        "is_abandoned",
        "is_cancelled",
        "is_looked_for",
        "missing",
        "pid",
    )

    def __init__(
        self,
        ids: Iterable[str],
        deliver: Callable[[Record], None],
        *,
        every_state: bool = False,
        is_abandoned: Callable[[], bool] | None = None,
    ) -> None:
        """``is_abandoned`` is asked now and then; once it is true, the wait is over as if it were cancelled."""
        # A frozenset of one is ten times as large as a tuple of one, and there may be ten thousand.
        is_one = isinstance(ids, tuple) and len(ids) == 1
        self.ids: Collection[str] = ids if is_one else frozenset(ids)  # type: ignore[assignment]
        self.deliver = deliver
        self.every_state = every_state
        self.is_abandoned = is_abandoned
        self.is_cancelled = False
        #: whether the hub has looked for all of it once
        self.is_looked_for = False
        #: how many of the ids are still waited for
        self.missing = len(self.ids)
        #: the process it waits in; a fork inherits the object, and not the wait
        self.pid = os.getpid()


@dataclass(slots=True)
class Followed:
    """What the hub knows of an id that somebody wants every state of."""

    #: how far it had come when it was last delivered
    rank: int = 0
    #: when it was last read (monotonic)
    read_at: float = 0.0
