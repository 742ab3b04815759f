"""What readers see while tasks are delivered several times, by several workers at once: never an outcome that changes.

Writers run tasks as workers do (STARTED, progress, perhaps RETRY, an outcome), some of them twice or three times, at
the same moment. Readers look one by one, many at a time, and through the hub. What each of them saw, in order, is its
history; the rules every history must obey are at the end of this file.
"""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from rootcellar.codec import Codec
from rootcellar.record import FINAL_STATES, Record, rank
from rootcellar.stores.base import Store
from rootcellar.waiting import Hub
from servers import wait_until

TASKS = 40
WRITERS = 4
_CODEC = Codec()


class Sight(NamedTuple):
    """One record as a reader saw it: what wrote it, and where in its run."""

    task: str
    state: str
    run: int
    step: int


History = dict[str, list[Sight]]


def _payload(task: str, state: str, run: int, step: int) -> Record:
    document = {"status": state, "result": {"task": task, "run": run, "step": step}, "traceback": None, "children": []}
    return Record(task, state, _CODEC.encode(document))


def _sight(record: Record) -> Sight:
    document = _CODEC.decode(record.payload)
    result = document["result"]
    assert document["status"] == record.state
    return Sight(result["task"], record.state, result["run"], result["step"])


def _runs(generator: random.Random) -> list[list[Record]]:
    """Return every run of every task, as the records it stores, in a random order; some tasks run three times."""
    runs = []
    for number in range(TASKS):
        task = f"task-{number}"
        for run in range(generator.choice([1, 1, 2, 3])):
            states = ["STARTED", *["PROGRESS"] * generator.randrange(6)]
            if generator.random() < 0.3:
                states += ["RETRY", "STARTED"]
            states.append(generator.choice(["SUCCESS", "SUCCESS", "FAILURE", "REVOKED"]))
            runs.append([_payload(task, state, run, step) for step, state in enumerate(states)])
    generator.shuffle(runs)
    return runs


def _write(store: Store, runs: Sequence[Sequence[Record]], pause: Callable[[Record], None]) -> None:
    for run in runs:
        for record in run:
            store.put(record)
            pause(record)


def _keep(history: History, record: Record) -> None:
    seen = history[record.id]
    sight = _sight(record)
    if not seen or seen[-1] != sight:
        seen.append(sight)


@contextmanager
def _reading(open_it: Callable[..., Store], url: str, tasks: Sequence[str]) -> Iterator[dict[str, History]]:
    """Have three readers look, each in its own way, until the block is over, and once more after that."""
    histories: dict[str, History] = {way: defaultdict(list) for way in ("get", "get_many", "the hub")}
    is_over = threading.Event()
    is_after = threading.Event()

    def look(way: str, read: Callable[[Store], Iterator[Record]]) -> None:
        store = open_it(url)
        while True:
            is_last = is_after.is_set()
            for record in read(store):
                _keep(histories[way], record)
            if is_last:
                return
            is_over.wait(0.001)

    def one_by_one(store: Store) -> Iterator[Record]:
        yield from filter(None, map(store.get, tasks))

    def many(store: Store) -> Iterator[Record]:
        yield from store.get_many(tasks).values()

    readers = [threading.Thread(target=look, args=("get", one_by_one))]
    readers += [threading.Thread(target=look, args=("get_many", many))]
    with ExitStack() as stack:
        hub = Hub(open_it(url), look_interval_s=0.02)
        stack.callback(hub.close)
        hub.wait(tasks, lambda record: _keep(histories["the hub"], record), every_state=True)
        for reader in readers:
            reader.start()
        try:
            yield histories
            wait_until(
                lambda: (
                    all(history[-1].state in FINAL_STATES for history in histories["the hub"].values())
                    and len(histories["the hub"]) == len(tasks)
                ),
                "the hub has heard every end",
            )
        finally:
            is_over.set()
            is_after.set()
            for reader in readers:
                reader.join()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_reader_sees_an_outcome_change_or_a_task_go_backwards(
    store_url: str, open_it: Callable[..., Store], seed: int
) -> None:
    """Four writers, three kinds of readers, tasks that run up to three times at once."""
    generator = random.Random(seed)
    runs = _runs(generator)
    tasks = [f"task-{number}" for number in range(TASKS)]
    how_often = Counter(run[0].id for run in runs)
    with _reading(open_it, store_url, tasks) as histories:

        def pause(record: Record) -> None:
            """Where a task runs once, wait at its first state until every reader has seen it."""
            if how_often[record.id] == 1 and record.state == "STARTED":
                wait_until(
                    lambda: all(history.get(record.id) for history in histories.values()), f"{record.id} is seen to run"
                )

        # A store each: a worker shares nothing with the next but the server.
        writers = [
            threading.Thread(target=_write, args=(open_it(store_url), runs[number::WRITERS], pause))
            for number in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    for way, history in histories.items():
        assert sorted(history) == sorted(tasks), way
        seen_running = [task for task in tasks if len(history[task]) > 1]
        assert set(seen_running) >= {task for task, times in how_often.items() if times == 1}, way
        for task, sights in history.items():
            check_history(task, sights, way)


def check_history(task: str, sights: Sequence[Sight], way: str) -> None:
    """Fail unless what one reader saw of one task obeys every rule."""
    story = f"{way}: {task}: {sights}"
    assert all(sight.task == task for sight in sights), f"another task's result: {story}"
    latest: dict[int, int] = {}
    for earlier, later in zip([None, *sights], sights, strict=False):
        assert later.step >= latest.get(later.run, -1), f"a run goes backwards: {story}"
        latest[later.run] = later.step
        if earlier is None:
            continue
        assert rank(later.state) >= rank(earlier.state), f"a state goes backwards: {story}"
        assert earlier.state != "SUCCESS", f"a success changes: {story}"
        if earlier.state in FINAL_STATES:
            # A task that failed may be run again, and then the last outcome counts; nothing else replaces one.
            assert later.run != earlier.run, f"an outcome changes without another run: {story}"


@pytest.mark.parametrize(
    "sights",
    [
        pytest.param([Sight("a", "SUCCESS", 0, 1), Sight("a", "FAILURE", 1, 1)], id="a success that changes"),
        pytest.param([Sight("a", "FAILURE", 0, 1), Sight("a", "STARTED", 1, 0)], id="an end before a start"),
        pytest.param([Sight("a", "PROGRESS", 0, 2), Sight("a", "PROGRESS", 0, 1)], id="progress that falls"),
        pytest.param([Sight("a", "FAILURE", 0, 2), Sight("a", "REVOKED", 0, 2)], id="an outcome that changes"),
        pytest.param([Sight("b", "STARTED", 0, 0)], id="another task's record"),
    ],
)
def test_the_checker_finds(sights: Sequence[Sight]) -> None:
    """A checker that finds nothing would prove nothing."""
    with pytest.raises(AssertionError):
        check_history("a", sights, "a test")
