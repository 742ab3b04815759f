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
from contextlib import closing
from itertools import islice

from rootcellar.errors import RootcellarError
from rootcellar.record import Record, rank
from rootcellar.stores.base import BATCH, Heard, Store, Watcher, batches
from rootcellar.waiting.wait import Followed, Wait

logger = logging.getLogger(__name__)

#: A second look this long after a wait began covers a change that was under way while it was being registered.
SECOND_LOOK_S = 0.05
#: A message heard this long after its record was read may be older than what was read: it was still on its way.
DOUBT_S = 0.25
#: Subscriptions that are over are given up together, this long after the first of them.
DROP_DELAY_S = 0.05
#: How long the thread and its connection are kept when nobody waits.
LINGER_S = 5.0
#: Bounds of the pause before the notification connection is made again.
RECONNECT_S = (0.05, 2.0)

_hubs: "weakref.WeakSet[Hub]" = weakref.WeakSet()
# Watchers a fork left behind; closing one in the child would end the parent's subscription.
_inherited: list[Watcher | None] = []


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
        #: neither subscribed to nor looked at yet
        self._fresh: dict[str, None] = {}
        #: what is known of the ids that somebody wants every state of
        self._followed: dict[str, Followed] = {}
        self._dropped: list[str] = []
        self._drop_at = 0.0
        self._second_looks: deque[tuple[float, list[str]]] = deque()
        #: what is left of the regular look that is under way
        self._round: deque[list[str]] = deque()
        self._round_took_s = 0.0
        self._next_look = 0.0
        self._idle_since = 0.0

    # -- for callers ----------------------------------------------------------------------------------------------

    def wait(self, ids: Iterable[str], deliver: Callable[[Record], None], *, every_state: bool = False) -> Wait:
        """Have ``deliver(record)`` called, in the hub's thread, once for each id when its record is final.

        With ``every_state``, also for each change before that; the same record may then come more than once, but never
        one that has come less far (:func:`rootcellar.record.rank`) than one before. ``deliver`` must return at once:
        hand the record over, do not work on it.
        """
        wait = Wait(ids, deliver, every_state=every_state)
        self.begin((wait,))
        return wait

    def begin(self, waits: Sequence[Wait]) -> None:
        """Begin many waits at once, which costs one wake-up of the thread."""
        self._arrivals.extend(waits)
        try:
            self._ensure_running()
        except BaseException:
            for wait in waits:
                self.cancel(wait)
            raise
        self._wake()

    def cancel(self, wait: Wait) -> None:
        """Stop waiting. Takes no lock and does no I/O; a delivery already under way may still arrive."""
        wait.is_cancelled = True
        if wait.missing:
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
        is_away = False
        self._idle_since = time.monotonic()
        while True:
            try:
                with closing(self._store.watcher()) as watcher:
                    self._begin(watcher)
                    while not self._may_end():
                        self._turn(watcher)
                        pause_s = RECONNECT_S[0]
                        if is_away:
                            is_away = False
                            logger.info("There is a notification connection again.")
                    return
            except Exception as exc:
                # Whatever it was, waiters must not be left alone: try again for as long as there are any.
                level = logging.DEBUG if is_away else logging.WARNING  # once an outage is enough
                logger.log(level, "There is no notification connection; it is made again: %s", exc)
                is_away = True
                self._watcher = None
                self._take_queues()
                self._end_abandoned()
                if self._may_end():
                    return
                try:
                    self._look_unsubscribed()
                except RootcellarError as look_exc:
                    logger.debug("What is waited for cannot be read: %s", look_exc)
                except Exception:
                    logger.exception("What is waited for cannot be read")
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
            for memory in (self._waits, self._fresh, self._followed, self._dropped, self._second_looks, self._round):
                memory.clear()
            return True

    def _begin(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._dropped.clear()
        self._second_looks.clear()
        self._round.clear()
        self._fresh = dict.fromkeys(self._waits)  # whatever changed meanwhile was not heard
        self._next_look = time.monotonic() + self._look_interval_s

    def _turn(self, watcher: Watcher) -> None:
        """Do one batch of each kind of work there is, then hear: however much is waited for, nobody waits for long."""
        self._take_queues()
        now = time.monotonic()
        if self._waits:
            self._idle_since = now
        self._unsubscribe(watcher, now)
        self._subscribe(watcher)
        self._look_twice(now)
        self._look_around(now)
        self._hear(watcher.poll(self._nap_s()))

    def _take_queues(self) -> None:
        """Bring ``_waits`` up to date, and note what is new and what is over."""
        while self._arrivals:
            wait = self._arrivals.popleft()
            if wait.is_cancelled:
                continue  # its departure may have been taken before its arrival
            for record_id in wait.ids:
                self._waits.setdefault(record_id, []).append(wait)
                self._fresh[record_id] = None
                if wait.every_state:  # what it has read itself may be newer than what is on its way
                    self._followed.setdefault(record_id, Followed()).read_at = time.monotonic()
        while self._departures:
            wait = self._departures.popleft()
            for record_id in wait.ids:
                self._remove(record_id, wait)

    def _remove(self, record_id: str, wait: Wait) -> None:
        waits = self._waits.get(record_id, [])
        if wait in waits:
            waits.remove(wait)
            wait.missing -= 1
            if not waits:
                del self._waits[record_id]
                self._followed.pop(record_id, None)
                self._fresh.pop(record_id, None)
                if not self._dropped:
                    self._drop_at = time.monotonic() + DROP_DELAY_S
                self._dropped.append(record_id)

    def _unsubscribe(self, watcher: Watcher, now: float) -> None:
        if self._dropped and (now >= self._drop_at or len(self._dropped) >= BATCH):
            dropped, self._dropped = self._dropped[:BATCH], self._dropped[BATCH:]
            over = [i for i in dropped if i not in self._waits]
            if over:
                watcher.discard(over)

    def _subscribe(self, watcher: Watcher) -> None:
        if not self._fresh:
            return
        batch = list(islice(self._fresh, BATCH))
        watcher.add(batch)
        for record_id in batch:
            del self._fresh[record_id]
        self._look(batch)
        for record_id in batch:
            for wait in self._waits.get(record_id, ()):
                wait.is_looked_for = True
        self._second_looks.append((time.monotonic() + SECOND_LOOK_S, batch))

    def _look_twice(self, now: float) -> None:
        ids: list[str] = []
        while self._second_looks and self._second_looks[0][0] <= now and len(ids) < BATCH:
            ids += self._second_looks.popleft()[1]
        self._look([i for i in ids if i in self._waits])

    def _look_around(self, now: float) -> None:
        """Go on with the regular look at everything, batch by batch."""
        if not self._round and self._next_look <= now:
            self._end_abandoned()
            self._round.extend(batches(self._waits))
            self._round_took_s = 0.0
            self._next_look = now + self._look_interval_s
        if self._round:
            begin = time.monotonic()
            self._look([i for i in self._round.popleft() if i in self._waits])
            self._round_took_s += time.monotonic() - begin
            # So much is waited for that looking takes long: do not spend more than a tenth of the time on it.
            self._next_look = max(self._next_look, begin + 10 * self._round_took_s)

    def _look_unsubscribed(self) -> None:
        now = time.monotonic()
        if self._next_look <= now:
            self._look(list(self._waits))
            self._next_look = now + max(self._look_interval_s, 10 * (time.monotonic() - now))

    def _nap_s(self) -> float:
        if self._fresh or self._round:
            return 0.0
        due = self._next_look if self._waits else self._idle_since + self._linger_s
        if self._second_looks:
            due = min(due, self._second_looks[0][0])
        if self._dropped:
            due = min(due, self._drop_at)
        return max(0.0, due - time.monotonic())

    def _look(self, ids: Sequence[str]) -> None:
        for batch in batches(ids, BATCH):
            found = self._store.get_many(batch)
            now = time.monotonic()
            for record in found.values():
                self._deliver(record, read_at=now)

    def _hear(self, heard: Heard) -> None:
        doubtful = []
        for record in heard.records:
            followed = None if record.is_final else self._followed.get(record.id)
            if followed is not None and time.monotonic() < followed.read_at + DOUBT_S:
                doubtful.append(record.id)
            else:
                self._deliver(record)
        if heard.ids or doubtful:
            self._look([i for i in dict.fromkeys((*heard.ids, *doubtful)) if i in self._waits])

    def _deliver(self, record: Record, read_at: float | None = None) -> None:
        waits = self._waits.get(record.id)
        if not waits or not (record.is_final or self._is_news(record, read_at)):
            return
        for wait in list(waits):
            if not (record.is_final or wait.every_state):
                continue
            if record.is_final:
                self._remove(record.id, wait)
            try:
                wait.deliver(record)
            except Exception:
                logger.exception("A waiter for task %s failed to take its record", record.id)

    def _is_news(self, record: Record, read_at: float | None) -> bool:
        """Whether somebody wants this state, which is not the last, and it is no step back."""
        followed = self._followed.get(record.id)
        if followed is None:
            return False
        if read_at is not None:
            followed.read_at = read_at
        has_come = rank(record.state)
        if has_come < followed.rank:
            return False
        followed.rank = has_come
        return True

    def _end_abandoned(self) -> None:
        """Give up the waits whose caller is gone without having said so."""
        open_waits = {wait for waits in self._waits.values() for wait in waits if wait.is_abandoned is not None}
        for wait in open_waits:
            if wait.is_abandoned is not None and wait.is_abandoned():
                self.cancel(wait)

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
