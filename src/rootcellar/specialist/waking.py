"""Waking: how long after a result is stored somebody who waits for it goes on."""

import threading
import time
from typing import Any

from rootcellar.specialist.subject import Subject

ROUNDS = 3
#: How long the waiter has been waiting when the result is stored; enough for its subscription.
LEAD_S = 0.15


def wake_up_times(subject: Subject) -> list[float]:
    """Wait for results that another thread stores after the waiter has begun; return the delays, in seconds.

    A delay is from the moment storing begins to the return of ``AsyncResult.get``.

    Raises:
        celery.exceptions.TimeoutError: the waiter was not woken.
    """
    delays = []
    for turn in range(ROUNDS):
        # Uneven leads, so that a backend that polls is not met at the same point of its period each time.
        storer = _Storer(subject, subject.new_id(), LEAD_S * (1 + turn / ROUNDS))
        storer.start()
        try:
            if not storer.is_ready.wait(subject.timeout_s):
                break
            value = subject.result(storer.task_id).get(timeout=subject.timeout_s)
        finally:
            returned_at = time.perf_counter()
            storer.join(subject.timeout_s)
        if storer.error is not None:
            raise storer.error
        if value != "woken":
            raise ValueError(f"the waiter got {value!r} instead of 'woken'")
        delays.append(max(0.0, returned_at - storer.began_at))
    if storer.error is not None:
        raise storer.error
    return delays


class _Storer(threading.Thread):
    """The worker's side: stores one result a little after it was told to."""

    def __init__(self, subject: Subject, task_id: str, lead_s: float) -> None:
        super().__init__(name="rootcellar-test-storer", daemon=True)
        self.task_id = task_id
        self.is_ready = threading.Event()
        self.began_at = 0.0
        self.error: BaseException | None = None
        self._subject = subject
        self._lead_s = lead_s

    def run(self) -> None:
        try:
            backend: Any = self._subject.backend  # this thread's own, as a worker has its own
            backend.get_task_meta(self.task_id, cache=False)  # connects
            self.is_ready.set()
            time.sleep(self._lead_s)
            self.began_at = time.perf_counter()
            backend.mark_as_done(self.task_id, "woken")
        except BaseException as exc:
            self.error = exc
            self.is_ready.set()
