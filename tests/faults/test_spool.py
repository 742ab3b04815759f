"""Servers go away and come back, processes die: no finished record is lost, and none changes."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis

from faults.conftest import PostgreSQLTarget, RedisTarget, Target
from rootcellar.errors import StoreBusy
from rootcellar.record import Record
from rootcellar.settings import Settings, SpoolSettings
from rootcellar.spool import Entry, Spool, SpooledStore, deliver
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Part
from servers import RedisServer, fork, in_child, race, wait_until

OpenIt = Callable[..., Store]


def record(record_id: str, result: int = 0, state: str = "SUCCESS") -> Record:
    return Record(record_id, state, b'{"status": "%b", "result": %d}' % (state.encode(), result))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    made = Spool(SpoolSettings(directory=tmp_path / "spool"), "shop", "redis://h/0")
    yield made
    made.close()


def deliver_all(spool: Spool, store: Store, batch: int = 100) -> int:
    return deliver(spool, store, lambda claim: None, lambda: "token", 10.0, batch)


def is_sound(spool: Spool) -> bool:
    with closing(sqlite3.connect(spool.path)) as database:
        return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def killed_after(signs: int, work: Callable[[Callable[[bytes], None]], None]) -> list[bytes]:
    """Run ``work(sign)`` in a forked process, kill -9 it at the given sign, and return all the signs it gave."""
    reader, writer = os.pipe()
    child = fork()
    if child == 0:
        os.close(reader)
        work(lambda sign: os.write(writer, sign + b"\n") and None)
        os._exit(0)
    os.close(writer)
    seen = b""
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while seen.count(b"\n") < signs and (more := pipe.read(4096)):
            seen += more
        os.kill(child, signal.SIGKILL)
        while more := pipe.read(4096):
            seen += more
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "it ended before it was killed"
    return seen.splitlines()


# -- the server -------------------------------------------------------------------------------------------------------


def test_what_finishes_during_an_outage_is_there_after_it(target: Target, open_it: OpenIt, spool: Spool) -> None:
    """Records and a chord's parts, of several processes; progress is dropped."""
    plain = open_it(target.url)
    store = SpooledStore(plain, lambda: spool, retry_s=0.2)
    store.put(record("before"))
    store.chords.open("chord", Opening(b"document"))
    store.chords.set_size("chord", 4)
    target.server.kill()

    def work(number: int) -> None:
        assert not store.put(record(f"{number}-running", state="STARTED"))
        for task in range(10):
            assert store.put(record(f"{number}-{task}", task))
        member = Part("chord", f"member-{number}", number, "SUCCESS", b"[%d]" % number)
        assert store.chords.report(member, "t", 10.0, record=record(f"member-{number}")).is_stored

    race(3, work)
    work(3)
    assert deliver_all(spool, store) == 0
    assert spool.depth().records == 4 * 11
    target.server.start()
    wait_until(target.answers, "the server takes clients again")
    claims: list[Claim] = []
    assert deliver(spool, store, claims.append, lambda: "deliverer", 10.0) == 4 * 11
    ids = [f"{number}-{task}" for number in range(4) for task in range(10)]
    assert {i: r.payload for i, r in store.get_many(ids).items()} == {
        i: record(i, int(i.partition("-")[2])).payload for i in ids
    }
    assert store.put(record("after"))
    assert store.get("after") is not None
    assert spool.is_empty()
    if isinstance(target, PostgreSQLTarget):  # a Redis without persistence has forgotten the chord
        assert [claim.ready for claim in claims] == [4]


def test_an_outage_shorter_than_the_retry_needs_no_spool(target: Target, open_it: OpenIt, spool: Spool) -> None:
    """The caller waits; reads do, too."""
    store = SpooledStore(open_it(target.url), lambda: spool, retry_s=60.0)
    store.put(record("a"))
    target.server.kill()
    with ThreadPoolExecutor(2) as threads:
        putting, getting = threads.submit(store.put, record("b")), threads.submit(store.get, "a")
        target.server.start()
        assert putting.result(60)
        getting.result(60)
    assert spool.is_empty()
    wait_until(target.answers, "the server takes clients again")
    assert store.get("b") is not None


def test_a_hanging_server_is_an_outage(target: Target, open_it: OpenIt, spool: Spool) -> None:
    """One that answers nobody: the wait is that of the store's own time-out."""
    impatient = Settings.from_celery({"redis_socket_timeout": 0.2, "cellar_store_timeout": 0.2}, {})
    store = SpooledStore(open_it(target.url, impatient), lambda: spool, retry_s=0.0)
    store.put(record("a"))
    target.server.pause()
    assert store.put(record("b"))
    assert store.put(record("c"))
    target.server.resume()
    assert deliver_all(spool, store) == 2
    assert set(store.get_many("abc")) == set("abc")


REDIS_SAYS_NO = {
    "OOM": [("CONFIG", "SET", "maxmemory", "1")],
    "READONLY": [("REPLICAOF", "127.0.0.1", "1")],
    "MASTERDOWN": [("REPLICAOF", "127.0.0.1", "1"), ("CONFIG", "SET", "replica-serve-stale-data", "no")],
    "NOREPLICAS": [("CONFIG", "SET", "min-replicas-to-write", "1")],
}
REDIS_AGAIN = [
    ("REPLICAOF", "NO", "ONE"),
    ("CONFIG", "SET", "maxmemory", "0", "replica-serve-stale-data", "yes", "min-replicas-to-write", "0"),
]


@pytest.mark.redis
@pytest.mark.parametrize("commands", REDIS_SAYS_NO.values(), ids=REDIS_SAYS_NO)
def test_a_redis_that_takes_no_writes_for_now_is_an_outage(
    redis_target: RedisTarget, open_it: OpenIt, spool: Spool, commands: list[tuple[str, ...]]
) -> None:
    """Also where it says so from inside a script, or to one of many."""
    plain = open_it(redis_target.url)
    store = SpooledStore(plain, lambda: spool, retry_s=0.0)
    plain.put(record("x"))
    with redis.Redis.from_url(redis_target.url) as client:
        try:
            for command in commands:
                client.execute_command(*command)
            for operation in (lambda: plain.put(record("a")), lambda: plain.put_many([record("a"), record("b")])):
                with pytest.raises(StoreBusy):
                    operation()
            assert store.put(record("a"))
            assert deliver_all(spool, store) == 0
        finally:
            for command in REDIS_AGAIN:
                client.execute_command(*command)
    assert deliver_all(spool, store) == 1
    assert store.get("a") == record("a")


@pytest.mark.redis
def test_a_redis_that_cannot_save_is_an_outage(tmp_path: Path, open_it: OpenIt, redis_server: RedisServer) -> None:
    """MISCONF: the directory of its snapshots is gone."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    try:
        plain = open_it(server.url)
        plain.put(record("x"))
        shutil.rmtree(server.directory)
        with redis.Redis.from_url(server.url) as client:
            client.config_set("save", "3600 1")
            client.bgsave()
            wait_until(lambda: client.info()["rdb_last_bgsave_status"] == "err", "saving has failed")
        for operation in (lambda: plain.put(record("a")), lambda: plain.put_many([record("a"), record("b")])):
            with pytest.raises(StoreBusy, match="MISCONF"):
                operation()
    finally:
        server.kill()


NOT_NOW = ["40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03"]


@pytest.mark.postgresql
@pytest.mark.parametrize("state", NOT_NOW)
def test_a_postgresql_that_cannot_for_now_is_an_outage(
    postgresql_target: PostgreSQLTarget, open_it: OpenIt, spool: Spool, state: str
) -> None:
    """Serialization failure, deadlock, disk full, out of memory and so on, as answers of the server."""
    plain = open_it(postgresql_target.url)
    store = SpooledStore(plain, lambda: spool, retry_s=0.0)
    with psycopg.connect(postgresql_target.url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END$$"
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON cellar_record EXECUTE FUNCTION refuse()")
        for operation in (lambda: plain.put(record("a")), lambda: plain.put_many([record("a"), record("b")])):
            with pytest.raises(StoreBusy, match="cannot do this now: not now"):
                operation()
        assert store.put(record("a"))
        assert deliver_all(spool, store) == 0
        connection.execute("DROP TRIGGER refuse ON cellar_record")
    assert deliver_all(spool, store) == 1
    assert store.get("a") == record("a")


@pytest.mark.postgresql
def test_a_postgresql_without_a_free_connection_is_an_outage(
    postgresql_target: PostgreSQLTarget, open_it: OpenIt
) -> None:
    """It says so to whoever connects, without a SQLSTATE."""
    url = postgresql_target.server.create_plain_login()
    role = url.partition("//")[2].partition(":")[0]
    postgresql_target.server.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT 0')
    with pytest.raises(StoreBusy, match="too many connections"):
        open_it(url).put(record("a"))


# -- the processes ----------------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_while_it_adds_loses_nothing_it_was_told_of(spool: Spool) -> None:
    """What append() returned for is there; at most the one under way is there besides."""

    def add(sign: Callable[[bytes], None]) -> None:
        for number in range(1_000_000):
            spool.append(Entry(record(f"{number}", number)))
            sign(b"%d" % number)

    for attempt in range(5):
        signs = killed_after(20 + 7 * attempt, add)
        found = [entry.task_id for _, entry in spool.oldest(100_000)]
        assert found[: len(signs)] == [sign.decode() for sign in signs]
        assert len(found) - len(signs) in (0, 1)
        assert is_sound(spool)
        spool.remove([seq for seq, _ in spool.oldest(100_000)])


def test_a_process_that_is_killed_while_it_delivers_loses_nothing(
    any_target: Target, open_it: OpenIt, spool: Spool
) -> None:
    """The next one goes on; what was delivered but not yet forgotten is delivered again."""
    store = open_it(any_target.url)
    store.get("make the tables")
    for number in range(300):
        spool.append(Entry(record(f"{number % 100}", number, "FAILURE")))

    def work(sign: Callable[[bytes], None]) -> None:
        deliver(spool, store, lambda claim: None, lambda: "t", 10.0, 5, lambda done: sign(b"%d" % done.delivered))

    for _ in range(5):
        killed_after(4, work)
        assert is_sound(spool)
    assert not spool.is_empty()
    assert deliver_all(spool, store) > 0
    assert spool.is_empty()
    assert {i: r.payload for i, r in store.get_many(map(str, range(100))).items()} == {
        f"{n}": record(f"{n}", 200 + n, "FAILURE").payload for n in range(100)
    }


def test_some_add_while_one_delivers(any_target: Target, open_it: OpenIt, spool: Spool) -> None:
    """Nothing is lost, and of each task the last word stays."""
    store = open_it(any_target.url)
    store.get("make the tables")
    writers, rounds = 2, 60

    def work(number: int) -> int:
        if number < writers:
            for turn in range(rounds):
                spool.append(Entry(record(f"same-{number}", turn, "FAILURE")))
                spool.append(Entry(record(f"{number}-{turn}", turn)))
            return 0
        delivered = 0

        def go_on() -> bool:
            nonlocal delivered
            delivered += deliver_all(spool, store, batch=7)
            return delivered == writers * rounds * 2

        wait_until(go_on, "all is delivered", timeout_s=60)
        return delivered

    assert race(writers + 1, work)[writers] == writers * rounds * 2
    assert spool.is_empty()
    last = store.get_many([f"same-{number}" for number in range(writers)])
    assert [r.payload for r in last.values()] == [record(i, rounds - 1, "FAILURE").payload for i in last]
    ids = [f"{number}-{turn}" for number in range(writers) for turn in range(rounds)]
    assert set(store.get_many(ids)) == set(ids)


def test_a_fork_amid_a_delivery_harms_neither(any_target: Target, open_it: OpenIt, spool: Spool) -> None:
    """The child has connections of its own, and the delivery goes on."""
    store = open_it(any_target.url)
    store.get("make the tables")
    for number in range(200):
        spool.append(Entry(record(f"{number}", number)))
    with ThreadPoolExecutor(1) as threads:
        delivery = threads.submit(deliver_all, spool, store, 5)
        for number in range(3):
            in_child(lambda number=number: spool.append(Entry(record(f"child-{number}"))))
        delivered = delivery.result(60)
    assert delivered + deliver_all(spool, store) == 203
    assert len(store.get_many([*map(str, range(200)), *(f"child-{number}" for number in range(3))])) == 203
