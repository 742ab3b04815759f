"""The pool of connections, on connections that are only counted."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rootcellar.errors import StoreTimeout
from rootcellar.settings import PoolSettings
from rootcellar.stores.pool import Pool
from servers import in_child, wait_until


class Lost(Exception):
    """The connection is gone."""


class Answered(Exception):
    """The server said no."""


class FakeConnection:
    """Notes what is done with it, and complains if two threads use it at once."""

    def __init__(self) -> None:
        self.opened_at = time.monotonic()
        self.opened_by = os.getpid()
        self.closed_by: list[int] = []
        self.is_dead = False
        self.uses = 0
        self._in_use = threading.Lock()

    def close(self) -> None:
        self.closed_by.append(os.getpid())

    def use(self) -> "FakeConnection":
        with self.held():
            return self

    @contextmanager
    def held(self) -> Iterator[None]:
        assert self._in_use.acquire(blocking=False), "two threads use one connection"
        try:
            assert not self.closed_by, "a closed connection is used"
            assert os.getpid() == self.opened_by, "another process's connection is used"
            self.uses += 1
            if self.is_dead:
                raise Lost
            yield
        finally:
            self._in_use.release()


class Server:
    """Makes connections, and can refuse to."""

    def __init__(self) -> None:
        self.made: list[FakeConnection] = []
        self.is_down = False

    def connect(self) -> FakeConnection:
        if self.is_down:
            raise Lost
        connection = FakeConnection()
        self.made.append(connection)
        return connection

    def pool(self, **settings: float | None) -> Pool[FakeConnection]:
        return Pool(
            self.connect,
            PoolSettings(**settings),  # type: ignore[arg-type]
            lost=(Lost,),
            answered=(Answered,),
            name="cellar+test://server",
        )


@pytest.fixture
def server() -> Server:
    return Server()


class Holder:
    """A thread that keeps a connection until it is told to give it back."""

    def __init__(self, pool: Pool[FakeConnection]) -> None:
        self.has_one = threading.Event()
        self.let_go = threading.Event()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(pool,), daemon=True)
        self.thread.start()

    def _run(self, pool: Pool[FakeConnection]) -> None:
        try:
            pool.run(self._hold)
        except BaseException as exc:
            self.error = exc

    def _hold(self, connection: FakeConnection) -> None:
        with connection.held():
            self.has_one.set()
            assert self.let_go.wait(60)

    def end(self) -> None:
        self.let_go.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextmanager
def holding(pool: Pool[FakeConnection], count: int) -> Iterator[list[Holder]]:
    """Have ``count`` threads hold a connection each."""
    holders = [Holder(pool) for _ in range(count)]
    try:
        assert all(holder.has_one.wait(60) for holder in holders)
        yield holders
    finally:
        for holder in holders:
            holder.end()


def test_nothing_is_connected_before_it_is_used(server: Server) -> None:
    """A pool costs nothing."""
    pool = server.pool()

    assert server.made == []
    assert pool.open_connections == 0


def test_one_caller_after_another_uses_one_connection(server: Server) -> None:
    """The last one given back is the first one taken."""
    pool = server.pool()

    assert len({pool.run(FakeConnection.use) for _ in range(10)}) == 1
    assert pool.open_connections == 1


def test_arguments_reach_the_operation(server: Server) -> None:
    """By position and by name."""
    result = server.pool().run(lambda connection, a, *, b: (a, b), 1, b=2)

    assert result == (1, 2)


def test_there_are_never_more_connections_than_size_and_overflow(server: Server) -> None:
    """However many threads ask; and no two threads share one at once (the connections themselves would complain)."""
    pool = server.pool(size=2, overflow=1, timeout_s=60.0)
    most = 0
    errors: list[BaseException] = []

    def work() -> None:
        nonlocal most
        try:
            for _ in range(200):
                pool.run(FakeConnection.use)
                most = max(most, pool.open_connections)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert 1 <= most <= 3
    assert sum(connection.uses for connection in server.made) == 2400


def test_overflow_is_closed_when_it_is_given_back(server: Server) -> None:
    """Only ``size`` connections stay open."""
    pool = server.pool(size=1, overflow=2)
    with holding(pool, 3):
        assert pool.open_connections == 3

    assert pool.open_connections == 1
    assert sum(bool(connection.closed_by) for connection in server.made) == 2


def test_a_caller_gets_an_error_when_no_connection_becomes_free_in_time(server: Server) -> None:
    """It names the store, the number, and the settings."""
    pool = server.pool(size=1, overflow=1, timeout_s=0.01)

    with holding(pool, 2), pytest.raises(StoreTimeout) as caught:
        pool.run(FakeConnection.use)

    for part in ("All 2 connections", "cellar+test://server", "redis_max_connections", "pool_size", "max_overflow"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert pool.run(FakeConnection.use)


def test_a_waiting_caller_gets_the_connection_that_is_given_back(server: Server) -> None:
    """Before its time is up."""
    pool = server.pool(size=1, overflow=0, timeout_s=60.0)
    with holding(pool, 1) as (first,):
        second = Holder(pool)
        wait_until(lambda: pool._waiting, "the second caller waits")
        first.let_go.set()
        assert second.has_one.wait(60)
        second.end()

    assert second.error is None
    assert len(server.made) == 1


def test_every_waiting_caller_is_served_when_a_connection_is_discarded(server: Server) -> None:
    """Its place becomes free."""
    pool = server.pool(size=1, overflow=0, timeout_s=60.0)
    go = threading.Event()

    def fail(connection: FakeConnection) -> None:
        assert go.wait(60)
        raise RuntimeError

    def run(operation: Callable[[FakeConnection], object], done: list[object]) -> None:
        try:
            done.append(pool.run(operation))
        except RuntimeError as exc:
            done.append(exc)

    done: list[object] = []
    threads = [threading.Thread(target=run, args=(fail, done))]
    threads[0].start()
    wait_until(lambda: pool.open_connections, "the first has the connection")
    threads += [threading.Thread(target=run, args=(FakeConnection.use, done)) for _ in range(3)]
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: pool._waiting == 3, "three wait")
    go.set()
    for thread in threads:
        thread.join(60)

    assert len(done) == 4
    assert len(server.made) == 2


def test_a_dead_connection_is_replaced_and_the_operation_repeated_once(server: Server) -> None:
    """The caller notices nothing."""
    pool = server.pool()
    pool.run(FakeConnection.use)
    server.made[0].is_dead = True

    used = pool.run(FakeConnection.use)

    assert server.made[1] is used
    assert [os.getpid()] == server.made[0].closed_by
    assert pool.open_connections == 1


def test_the_other_idle_connections_are_closed_with_a_dead_one(server: Server) -> None:
    """They are of the same age; else each would fail in its turn."""
    pool = server.pool(size=3)
    with holding(pool, 3):
        pass
    for connection in server.made:
        connection.is_dead = True

    pool.run(FakeConnection.use)

    assert [len(connection.closed_by) for connection in server.made] == [1, 1, 1, 0]


def test_an_error_on_a_fresh_connection_is_the_callers(server: Server) -> None:
    """It is not repeated for ever."""
    pool = server.pool()
    attempts = 0

    def fail(connection: FakeConnection) -> None:
        nonlocal attempts
        attempts += 1
        raise Lost

    with pytest.raises(Lost):
        pool.run(fail)

    assert attempts == 1
    assert pool.open_connections == 0


def test_an_operation_is_tried_twice_at_most(server: Server) -> None:
    """Once on a kept connection, once on a fresh one."""
    pool = server.pool()
    pool.run(FakeConnection.use)
    attempts = 0

    def fail(connection: FakeConnection) -> None:
        nonlocal attempts
        attempts += 1
        raise Lost

    with pytest.raises(Lost):
        pool.run(fail)

    assert attempts == 2
    assert pool.open_connections == 0


def test_the_second_try_is_on_a_fresh_connection_even_while_others_are_given_back(server: Server) -> None:
    """Another old one could be just as dead."""
    pool = server.pool(size=2)
    with holding(pool, 1) as (other,):
        pool.run(FakeConnection.use)
        old = server.made[1]
        old.is_dead = server.made[0].is_dead = True
        close = old.close

        def give_the_other_back_meanwhile() -> None:
            close()
            other.end()

        old.close = give_the_other_back_meanwhile  # type: ignore[method-assign]
        used = pool.run(FakeConnection.use)

    assert server.made[2] is used


def test_a_connection_is_kept_after_the_server_said_no(server: Server) -> None:
    """It is in step."""
    pool = server.pool()

    def refuse(connection: FakeConnection) -> None:
        raise Answered

    for _ in range(3):
        with pytest.raises(Answered):
            pool.run(refuse)

    assert len(server.made) == 1
    assert server.made[0].closed_by == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, TimeoutError])
def test_a_connection_is_closed_after_anything_else(server: Server, error: type[BaseException]) -> None:
    """It may be in the middle of a reply; the next caller must not get the rest of it."""
    pool = server.pool()

    def interrupt(connection: FakeConnection) -> None:
        raise error

    with pytest.raises(error):
        pool.run(interrupt)

    assert [os.getpid()] == server.made[0].closed_by
    assert pool.open_connections == 0
    assert pool.run(FakeConnection.use)


def test_a_failed_connect_gives_its_place_back(server: Server) -> None:
    """An outage must not use the pool up."""
    pool = server.pool(size=1, overflow=0, timeout_s=0.01)
    server.is_down = True
    for _ in range(3):
        with pytest.raises(Lost):
            pool.run(FakeConnection.use)

    server.is_down = False

    assert pool.run(FakeConnection.use)


def test_an_old_connection_is_replaced(server: Server) -> None:
    """``pool_recycle``."""
    pool = server.pool(recycle_s=3600.0)
    pool.run(FakeConnection.use)
    server.made[0].opened_at -= 3599
    assert server.made[0] is pool.run(FakeConnection.use)
    server.made[0].opened_at -= 2

    assert len({server.made[0], pool.run(FakeConnection.use)}) == 2
    assert [os.getpid()] == server.made[0].closed_by


def test_without_a_limit_a_connection_never_grows_old(server: Server) -> None:
    """``None``, as for Redis."""
    pool = server.pool(recycle_s=None)
    pool.run(FakeConnection.use)
    server.made[0].opened_at -= 1e9

    assert server.made[0] is pool.run(FakeConnection.use)


def test_a_closed_pool_may_be_used_again(server: Server) -> None:
    """It opens new connections."""
    pool = server.pool()
    pool.run(FakeConnection.use)

    pool.close()
    pool.close()

    assert pool.open_connections == 0
    assert pool.run(FakeConnection.use)
    assert len(server.made) == 2


def test_a_child_neither_uses_nor_closes_its_parents_connections(server: Server) -> None:
    """Idle or in use by another thread; it makes its own, and the parent's stay as they were."""
    pool = server.pool(size=3)

    def in_the_child() -> tuple[int, int, list[list[int]]]:
        before = pool.open_connections
        used = pool.run(FakeConnection.use)
        pool.close()
        return before, server.made.index(used), [c.closed_by for c in server.made[:2]]

    with holding(pool, 1):
        kept = pool.run(FakeConnection.use)

        assert in_child(in_the_child) == (0, 2, [[], []])

        assert kept is pool.run(FakeConnection.use)
    assert pool.open_connections == 2
    assert [connection.closed_by for connection in server.made] == [[], []]


def test_a_child_is_not_held_up_by_locks_that_were_held_when_it_was_forked(server: Server) -> None:
    """The thread that held them does not exist in it."""
    pool = server.pool(size=1, overflow=0, timeout_s=60.0)

    with holding(pool, 1) as (first,):
        second = Holder(pool)
        wait_until(lambda: pool._waiting, "the second caller waits")
        with pool._room:
            child_used_its_own = in_child(lambda: pool.run(FakeConnection.use).opened_by == os.getpid())
        first.let_go.set()
        second.end()

    assert child_used_its_own
    assert second.error is None


def test_a_child_of_a_child_has_connections_of_its_own_too(server: Server) -> None:
    """As a worker's pool process that forks again."""
    pool = server.pool()
    pool.run(FakeConnection.use)

    def grandchild() -> bool:
        pool.run(FakeConnection.use)
        return in_child(lambda: pool.run(FakeConnection.use).opened_by == os.getpid())  # type: ignore[no-any-return]

    assert in_child(grandchild)


@pytest.mark.parametrize("settings", [{"size": 0}, {"overflow": -1}])
def test_a_pool_without_room_is_refused(settings: dict[str, int]) -> None:
    """When its settings are built."""
    with pytest.raises(Exception, match="take 1 or more"):
        PoolSettings(**settings)  # type: ignore[arg-type]
