"""A TCP proxy that misbehaves on command: it delays, swallows, cuts, resets and refuses."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_CHUNK = 1 << 16


class Link:
    """One client's connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._ends = (client, server)
        #: what the client has sent so far, to tell connections apart by
        self.sent = bytearray()
        self.is_black_hole = False

    def reset(self) -> None:
        """Drop both ends at once."""
        for end in self._ends:
            end.transport.abort()


class Proxy:
    """Passes bytes on to ``127.0.0.1:port`` from a port of its own, in a thread; use it as a context manager."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._cut_after: int | None = None
        self._stall_after: int | None = None
        self._held = asyncio.Event()
        self._latency_s = 0.0
        #: where clients connect; it stays the same
        self.port = 0
        #: bytes of requests and of replies seen so far
        self.requested = self.replied = 0

    def __enter__(self) -> "Proxy":
        self._held.set()
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- the faults -----------------------------------------------------------------------------------------------

    def delay(self, seconds: float) -> None:
        """Hold every chunk of a reply back for so long."""
        self._latency_s = seconds

    def hold(self) -> None:
        """Hold all replies back until :meth:`release`."""
        self._loop.call_soon_threadsafe(self._held.clear)

    def release(self) -> None:
        """Let replies pass again."""
        self._loop.call_soon_threadsafe(self._held.set)

    def cut_after(self, count: int) -> None:
        """Pass ``count`` more bytes of replies on, to whomever, and then reset that connection; once."""
        self._call(self._arm(count))

    def stall_after(self, count: int) -> None:
        """Pass ``count`` more bytes of replies on, to whomever, and then nothing more to it; once."""
        self._stall_after = count

    @property
    def is_armed(self) -> bool:
        """Whether a cut is still to come."""
        return self._cut_after is not None

    def reset(self) -> None:
        """Reset all connections there are."""
        self._call(self._reset())

    def refuse(self) -> None:
        """Reset all connections, and refuse new ones until :meth:`accept`."""
        self._call(self._refuse())

    def accept(self) -> None:
        """Accept connections again, on the same port."""
        self._call(self._listen())

    def black_hole(self, which: Callable[[Link], bool]) -> int:
        """Swallow everything on the connections chosen, both ways, and leave them open; return how many there are."""
        chosen = [link for link in self._links if which(link)]
        for link in chosen:
            link.is_black_hole = True
        return len(chosen)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._links)

    # -- in the thread --------------------------------------------------------------------------------------------

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._reset()

    async def _reset(self) -> None:
        for link in self._links:
            link.reset()

    async def _arm(self, count: int) -> None:
        self._cut_after = count

    async def _end(self) -> None:
        await self._refuse()
        self._held.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        self._links.append(link)
        for job in (self._requests(link, from_client, server), self._replies(link, from_server, client)):
            task = asyncio.create_task(job)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _requests(self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                link.sent += data
                self.requested += len(data)
                if not link.is_black_hole:
                    target.write(data)
                    await target.drain()
        self._drop(link)

    async def _replies(self, link: Link, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._held.wait()
                if self._latency_s:
                    await asyncio.sleep(self._latency_s)
                if link.is_black_hole:
                    continue
                self.replied += len(data)
                if self._stall_after is not None and len(data) > self._stall_after:
                    target.write(data[: self._stall_after])
                    self._stall_after, link.is_black_hole = None, True
                    continue
                if self._cut_after is not None and len(data) > self._cut_after:
                    target.write(data[: self._cut_after])
                    await target.drain()
                    self._cut_after = None
                    break
                if self._cut_after is not None:
                    self._cut_after -= len(data)
                target.write(data)
                await target.drain()
        self._drop(link)

    def _drop(self, link: Link) -> None:
        link.reset()
        if link in self._links:
            self._links.remove(link)
