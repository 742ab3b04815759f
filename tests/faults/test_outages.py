"""The server dies, hangs or throws its clients out while somebody waits."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError

from faults.conftest import PostgreSQLTarget, Target
from rootcellar.errors import StoreTimeout, StoreUnavailable
from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import in_child, wait_until

OpenApp = Callable[..., Celery]

_WAITERS = 100


def _restart(target: Target) -> None:
    target.server.kill()
    target.server.start()
    wait_until(target.answers, "the server takes clients again")


def _kill_backends(target: Target) -> None:
    target.server.kill_backends()
    wait_until(target.answers, "the server has recovered")


def _end_connections(target: Target) -> None:
    target.end_connections()


def _everybody_gets_an_answer(target: Target, open_app: OpenApp, disaster: Callable[[Target], None]) -> None:
    app, elsewhere = open_app(target.url, cellar_look_interval=0.2), open_app(target.url)
    lucky = [app.AsyncResult(str(uuid.uuid4())) for _ in range(_WAITERS // 2)]
    unlucky = [app.AsyncResult(str(uuid.uuid4())) for _ in range(_WAITERS // 2)]
    with ThreadPoolExecutor(_WAITERS) as threads:
        got = [threads.submit(result.get, timeout=30) for result in lucky]
        missed = [threads.submit(result.get, timeout=4) for result in unlucky]
        wait_until(lambda: target.subscriptions() == _WAITERS, "all wait")
        disaster(target)
        for number, result in enumerate(lucky[: _WAITERS // 4]):
            elsewhere.backend.store_result(result.id, number, "SUCCESS")

        def the_rest() -> None:
            for number, result in enumerate(lucky[_WAITERS // 4 :], start=_WAITERS // 4):
                elsewhere.backend.store_result(result.id, number, "SUCCESS")

        in_child(the_rest)
        assert [wait.result(60) for wait in got] == list(range(_WAITERS // 2))
        assert {type(wait.exception(60)) for wait in missed} == {CeleryTimeoutError}
        again = app.AsyncResult(str(uuid.uuid4()))
        last = threads.submit(again.get, timeout=30)
        wait_until(lambda: target.is_subscribed(again.id), "the hub subscribes again")
        elsewhere.backend.store_result(again.id, "again", "SUCCESS")
        assert last.result(60) == "again"


def test_waiters_outlive_a_killed_server(target: Target, open_app: OpenApp) -> None:
    """``kill -9`` and a restart: each waiter gets its result or its time-out, and none hangs."""
    _everybody_gets_an_answer(target, open_app, _restart)


@pytest.mark.postgresql
def test_waiters_outlive_killed_backends(postgresql_target: PostgreSQLTarget, open_app: OpenApp) -> None:
    """``kill -9`` of the processes that serve the clients: PostgreSQL recovers, and empties its unlogged tables."""
    _everybody_gets_an_answer(postgresql_target, open_app, _kill_backends)


def test_waiters_outlive_their_connections(target: Target, open_app: OpenApp) -> None:
    """The server ends all of them and goes on."""
    _everybody_gets_an_answer(target, open_app, _end_connections)


@pytest.mark.postgresql
def test_nothing_is_left_of_a_subscription_that_was_lost(
    postgresql_target: PostgreSQLTarget, open_app: OpenApp
) -> None:
    """The rows that said who waits go with the wait, also when the connection that made them is gone."""
    app = open_app(postgresql_target.url)
    result = app.AsyncResult(str(uuid.uuid4()))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(result.get, timeout=30)
        wait_until(lambda: postgresql_target.subscriptions() == 1, "it waits")
        postgresql_target.end_connections()
        wait_until(lambda: postgresql_target.connections() > 0, "the hub is back")
        app.backend.store_result(result.id, 1, "SUCCESS")
        assert wait.result(60) == 1
    wait_until(lambda: postgresql_target.subscriptions() == 0, "no row is left", timeout_s=5)


def test_waiters_outlive_a_server_that_is_away_for_longer(target: Target, open_app: OpenApp) -> None:
    """Time-outs are kept while there is nothing to connect to, and results come when it is back."""
    app, elsewhere = open_app(target.url, cellar_look_interval=0.2), open_app(target.url)
    kept, given_up = app.AsyncResult("kept"), app.AsyncResult("given up")
    with ThreadPoolExecutor(2) as threads:
        waits = [threads.submit(kept.get, timeout=30), threads.submit(given_up.get, timeout=0.5)]
        wait_until(lambda: target.subscriptions() == 2, "both wait")
        target.server.kill()
        assert type(waits[1].exception(60)) is CeleryTimeoutError
        target.server.start()
        wait_until(target.answers, "the server takes clients again")
        elsewhere.backend.store_result("kept", 1, "SUCCESS")
        assert waits[0].result(60) == 1


def test_a_waiter_gives_up_while_the_server_hangs(target: Target, open_app: OpenApp) -> None:
    """A paused server costs no more than the waiter's own time-out; later all is as before."""
    app, elsewhere = open_app(target.url, cellar_look_interval=0.1), open_app(target.url)
    result = app.AsyncResult(str(uuid.uuid4()))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(result.get, timeout=1)
        wait_until(lambda: target.subscriptions() == 1, "it waits")
        target.server.pause()
        assert type(wait.exception(60)) is CeleryTimeoutError
        target.server.resume()
    elsewhere.backend.store_result(result.id, 1, "SUCCESS")
    assert result.get(timeout=60) == 1


def test_a_wait_that_begins_while_the_server_hangs_ends(target: Target, open_app: OpenApp) -> None:
    """With an error that says so; the connection is not used again, so no late answer is taken for another's."""
    app = open_app(target.url, redis_socket_timeout=0.3, cellar_store_timeout=0.3)
    for number in range(5):
        app.backend.store_result(f"r{number}", number, "SUCCESS")
    target.server.pause()
    with pytest.raises((StoreTimeout, CeleryTimeoutError)):
        app.AsyncResult("r0").get(timeout=0.1)
    target.server.resume()
    assert [app.AsyncResult(f"r{number}").get(timeout=60) for number in range(5)] == [0, 1, 2, 3, 4]


def test_connections_killed_while_idle_are_replaced_unseen(target: Target, open_it: Callable[..., Store]) -> None:
    """The next put and the next get succeed as if nothing had been, however many connections were dead."""
    store = open_it(target.url)
    record = Record("a", "SUCCESS", b'{"status": "SUCCESS"}')
    for operation in (lambda: store.put(record), lambda: store.get("a"), lambda: store.get_many(["a"])):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(store.get, ["a"] * 16))
        target.end_connections()
        operation()
    assert store.get("a") is not None


def test_a_restarted_server_is_found_again(target: Target, open_it: Callable[..., Store]) -> None:
    """While it is away there is an error that says so; afterwards there is none."""
    store = open_it(target.url)
    record = Record("a", "SUCCESS", b'{"status": "SUCCESS"}')
    store.put(record)
    target.server.kill()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.put(record)
    target.server.start()
    wait_until(target.answers, "the server takes clients again")
    store.put(record)
    assert store.get("a") is not None
