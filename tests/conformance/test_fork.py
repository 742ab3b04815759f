"""Forking, on every engine: a worker's pool processes are forked from a parent that may have used the store."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing

from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import in_child, race

AnyRecord = Callable[..., Record]


def test_a_child_of_a_process_that_used_the_store_can_use_it(store: Store, a_record: AnyRecord) -> None:
    """And its parent goes on using it."""
    store.put(a_record("parent"))

    def in_the_child() -> list[str]:
        store.put(a_record("child"))
        return sorted(store.get_many(["parent", "child"]))

    assert in_child(in_the_child) == ["child", "parent"]
    assert sorted(store.get_many(["parent", "child"])) == ["child", "parent"]
    assert store.put(a_record("later")) is True


def test_a_parent_may_first_use_the_store_after_its_child_did(store: Store, a_record: AnyRecord) -> None:
    """The other way round."""
    assert in_child(lambda: store.put(a_record("child"))) is True
    assert store.put(a_record("parent")) is True

    assert sorted(store.get_many(["parent", "child"])) == ["child", "parent"]


def test_children_and_parent_use_the_store_at_once(store: Store, a_record: AnyRecord) -> None:
    """Eight of them, forked from one that holds connections; everybody reads what they wrote."""
    store.put(a_record("parent"))

    def work(number: int) -> list[bool]:
        seen = []
        for turn in range(10):
            record = a_record(f"{number}-{turn}", "SUCCESS", f"{number}-{turn}")
            kept = store.put(record) and store.get(record.id)
            seen.append(bool(kept) and kept.payload == record.payload)
        return seen

    assert race(8, work) == [[True] * 10] * 8
    assert len(store.get_many([f"{number}-{turn}" for number in range(8) for turn in range(10)])) == 80


def test_a_child_that_closes_the_store_does_not_close_its_parents(store: Store, a_record: AnyRecord) -> None:
    """The connections it inherited are not its own."""
    store.put(a_record("a"))

    in_child(store.close)

    assert store.get("a") is not None
    assert store.put(a_record("b")) is True


def test_what_a_child_stores_outlives_its_parents_closing(store: Store, a_record: AnyRecord) -> None:
    """A parent that gives its connections back while the child goes on must not take the child's results along."""
    store.put(a_record("parent"))
    to_child, to_parent = os.pipe(), os.pipe()

    def in_the_child() -> bool:
        store.put(a_record("before"))
        os.write(to_parent[1], b"x")
        os.read(to_child[0], 1)
        return store.put(a_record("after"))

    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(in_child(in_the_child)))
    thread.start()
    os.read(to_parent[0], 1)
    store.close()
    os.write(to_child[1], b"x")
    thread.join(60)
    for end in (*to_child, *to_parent):
        os.close(end)

    assert answers == [True]
    assert sorted(store.get_many(["parent", "before", "after"])) == ["after", "before", "parent"]


def test_a_child_forked_while_another_thread_stores_is_not_held_up(store: Store, a_record: AnyRecord) -> None:
    """That thread, and whatever it had locked, does not exist in the child."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            number = 0
            while not stop.is_set():
                store.put_many(a_record(f"busy{number + i}") for i in range(20))
                number += 20
        except BaseException as exc:
            errors.append(exc)

    store.put(a_record("first"))
    thread = threading.Thread(target=write)
    thread.start()
    try:
        answers = [in_child(lambda n=n: store.put(a_record(f"child{n}"))) for n in range(10)]
    finally:
        stop.set()
        thread.join(60)

    assert errors == []
    assert answers == [True] * 10
    assert len(store.get_many([f"child{number}" for number in range(10)])) == 10


def test_a_watcher_goes_on_hearing_after_a_fork(store: Store, a_record: AnyRecord) -> None:
    """The child neither reads from its connection nor closes it."""
    with closing(store.watcher()) as watcher:
        watcher.add(["a"])

        in_child(lambda: store.put(a_record("b")))
        store.put(a_record("a"))

        heard: set[str] = set()
        while "a" not in heard:
            news = watcher.poll(1.0)
            heard |= set(news.ids) | {record.id for record in news.records}


SCRIPT = """
import os, sys
from rootcellar.record import Record
from rootcellar.stores import open_store

def record(name):
    return Record(name, "SUCCESS", b'{"status": "SUCCESS", "result": 1}')

store = open_store(sys.argv[1])
store.put(record("parent"))
pid = os.fork()
if pid == 0:
    store.put(record("child"))
    sys.exit(0)  # in the orderly way, with every finalizer there is
assert os.waitpid(pid, 0)[1] == 0
store.put(record("later"))
assert sorted(store.get_many(["parent", "child", "later"])) == ["child", "later", "parent"]
"""


def test_a_child_that_exits_in_the_orderly_way_leaves_its_parent_working(
    store_url: str, open_it: Callable[..., Store]
) -> None:
    """Its interpreter finalizes what it inherited too."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", SCRIPT, store_url],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(open_it(store_url).get_many(["parent", "child", "later"])) == 3
