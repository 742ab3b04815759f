"""What goes wrong between a client and its server, in the middle of things."""

import logging
import random
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import redis
from celery import Celery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.conftest import RedisTarget, Target
from faults.proxy import Link, Proxy
from rootcellar.errors import StoreError, StoreUnavailable
from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import wait_until

OpenApp = Callable[..., Celery]
OpenIt = Callable[..., Store]

_COUNT = 30


@pytest.fixture
def proxy(target: Target) -> Iterator[Proxy]:
    """A proxy in front of the server."""
    with Proxy(target.server.port) as between:
        yield between


def _record(number: int) -> Record:
    # Of different lengths, so that an answer that is out of step cannot pass for the right one.
    return Record(f"id-{number}", "SUCCESS", b'{"status": "SUCCESS", "result": "%b"}' % (b"%d " % number * number))


@pytest.fixture
def store(target: Target, proxy: Proxy, open_it: OpenIt) -> Store:
    """A store behind the proxy, with records ``id-0`` … whose payloads tell them apart."""
    store = open_it(target.through(proxy.port))
    for number in range(_COUNT):
        store.put(_record(number))
    return store


def _is_hubs(link: Link) -> bool:
    return b"SUBSCRIBE" in link.sent or b"LISTEN" in link.sent


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, _COUNT - 1), st.none() | st.integers(0, 400)), min_size=1, max_size=15))
def test_no_request_gets_the_answer_of_another(store: Store, proxy: Proxy, steps: list[tuple[int, int | None]]) -> None:
    """Cut after any byte of any reply: the next answer is the right one, or an error."""
    for number, cut_after in steps:
        if cut_after is not None:
            proxy.cut_after(cut_after)
        try:
            assert store.get(f"id-{number}").payload == _record(number).payload
        except StoreUnavailable:
            continue


def test_no_thread_gets_the_answer_of_another(store: Store, proxy: Proxy) -> None:
    """Many at once, and connections cut again and again under them."""

    def read_on(seed: int) -> int:
        chance, answered = random.Random(seed), 0
        for _ in range(150):
            number = chance.randrange(_COUNT)
            try:
                assert store.get(f"id-{number}").payload == _record(number).payload
            except StoreUnavailable:
                continue
            answered += 1
        return answered

    chance = random.Random(0)
    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read_on, seed) for seed in range(8)]
        while not all(reader.done() for reader in readers):
            proxy.cut_after(chance.randrange(2_000))
            wait_until(lambda: not proxy.is_armed or all(reader.done() for reader in readers), "the cut has come")
        assert all(reader.result() > 0 for reader in readers)


@pytest.mark.parametrize("cut_after", [0, 1, 3, 20])
def test_a_put_that_is_cut_off_is_stored_whole_or_not_at_all(store: Store, proxy: Proxy, cut_after: int) -> None:
    """It is repeated on a fresh connection, which is safe, so here it succeeds."""
    proxy.cut_after(cut_after)
    store.put(Record("cut", "SUCCESS", b'{"status": "SUCCESS", "result": "whole"}'))
    assert store.get("cut").payload == b'{"status": "SUCCESS", "result": "whole"}'
    assert store.get("id-7").payload == _record(7).payload


def test_a_large_payload_that_is_cut_off_is_read_whole(store: Store, proxy: Proxy) -> None:
    """A megabyte, cut after half of it."""
    payload = b'{"status": "SUCCESS", "result": "%b"}' % (b"x" * (1 << 20))
    store.put(Record("large", "SUCCESS", payload))
    proxy.cut_after(1 << 19)
    assert (store.get("large").payload, store.get("id-7").payload) == (payload, _record(7).payload)


_READER = """
import sys

from rootcellar.errors import StoreTimeout
from rootcellar.settings import RedisSettings, Settings
from rootcellar.stores import open_store

store = open_store(sys.argv[1], Settings(store_timeout_s=1, redis=RedisSettings(connection={"socket_timeout": 1})))
for _ in range(3):
    sys.stdin.readline()
    try:
        print(store.get("id-7") is not None, flush=True)
    except StoreTimeout:
        print("timed out", flush=True)
print(store.get("id-8").id, flush=True)
"""


@pytest.mark.parametrize("missing", [1, 6, 7, 20])
def test_a_reply_that_stalls_costs_no_more_than_the_time_allowed(
    target: Target, store: Store, proxy: Proxy, missing: int
) -> None:
    """Its last bytes never come. In a process of its own, since a driver that waits for them may stop all threads.

    In PostgreSQL the last six bytes say "ready for the next", and come after all that there is to know.
    """
    command = [sys.executable, "-c", _READER, target.through(proxy.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        anti_hang = threading.Timer(30, process.kill)
        anti_hang.start()
        try:
            said = []
            for step in range(3):
                before = proxy.replied
                process.stdin.write("\n")
                process.stdin.flush()
                said.append(process.stdout.readline().strip())
                if step == 1:
                    proxy.stall_after(proxy.replied - before - missing)
            said.append(process.stdout.readline().strip())
        finally:
            process.kill()
            anti_hang.cancel()
    assert said == ["True", "True", "timed out", "id-8"]


def test_reset_connections_are_replaced_unseen(store: Store, proxy: Proxy) -> None:
    """All of them, between two operations."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(store.get, ["id-1"] * 20))
    proxy.reset()
    assert store.get("id-7").payload == _record(7).payload


def test_a_refused_connection_is_an_error_that_says_so(store: Store, proxy: Proxy) -> None:
    """And when connections are taken again, all is well."""
    proxy.refuse()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.get("id-7")
    proxy.accept()
    assert store.get("id-7").payload == _record(7).payload


def test_a_slow_line_is_only_slow(store: Store, proxy: Proxy) -> None:
    """Threads do not mix their answers up while they wait."""
    proxy.delay(0.02)
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(store.get, [f"id-{number}" for number in range(_COUNT)])
        assert [record.payload for record in found] == [_record(number).payload for number in range(_COUNT)]


@pytest.mark.redis
def test_an_error_in_a_pipeline_leaves_the_connection_in_step(redis_target: RedisTarget, open_it: OpenIt) -> None:
    """A scan that meets a key of another type fails; the answers it did not read are nobody else's."""
    store = open_it(redis_target.url)
    store.put(_record(7))
    with redis.Redis.from_url(redis_target.url) as client:
        client.hset("celery-task-meta-not-ours", "field", "value")
        client.hset("celery-task-meta-nor-this", "field", "value")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        list(store.scan())
    assert store.get("id-7").payload == _record(7).payload
    assert store.get("id-8") is None


def _hubs_connection_goes_dead(
    target: Target, proxy: Proxy, open_app: OpenApp, **config: float
) -> tuple[Celery, Celery]:
    app = open_app(target.through(proxy.port), cellar_look_interval=0.2, **config)
    elsewhere = open_app(target.url)
    result = app.AsyncResult(str(uuid.uuid4()))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(result.get, timeout=60)
        wait_until(lambda: target.subscriptions() == 1, "it waits")
        assert proxy.black_hole(_is_hubs) == 1
        elsewhere.backend.store_result(result.id, 1, "SUCCESS")
        assert wait.result(90) == 1
    return app, elsewhere


def test_a_hub_that_cannot_connect_leaves_nothing_open(
    target: Target, proxy: Proxy, open_app: OpenApp, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again and again, and each try gives back what it took."""
    app, elsewhere = open_app(target.through(proxy.port)), open_app(target.url)
    elsewhere.backend.store_result("warm", 1, "SUCCESS")
    first, second = (app.AsyncResult(str(uuid.uuid4())) for _ in range(2))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(first.get, timeout=60)
        wait_until(lambda: target.is_subscribed(first.id), "it waits")
        before = psutil.Process().num_fds()
        caplog.set_level(logging.DEBUG, "rootcellar")
        proxy.refuse()
        wait_until(lambda: caplog.text.count("is made again") >= 5, "five tries")
        proxy.accept()
        wait_until(lambda: target.is_subscribed(first.id), "it waits again")
        elsewhere.backend.store_result(first.id, 1, "SUCCESS")
        assert wait.result(90) == 1
        elsewhere.backend.store_result(second.id, 2, "SUCCESS")
        assert second.get(timeout=60) == 2
    wait_until(lambda: psutil.Process().num_fds() <= before + 2, "as many files as before are open")


def _is_known(app: Celery, task_id: str) -> bool:
    """Whether the hub's thread has taken this wait in, or is kept from it."""
    hub = app.backend.hub
    return task_id in hub._waits or any(task_id in wait.ids for wait in list(hub._arrivals))


def test_a_lost_notification_costs_a_look(target: Target, proxy: Proxy, open_app: OpenApp) -> None:
    """The hub's connection goes dead without a word: it reads again now and then, over another."""
    _hubs_connection_goes_dead(target, proxy, open_app)


def test_waits_that_begin_on_a_dead_connection_end_too(target: Target, proxy: Proxy, open_app: OpenApp) -> None:
    """One after the other, with a database that is given two seconds to answer."""
    app, elsewhere = _hubs_connection_goes_dead(target, proxy, open_app, cellar_store_timeout=2)
    for _ in range(3):
        result = app.AsyncResult(str(uuid.uuid4()))
        with ThreadPoolExecutor(1) as threads:
            wait = threads.submit(result.get, timeout=60)
            wait_until(lambda result=result: _is_known(app, result.id), "it waits")
            elsewhere.backend.store_result(result.id, 2, "SUCCESS")
            assert wait.result(90) == 2


def test_a_wait_that_begins_on_a_dead_connection_costs_a_look(target: Target, proxy: Proxy, open_app: OpenApp) -> None:
    """Not ``cellar_store_timeout``, however long that is: subscribing must not keep the hub from looking."""
    app, elsewhere = _hubs_connection_goes_dead(target, proxy, open_app, cellar_store_timeout=60)
    result = app.AsyncResult(str(uuid.uuid4()))
    with ThreadPoolExecutor(1) as threads:
        wait = threads.submit(result.get, timeout=5)
        wait_until(lambda: _is_known(app, result.id), "it waits")
        elsewhere.backend.store_result(result.id, 2, "SUCCESS")
        assert wait.result(90) == 2
