"""The hub: waits for records on behalf of every thread, greenlet and coroutine of one process.

One thread owns the store's notification connection, and everything the hub knows; callers reach it only through two
queues and a wake-up, none of which can block. So a finalizer, which may run at any moment in any thread, can give up
a wait without touching a lock or a socket (celery/celery#10477 is what happens otherwise).

The thread is started by the first wait and ends when nothing has been waited for for a while. Nobody waits, nothing
is paid.
"""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress

from rootcellar.errors import RootcellarError
from rootcellar.record import Record
from rootcellar.stores.base import BATCH, Heard, Store, Watcher, batches

logger = logging.getLogger(__name__)

#: A second look this long after a wait began covers a change that was under way while it was being registered.
SECOND_LOOK_S = 0.05
#: How long the thread and its connection are kept when nobody waits.
LINGER_S = 5.0
#: Bounds of the pause before the notification connection is made again.
RECONNECT_S = (0.05, 2.0)

_hubs: "weakref.WeakSet[Hub]" = weakref.WeakSet()
# Watchers a fork left behind; closing one in the child would end the parent's subscription.
_inherited: list[Watcher | None] = []


class Wait:
    """One caller's wait for some ids. Give it to :meth:`Hub.cancel` when it is over."""

    __slots__ = ("__weakref__", "deliver", "every_state", "ids", "is_cancelled", "pid")

    def __init__(self, ids: Iterable[str], deliver: Callable[[Record], None], every_state: bool) -> None:
        self.ids = frozenset(ids)
        self.deliver = deliver
        self.every_state = every_state
        self.is_cancelled = False
        #: the process it waits in; a fork inherits the object, and not the wait
        self.pid = os.getpid()


class Hub:
    """Waits on one store."""

    def __init__(self, store: Store, *, look_interval_s: float = 1.0, linger_s: float = LINGER_S) -> None:
        """``look_interval_s``: how often everything waited for is read again, whether or not anything was heard."""
        self._store = store
        self._look_interval_s = look_interval_s
        self._linger_s = linger_s
        self._reset()
        _hubs.add(self)

    def _reset(self) -> None:
        self._arrivals: deque[Wait] = deque()
        self._departures: deque[Wait] = deque()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watcher: Watcher | None = None
        self._is_asked_to_end = False
        # What follows belongs to the thread.
        self._waits: dict[str, list[Wait]] = {}
        self._dropped: list[str] = []
        self._second_looks: deque[tuple[float, list[str]]] = deque()
        self._next_look = 0.0
        self._idle_since = 0.0

    # -- for callers ----------------------------------------------------------------------------------------------

    def wait(self, ids: Iterable[str], deliver: Callable[[Record], None], *, every_state: bool = False) -> Wait:
        """Have ``deliver(record)`` called, in the hub's thread, once for each id when its record is final.

        With ``every_state``, also for each change before that; the same record may then come more than once.
        ``deliver`` must return at once: hand the record over, do not work on it.
        """
        wait = Wait(ids, deliver, every_state)
        self._arrivals.append(wait)
        try:
            self._ensure_running()
        except BaseException:
            self.cancel(wait)
            raise
        self._wake()
        return wait

    def cancel(self, wait: Wait) -> None:
        """Stop waiting. Takes no lock and does no I/O; a delivery already under way may still arrive."""
        wait.is_cancelled = True
        self._departures.append(wait)

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread and its connection, waiting ``timeout_s`` for it; open waits get nothing more."""
        self._is_asked_to_end = True
        thread = self._thread
        self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    @property
    def is_running(self) -> bool:
        """Whether the hub has its thread and connection at this moment."""
        return self._thread is not None

    def _ensure_running(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._is_asked_to_end = False
                self._thread = threading.Thread(target=self._run, name="rootcellar-hub", daemon=True)
                try:
                    self._thread.start()
                except BaseException:  # no more threads to be had
                    self._thread = None
                    raise

    def _wake(self) -> None:
        watcher = self._watcher
        if watcher is not None:
            watcher.wake()

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._wait_for_ever()
        finally:  # also where a greenlet is killed, or the interpreter ends
            if self._thread is threading.current_thread():
                self._thread = self._watcher = None

    def _wait_for_ever(self) -> None:
        pause_s = RECONNECT_S[0]
        self._idle_since = time.monotonic()
        while True:
            try:
                with closing(self._store.watcher()) as watcher:
                    self._begin(watcher)
                    while not self._may_end():
                        self._turn(watcher)
                        pause_s = RECONNECT_S[0]
                    return
            except Exception as exc:
                # Whatever it was, waiters must not be left alone: try again for as long as there are any.
                logger.warning("There is no notification connection; it is made again: %s", exc)
                self._watcher = None
                self._take_queues()
                if self._may_end():
                    return
                with suppress(RootcellarError):
                    self._look_again(time.monotonic())
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, RECONNECT_S[1])

    def _may_end(self) -> bool:
        """Decide, under the lock that starting takes, whether the thread is over; if so, its caller must return."""
        is_idle = not self._waits and time.monotonic() - self._idle_since >= self._linger_s
        if not (is_idle or self._is_asked_to_end):
            return False
        with self._starting:
            # Say so first and look then: a caller who comes after the look finds no thread, and starts one.
            thread, self._thread = self._thread, None
            if self._arrivals:
                self._thread = thread
                self._is_asked_to_end = False
                return False
            self._watcher = None
            self._waits.clear()
            return True

    def _begin(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._second_looks.clear()
        for batch in batches(self._waits):
            watcher.add(batch)
        self._next_look = 0.0  # whatever changed meanwhile was not heard

    def _turn(self, watcher: Watcher) -> None:
        new = self._take_queues()
        dropped, self._dropped = self._dropped, []
        for batch in batches(i for i in dropped if i not in self._waits):
            watcher.discard(batch)
        for batch in batches(new):
            watcher.add(batch)
            self._look(batch)
        now = time.monotonic()
        if new:
            self._second_looks.append((now + SECOND_LOOK_S, new))
        if self._waits:
            self._idle_since = now
        self._look_again(now)
        self._hear(watcher.poll(self._until_next_look(now)))

    def _take_queues(self) -> list[str]:
        """Bring ``_waits`` up to date; return the ids of the waits that are new."""
        new: dict[str, None] = {}
        while self._arrivals:
            wait = self._arrivals.popleft()
            if wait.is_cancelled:
                continue  # its departure may have been taken before its arrival
            for record_id in wait.ids:
                self._waits.setdefault(record_id, []).append(wait)
                new[record_id] = None
        while self._departures:
            wait = self._departures.popleft()
            for record_id in wait.ids:
                self._remove(record_id, wait)
        return [record_id for record_id in new if record_id in self._waits]

    def _remove(self, record_id: str, wait: Wait) -> None:
        waits = self._waits.get(record_id, [])
        if wait in waits:
            waits.remove(wait)
            if not waits:
                del self._waits[record_id]
                self._dropped.append(record_id)

    def _until_next_look(self, now: float) -> float:
        if not self._waits:
            return max(0.0, self._idle_since + self._linger_s - now)
        due = self._next_look
        if self._second_looks:
            due = min(due, self._second_looks[0][0])
        return max(0.0, due - now)

    def _look_again(self, now: float) -> None:
        while self._second_looks and self._second_looks[0][0] <= now:
            self._look([i for i in self._second_looks.popleft()[1] if i in self._waits])
        if self._next_look <= now:
            self._look(list(self._waits))
            # So much is waited for that looking takes long: do not spend more than a tenth of the time on it.
            took_s = time.monotonic() - now
            self._next_look = now + max(self._look_interval_s, 10 * took_s)

    def _look(self, ids: Sequence[str]) -> None:
        for batch in batches(ids, BATCH):
            for record in self._store.get_many(batch).values():
                self._deliver(record)

    def _hear(self, heard: Heard) -> None:
        for record in heard.records:
            self._deliver(record)
        if heard.ids:
            self._look([i for i in dict.fromkeys(heard.ids) if i in self._waits])

    def _deliver(self, record: Record) -> None:
        for wait in list(self._waits.get(record.id, ())):
            if not (record.is_final or wait.every_state):
                continue
            if record.is_final:
                self._remove(record.id, wait)
            try:
                wait.deliver(record)
            except Exception:
                logger.exception("A waiter for task %s failed to take its record", record.id)

    def leave_to_parent(self) -> None:
        """In a forked child: forget the parent's waits, thread and connection without touching them."""
        _inherited.append(self._watcher)
        self._reset()


def _after_fork_in_child() -> None:
    for hub in list(_hubs):
        hub.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _close_all() -> None:
    for hub in list(_hubs):
        hub.close(timeout_s=1.0)


atexit.register(_close_all)
