"""The housekeeper: one thread of a worker that does, now and then, what nobody else is there to do.

It delivers the spool when the store is back, and finishes chords that a worker left behind when it died. Each worker
has one, in its main process; a process that had to spool a record gets one too, until its spool is empty.
"""

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable

from rootcellar.errors import RootcellarError

logger = logging.getLogger(__name__)

#: Bounds of the pause between two attempts to deliver a spool.
DELIVERY_PAUSE_S = (0.1, 2.0)

_housekeepers: "weakref.WeakSet[Housekeeper]" = weakref.WeakSet()


class Housekeeper:
    """Calls ``deliver`` for as long as there is something to deliver, and ``reconcile`` every ``interval_s`` seconds.

    ``deliver()`` returns whether the spool is empty now. Pauses are varied at random, so that the workers of a fleet do
    not come all at once.
    """

    def __init__(self, deliver: Callable[[], bool], reconcile: Callable[[], object], interval_s: float) -> None:
        self._deliver = deliver
        self._reconcile = reconcile
        self._interval_s = interval_s
        self._reset()
        _housekeepers.add(self)

    def _reset(self) -> None:
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._is_asked_to_end = False
        #: whether it stays, and looks after chords
        self._is_resident = False
        #: calls since it last looked whether it may go
        self._is_called = False

    def reside(self) -> None:
        """Be there until :meth:`close`, and look after chords: this is a worker's main process."""
        with self._starting:
            self._is_resident = True
            self._is_asked_to_end = False
        self.come()

    def come(self) -> None:
        """Be there until the spool is empty."""
        with self._starting:
            self._is_called = True
            if self._thread is None and not self._is_asked_to_end:
                self._woken.clear()
                self._thread = threading.Thread(target=self._run, name="rootcellar-housekeeper", daemon=True)
                self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread, waiting ``timeout_s`` for what it is doing; :meth:`reside` has it come again."""
        self._is_asked_to_end = True
        self._woken.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    @property
    def is_running(self) -> bool:
        """Whether it is there."""
        return self._thread is not None

    def _run(self) -> None:
        shortest_s, longest_s = DELIVERY_PAUSE_S
        pause_s = shortest_s
        next_look = time.monotonic()
        while True:
            is_empty = bool(self._attempt(self._deliver))
            if self._may_go(is_empty):
                return
            pause_s = shortest_s if is_empty else min(pause_s * 2, longest_s)
            now = time.monotonic()
            if self._is_resident and now >= next_look:
                self._attempt(self._reconcile)
                next_look = now + self._interval_s * random.uniform(0.5, 1.0)  # noqa: S311
            to_look_s = max(0.0, next_look - time.monotonic()) if self._is_resident else longest_s
            # An empty spool may be filled by another process of this host.
            most_s = min(longest_s if is_empty else pause_s, to_look_s)
            self._woken.wait(most_s * random.uniform(0.8, 1.0))  # noqa: S311

    def _may_go(self, is_empty: bool) -> bool:
        """Decide, under the lock that :meth:`come` takes, whether the thread is over; if so, its caller must return."""
        with self._starting:
            is_over = self._is_asked_to_end or (is_empty and not self._is_resident and not self._is_called)
            self._is_called = False
            if is_over:
                self._thread = None
            return is_over

    def _attempt(self, job: Callable[[], object]) -> object:
        try:
            return job()
        except RootcellarError as exc:
            logger.debug("Housekeeping is tried again: %s", exc)
        except Exception:
            logger.exception("Housekeeping failed, and is tried again")
        return None

    def leave_to_parent(self) -> None:
        """In a forked child: forget the parent's thread."""
        self._reset()


def _after_fork_in_child() -> None:
    for housekeeper in list(_housekeepers):
        housekeeper.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
