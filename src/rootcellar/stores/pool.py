"""A pool of connections: bounded, fork-safe, and cheap enough for the hot path.

The pools that come with the drivers bring threads of their own, do not survive a fork, or cost up to twenty times as
much a use; docs/decisions/0003-own-pool.md has the figures. This one serves all stores, with one set of rules: last in
first out, so that the fewest connections stay warm; a caller waits for a free one no longer than the settings allow.

There is no ping before use. An operation that finds its connection dead is repeated once on a fresh one, which costs
nothing while all is well; that is safe because every verb of a store may be repeated.
"""

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from rootcellar.errors import StoreTimeout
from rootcellar.settings import PoolSettings


class Connection(Protocol):
    """What the pool asks of a connection."""

    #: ``time.monotonic()`` when it was opened
    opened_at: float

    def close(self) -> None: ...


#: How long a fork waits for the operations of other threads to end.
FORK_PATIENCE_S = 5.0

C = TypeVar("C", bound=Connection)
T = TypeVar("T")
P = ParamSpec("P")

_pools: "weakref.WeakSet[Pool[Any]]" = weakref.WeakSet()
# Connections a fork left behind. They belong to the parent: closing one in the child would say goodbye on the parent's
# socket, or checkpoint the parent's SQLite file, so they are kept there, unused, until the child ends. Also those that
# another thread was using: the child drops that thread, and would close them with it.
_inherited: list[Any] = []


class _Place:
    """Stands among a pool's members for a connection that is being opened."""

    __slots__ = ("__weakref__",)


class Pool(Generic[C]):
    """Up to ``size + overflow`` connections of one process."""

    def __init__(
        self,
        connect: Callable[[], C],
        settings: PoolSettings,
        *,
        lost: tuple[type[BaseException], ...],
        answered: tuple[type[BaseException], ...],
        name: str,
        close_before_fork: bool = False,
    ) -> None:
        """Make an empty pool.

        ``lost`` are the errors that mean the connection is gone, ``answered`` those after which it is still in step
        with the server. After any other (an interrupt in the middle of a reply) it is closed. ``name`` is for errors.
        With ``close_before_fork`` no connection is open while the process forks.
        """
        self._connect = connect
        self._settings = settings
        self._lost = lost
        self._answered = answered
        self._name = name
        self._close_before_fork = close_before_fork
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._idle: deque[C] = deque()
        # Taken by itself, and not through the condition, whose `with` is Python code that a signal may interrupt.
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        # Weak: should an exception raised from a signal handler (Celery's soft time limit) strike between taking a
        # connection and using it, its place in the pool is free again once it is collected.
        self._members: weakref.WeakSet[C | _Place] = weakref.WeakSet()
        self._waiting = 0
        #: set while the process forks: no connection is handed out
        self._is_forking = False

    def run(self, operation: Callable[Concatenate[C, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``operation(connection, *args)``, once more on a fresh connection if the first was found dead."""
        connection, is_fresh = self._acquire()
        while True:
            try:
                result = operation(connection, *args, **kwargs)
            except self._lost:
                self._discard(connection)
                if is_fresh:
                    raise
                self.close()  # the others are of the same age, and most likely as dead
                connection, is_fresh = self._acquire()
            except self._answered:
                self._release(connection)
                raise
            except BaseException:
                self._discard(connection)
                raise
            else:
                self._release(connection)
                return result

    def _acquire(self) -> tuple[C, bool]:
        if self._is_forking:
            return self._wait_for_room()
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._wait_for_room()
        recycle_s = self._settings.recycle_s
        if recycle_s is not None and time.monotonic() - connection.opened_at > recycle_s:
            self._discard(connection)
            return self._wait_for_room()
        return connection, False

    def _wait_for_room(self) -> tuple[C, bool]:
        place = _Place()
        idle = self._take_place(place)
        if idle is not None:
            return idle, False
        try:
            connection = self._connect()
            with self._lock:
                self._members.add(connection)
            return connection, True
        finally:
            with self._lock:
                self._members.discard(place)
                self._room.notify()

    def _take_place(self, place: "_Place") -> C | None:
        """Return an idle connection, or ``None`` once ``place`` is kept for a new one."""
        most = self._settings.size + self._settings.overflow
        deadline = time.monotonic() + self._settings.timeout_s
        with self._lock:
            self._waiting += 1
            try:
                while True:
                    if not self._is_forking:
                        with suppress(IndexError):  # a caller on the fast path was quicker
                            return self._idle.pop()
                        if len(self._members) < most:
                            self._members.add(place)
                            return None
                    left_s = deadline - time.monotonic()
                    if left_s <= 0 and not self._is_forking:
                        raise StoreTimeout(
                            f"All {most} connections of this process to {self._name} were in use for "
                            f"{self._settings.timeout_s:g} s. Raise the pool's size (redis_max_connections, or "
                            "database_engine_options pool_size and max_overflow) or cellar_store_timeout, or use "
                            "fewer threads."
                        )
                    self._room.wait(max(left_s, 0.01))
            finally:
                self._waiting -= 1

    def _release(self, connection: C) -> None:
        if len(self._idle) >= self._settings.size:
            self._discard(connection)
            return
        self._idle.append(connection)
        if self._waiting:
            with self._lock:
                self._room.notify()

    def _discard(self, connection: C) -> None:
        connection.close()
        with self._lock:
            self._members.discard(connection)
            self._room.notify()

    def close(self) -> None:
        """Close the idle connections. Those in use are closed or kept as they come back."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            self._discard(connection)

    def before_fork(self) -> None:
        """Let the operations under way finish, for a while, and close everything, where the engine asks for that."""
        if not self._close_before_fork:
            return
        self._is_forking = True
        deadline = time.monotonic() + FORK_PATIENCE_S
        while time.monotonic() < deadline:
            self.close()
            with self._lock:
                if not self._members:
                    return
                self._room.wait(0.05)

    def after_fork_in_parent(self) -> None:
        """Hand out connections again."""
        if not self._is_forking:
            return
        self._is_forking = False
        with self._lock:
            self._room.notify_all()

    def leave_to_parent(self) -> None:
        """In a forked child: forget the parent's connections without touching them."""
        self._reset()

    @property
    def open_connections(self) -> int:
        """How many connections this process holds now, idle and in use."""
        return len(self._members)


def _all(members: "weakref.WeakSet[T]") -> list[T]:
    """Return what is in a set that other threads may be changing. Takes no lock: a fork hook must not wait for one."""
    for _ in range(1000):
        with suppress(RuntimeError):  # it changed size
            return list(members)
    return []


def _before_fork() -> None:
    pools = _all(_pools)
    for pool in pools:
        pool.before_fork()
    _inherited.append([_all(pool._members) for pool in pools])


def _after_fork_in_parent() -> None:
    for pool in _all(_pools):
        pool.after_fork_in_parent()
    if _inherited:
        _inherited.pop()


def _after_fork_in_child() -> None:
    for pool in _all(_pools):
        pool.leave_to_parent()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def _close_all() -> None:
    for pool in _all(_pools):
        pool.close()


atexit.register(_close_all)
