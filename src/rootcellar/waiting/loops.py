"""Event loops: what the hub hears is handed to a loop with one wake-up for all that has come for it meanwhile.

Nothing here blocks a loop, and nothing but :meth:`Mailbox.put` is called from another thread than the loop's.
"""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from rootcellar.record import Record
from rootcellar.stores.base import BATCH
from rootcellar.waiting.errands import Errands
from rootcellar.waiting.hub import Hub
from rootcellar.waiting.wait import Wait

#: What a batch of reads calls: ids in, what was found for them out.
Read = Callable[[Sequence[str]], Mapping[str, Any]]

_of_thread = threading.local()


class Inbox:
    """One loop's: what has come for its mailboxes, and what they are about to ask for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._full: deque[Mailbox] = deque()
        self._is_called = False
        self._new: list[tuple[Mailbox, Hub, Wait]] = []
        self._reads: dict[tuple[int, str], _Batch] = {}
        #: asked by the hub now and then
        self.is_closed = self._is_closed

    @classmethod
    def current(cls) -> "Inbox":
        """Return the running loop's."""
        loop = asyncio.get_running_loop()
        inbox: Inbox | None = getattr(_of_thread, "inbox", None)
        if inbox is None or inbox._loop() is not loop:
            inbox = _of_thread.inbox = cls(loop)
        return inbox

    def _is_closed(self) -> bool:
        loop = self._loop()
        return loop is None or loop.is_closed()

    def announce(self, mailbox: "Mailbox") -> None:
        """Have the loop look into a mailbox. From any thread; a loop that is closed gets nothing."""
        self._full.append(mailbox)
        if not self._is_called:
            self._is_called = True
            loop = self._loop()
            try:
                if loop is not None:
                    loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:  # it is closed
                self._full.clear()

    def _hand_out(self) -> None:
        self._is_called = False  # first: what comes from now on calls again
        while self._full:
            self._full.popleft().look()

    def begin(self, mailbox: "Mailbox", hub: Hub, wait: Wait) -> None:
        """Begin a wait, together with all others of this turn of the loop."""
        if not self._new:
            asyncio.get_running_loop().call_soon(self._begin)
        self._new.append((mailbox, hub, wait))

    def _begin(self) -> None:
        new, self._new = self._new, []
        by_hub: dict[Hub, list[tuple[Mailbox, Wait]]] = {}
        for mailbox, hub, wait in new:
            if not wait.is_cancelled:
                by_hub.setdefault(hub, []).append((mailbox, wait))
        for hub, waits in by_hub.items():
            try:
                hub.begin([wait for _, wait in waits])
            except Exception as exc:  # no more threads to be had
                for mailbox, _ in waits:
                    mailbox.fail(exc)

    async def read(self, errands: Errands, verb: str, read: Read, ids: Collection[str]) -> Mapping[str, Any]:
        """Return what ``read(ids)`` returns, called in the thread of ``errands``.

        Calls with the same ``verb`` in one turn of the loop share a read of up to :data:`BATCH` ids, and get what was
        found for any of them.
        """
        loop = asyncio.get_running_loop()
        key = (id(errands), verb)
        batch = self._reads.get(key)
        if batch is None or len(batch.ids) + len(ids) > BATCH:
            batch = self._reads[key] = _Batch(self, errands, read)
            loop.call_soon(self._send, key, batch)
        batch.ids.update(dict.fromkeys(ids))
        future = loop.create_future()
        batch.futures.append(future)
        found: Mapping[str, Any] = await future
        return found

    def _send(self, key: tuple[int, str], batch: "_Batch") -> None:
        if self._reads.get(key) is batch:
            del self._reads[key]
        batch.send()

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call ``function`` in the loop's thread, from any thread; not at all if the loop is closed."""
        loop = self._loop()
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(function, *args)


class _Batch:
    """Several coroutines' reads, on their way to the store as one."""

    def __init__(self, inbox: Inbox, errands: Errands, read: Read) -> None:
        self._inbox = inbox
        self._errands = errands
        self._read = read
        self.ids: dict[str, None] = {}
        self.futures: list[asyncio.Future[Mapping[str, Any]]] = []

    def send(self) -> None:
        if all(future.done() for future in self.futures):
            return  # all have been cancelled
        try:
            self._errands.run(self._run)
        except Exception as exc:  # no more threads to be had
            self._end(None, exc)

    def _run(self) -> None:
        try:
            found = self._read(list(self.ids))
        except Exception as exc:
            self._inbox.call(self._end, None, exc)
        else:
            self._inbox.call(self._end, found, None)

    def _end(self, found: Mapping[str, Any] | None, exc: Exception | None) -> None:
        for future in self.futures:
            if future.done():
                continue
            if exc is not None:
                future.set_exception(exc)
            elif found is not None:
                future.set_result(found)


class Mailbox:
    """Where one coroutine gets the records it waits for. Use it as a context manager: leaving ends the waits."""

    __slots__ = ("__weakref__", "_failure", "_inbox", "_is_announced", "_records", "_sleeper", "_waits")

    def __init__(
        self, wanted: Iterable[tuple[Hub, Iterable[str]]], *, every_state: bool = False, limit: int | None = None
    ) -> None:
        """Wait for ids, each with its hub. With ``limit``, only so many records are kept, the latest.

        A final record is an id's last, so a limit on a mailbox for one id never loses it.
        """
        self._inbox = Inbox.current()
        self._records: deque[Record] = deque(maxlen=limit)
        self._sleeper: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._is_announced = False
        is_closed = self._inbox.is_closed
        self._waits = [
            (hub, Wait(ids, self.put, every_state=every_state, is_abandoned=is_closed)) for hub, ids in wanted
        ]
        for hub, wait in self._waits:
            self._inbox.begin(self, hub, wait)

    def put(self, record: Record) -> None:
        """Take a record, from the hub's thread."""
        self._records.append(record)
        if not self._is_announced:
            self._is_announced = True
            self._inbox.announce(self)

    def look(self) -> None:
        """Wake who sleeps, in the loop's thread."""
        self._is_announced = False
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def fail(self, exc: Exception) -> None:
        """Have :meth:`next` raise."""
        self._failure = exc
        self.look()

    @property
    def is_looked_for(self) -> bool:
        """Whether the store has been read once for all that is waited for."""
        return all(wait.is_looked_for for _, wait in self._waits)

    async def next(self, deadline: float | None) -> Record | None:
        """Return the next record, or ``None`` when the loop's clock shows ``deadline`` and there is none."""
        loop = asyncio.get_running_loop()
        while not self._records:
            if self._failure is not None:
                raise self._failure
            if deadline is not None and loop.time() >= deadline:
                return None
            self._sleeper = sleeper = loop.create_future()
            alarm = None if deadline is None else loop.call_at(deadline, _wake, sleeper)
            try:
                await sleeper
            finally:
                self._sleeper = None
                if alarm is not None:
                    alarm.cancel()
        return self._records.popleft()

    def pop(self) -> Record | None:
        """Return the next record if it is there."""
        return self._records.popleft() if self._records else None

    def close(self) -> None:
        """End the waits."""
        waits, self._waits = self._waits, []
        for hub, wait in waits:
            hub.cancel(wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
