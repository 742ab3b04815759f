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
from rootcellar.waiting.errands import Errands
from rootcellar.waiting.hub import Hub
from rootcellar.waiting.wait import Wait

#: What a batch of reads calls: ids in, what was found for them out.
Read = Callable[[Sequence[str]], Mapping[str, Any]]

_Found = asyncio.Future[Mapping[str, Any]]
_Asked = tuple[_Found, Collection[str]]

_of_thread = threading.local()


class Inbox:
    """One loop's: what has come for its mailboxes, and what they are about to ask for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._full: deque[Mailbox] = deque()
        self._is_called = False
        self._new: list[tuple[Mailbox, Hub, Wait]] = []
        self._reads: dict[tuple[int, str], _Reads] = {}
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

        Calls with the same ``verb`` in one turn of the loop share a read, and get what was found for any of them. So
        do all that come while such a read is under way: in an outage each may last long, and there are two at most.
        """
        key = (id(errands), verb)
        reads = self._reads.get(key)
        if reads is None:
            reads = self._reads[key] = _Reads(self, errands, read, on_idle=lambda: self._reads.pop(key, None))
        return await reads.add(ids)

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call ``function`` in the loop's thread, from any thread; not at all if the loop is closed."""
        loop = self._loop()
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(function, *args)


class _Reads:
    """One loop's reads of one kind: one that is under way, and the coroutines that wait for the next."""

    def __init__(self, inbox: Inbox, errands: Errands, read: Read, on_idle: Callable[[], object]) -> None:
        self._inbox = inbox
        self._errands = errands
        self._read = read
        self._on_idle = on_idle
        self._is_called = False
        self._waiting: list[_Asked] = []

    async def add(self, ids: Collection[str]) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        future: _Found = loop.create_future()
        self._waiting.append((future, ids))
        if not self._is_called:
            self._is_called = True
            loop.call_soon(self._send)
        return await future

    def _send(self) -> None:
        asked = [one for one in self._waiting if not one[0].done()]
        self._waiting = []
        if not asked:  # or all have been cancelled
            self._is_called = False
            self._on_idle()
            return
        try:
            self._errands.run(lambda: self._run(asked))
        except Exception as exc:  # no more threads to be had
            self._end(asked, None, exc)

    def _run(self, asked: "list[_Asked]") -> None:
        asked = [one for one in asked if not one[0].done()]
        found, error = None, None
        try:
            if asked:
                found = self._read(list(dict.fromkeys(record_id for _, ids in asked for record_id in ids)))
        except Exception as exc:
            error = exc
        self._inbox.call(self._end, asked, found, error)

    def _end(self, asked: "list[_Asked]", found: Mapping[str, Any] | None, exc: Exception | None) -> None:
        for future, _ in asked:
            if future.done():
                continue
            if exc is not None:
                future.set_exception(exc)
            elif found is not None:
                future.set_result(found)
        self._send()


class Mailbox:
    """Where one coroutine gets the records it waits for. Use it as a context manager: leaving ends the waits."""

    __slots__ = ("__weakref__", "_failure", "_inbox", "_is_announced", "_records", "_sleeper", "_waits")

    def __init__(
        self,
        wanted: Iterable[tuple[Hub, Iterable[str]]],
        *,
        followed: Iterable[tuple[Hub, Iterable[str]]] = (),
        limit: int | None = None,
    ) -> None:
        """Wait for ids, each with its hub; for those ``followed``, every state is wanted.

        With ``limit``, only so many records are kept, the latest. A final record is an id's last, so that of the only
        one that is followed is never lost.
        """
        self._inbox = Inbox.current()
        self._records: deque[Record] = deque(maxlen=limit)
        self._sleeper: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._is_announced = False
        is_closed = self._inbox.is_closed
        self._waits = [
            (hub, Wait(ids, self.put, every_state=every_state, is_abandoned=is_closed))
            for every_state, asked in ((False, wanted), (True, followed))
            for hub, ids in asked
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
