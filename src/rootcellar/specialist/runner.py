"""The runner: does calls one after the other in a thread of its own, so that a call that hangs can be given up."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Hung(Exception):
    """A call did not return in the time it was given."""


class Runner:
    """One daemon thread. After a call has hung the thread is lost, and so is the runner.

    One thread, not one per call: Celery keeps a backend, with its connections, for each thread.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[[], T], within_s: float) -> T:
        """Return what ``function()`` returns, or raise what it raises.

        Raises:
            Hung: it took more than ``within_s`` seconds; it may still be running.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rootcellar-test", daemon=True)
            self._thread.start()
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._calls.put((function, answer))
        try:
            value, error = answer.get(timeout=within_s)
        except queue.Empty:
            raise Hung(f"no answer within {within_s:g} s") from None
        if error is not None:
            raise error
        result: T = value
        return result

    def close(self) -> None:
        """Let the thread end when it has nothing left to do."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            function, answer = call
            try:
                answer.put((function(), None))
            except BaseException as exc:
                answer.put((None, exc))
