"""Blocking calls on behalf of event loops: one thread, that ends when it has had nothing to do for a while."""

import os
import queue
import threading
import weakref
from collections.abc import Callable

from rootcellar.waiting.hub import LINGER_S

_all: "weakref.WeakSet[Errands]" = weakref.WeakSet()


class Errands:
    """Runs functions in one thread, in the order they come."""

    def __init__(self, linger_s: float = LINGER_S) -> None:
        self._linger_s = linger_s
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a thread at this moment."""
        return self._thread is not None

    def run(self, errand: Callable[[], None]) -> None:
        """Have ``errand`` called. It must not raise."""
        with self._lock:
            self._queue.put(errand)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="rootcellar-errands", daemon=True)
                try:
                    self._thread.start()
                except BaseException:  # no more threads to be had
                    self._thread = None
                    self._queue.get()
                    raise

    def _work(self) -> None:
        while True:
            try:
                errand = self._queue.get(timeout=self._linger_s)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
            else:
                errand()
                del errand  # and with it the loop it was for

    def leave_to_parent(self) -> None:
        """In a forked child: forget the parent's thread and what it had to do."""
        self._reset()


def _after_fork_in_child() -> None:
    for errands in list(_all):
        errands.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)
