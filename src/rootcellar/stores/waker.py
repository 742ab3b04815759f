"""Waiting for a socket to become readable, from which another thread can call the waiter back."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress


class Waker:
    """A pipe to oneself beside a socket: :meth:`wake` ends a running or the next :meth:`wait`, without any I/O to a
    server, so that it is safe from any thread and never blocks."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        # A full pipe already holds a wake-up; a closed one has nobody left to wake.
        with suppress(OSError):
            self._writer.send(b"\0")

    def wait(self, fileno: int, timeout_s: float) -> bool:
        """Return whether ``fileno`` has something to read, after at most ``timeout_s`` seconds."""
        ready = wait_for((fileno, self._reader.fileno()), timeout_s)
        if self._reader.fileno() in ready:
            with suppress(BlockingIOError):
                while self._reader.recv(4096):
                    pass
        return fileno in ready

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


def wait_for(filenos: tuple[int, ...], timeout_s: float, *, writable: bool = False) -> set[int]:
    """Return those of ``filenos`` that can be read (or written, or are closed), after at most ``timeout_s`` seconds."""
    timeout_s = max(0.0, timeout_s)
    if not hasattr(select, "poll"):  # eventlet takes it away
        readers, writers = ((), filenos) if writable else (filenos, ())
        return {fileno for ready in select.select(readers, writers, (), timeout_s) for fileno in ready}
    poller = select.poll()
    for fileno in filenos:
        poller.register(fileno, select.POLLOUT if writable else select.POLLIN)
    return {fileno for fileno, _ in poller.poll(timeout_s * 1000)}


def reader(fileno: int) -> Callable[[float], bool]:
    """Return a function that waits, for a number of seconds at most, until ``fileno`` can be read.

    The same as :func:`wait_for`, made ready once for a socket that is waited on often.
    """
    if not hasattr(select, "poll"):
        return lambda timeout_s: bool(wait_for((fileno,), timeout_s))
    poller = select.poll()
    poller.register(fileno, select.POLLIN)
    return lambda timeout_s: bool(poller.poll(timeout_s * 1000))
