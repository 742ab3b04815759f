"""Half a fleet on ``redis://``, half on ``cellar+redis://``: one Redis, either way round."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis
from celery import Celery, group
from celery.result import GroupResult
from cellar_tasks import Customer, OutOfApples, open_gate
from versions import STOCK_COMPRESSIONS
from workers import Worker, worker_of

from servers import wait_until

pytestmark = [
    pytest.mark.redis,
    # Celery's own backend calls SETEX, which redis-py 8 deprecates.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]


class Pair(NamedTuple):
    """A client with one backend, a worker with the other, and their Redis database."""

    client: Celery
    worker_app: Celery
    worker: Worker
    url: str


@pytest.fixture(scope="module")
def pairs(
    new_redis_url: Callable[[], str], open_app: Callable[..., Celery], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Pair]]:
    """Both ways round."""
    with ExitStack() as stack:
        found = {}
        for name, client_prefix, worker_prefix in (
            ("our client, stock worker", "cellar+", ""),
            ("stock client, our worker", "", "cellar+"),
        ):
            url = new_redis_url()
            worker_app = open_app(worker_prefix + url, result_extended=True)
            queue = worker_app.conf.task_default_queue
            client = open_app(client_prefix + url, result_extended=True, task_default_queue=queue)
            worker = stack.enter_context(worker_of(worker_app, tmp_path_factory.mktemp("interop")))
            found[name] = Pair(client, worker_app, worker, url)
        yield found


@pytest.fixture(params=["our client, stock worker", "stock client, our worker"])
def pair(request: pytest.FixtureRequest, pairs: dict[str, Pair]) -> Pair:
    """Each way round in turn."""
    return pairs[request.param]


def _read(url: str, task_id: str) -> dict[str, Any]:
    with redis.Redis.from_url(url) as client:
        return json.loads(client.get(f"celery-task-meta-{task_id}"))


def test_a_result_is_read_across(pair: Pair) -> None:
    """The plainest case."""
    assert pair.client.tasks["add"].delay(2, 3).get(timeout=30) == 5


def test_a_waiter_is_woken_across(pair: Pair, gate: Path) -> None:
    """The waiter waits before there is anything."""
    result, values = pair.client.tasks["tracked"].delay(str(gate)), []
    thread = threading.Thread(target=lambda: values.append(result.get(timeout=30)))
    thread.start()
    # Not with the client's own: another object with the same id unsubscribes from it when it is collected
    # (AsyncResult.__del__ before Celery 5.6), and the waiter would hear nothing.
    wait_until(lambda: pair.worker_app.AsyncResult(result.id).state == "STARTED", "the task has started")
    open_gate(gate)
    thread.join(60)
    assert values == ["through"]


def test_an_exception_is_raised_across(pair: Pair) -> None:
    """Type, arguments and traceback."""
    result = pair.client.tasks["out_of_apples"].delay(3, "top")
    with pytest.raises(OutOfApples) as caught:
        result.get(timeout=30)
    assert (caught.value.args, "OutOfApples" in result.traceback) == ((3, "top"), True)


def test_custom_states_are_heard_across(pair: Pair, tmp_path: Path) -> None:
    """``on_message`` sees what the other side published."""
    gates = [tmp_path / "1", tmp_path / "2"]
    result, heard = pair.client.tasks["count_to"].delay([str(gate) for gate in gates]), []

    def on_message(meta: dict[str, Any]) -> None:
        if meta["status"] == "PROGRESS" and meta["result"]["done"] not in heard:
            heard.append(meta["result"]["done"])
            open_gate(gates[meta["result"]["done"] - 1])

    # Celery's own client hears only what is published while it waits.
    wait_until(lambda: result.state == "PROGRESS", "the task has begun")
    thread = threading.Timer(0.2, open_gate, (gates[0],))
    thread.start()
    assert result.get(timeout=30, on_message=on_message) == 2
    thread.join()
    assert 2 in heard


def test_a_group_is_read_across(pair: Pair) -> None:
    """All members, by one client."""
    result = group(pair.client.tasks["add"].s(i, i) for i in range(20)).apply_async()
    assert result.get(timeout=30) == [2 * i for i in range(20)]


def test_a_saved_group_is_restored_across(pair: Pair) -> None:
    """Saved by the client's backend, restored by the worker's, and deleted there."""
    saved = group(pair.client.tasks["add"].s(i, i) for i in range(3)).apply_async()
    saved.save()
    restored = GroupResult.restore(saved.id, app=pair.worker_app)
    assert (restored.as_tuple(), restored.get(timeout=30)) == (saved.as_tuple(), [0, 2, 4])
    restored.delete()
    assert GroupResult.restore(saved.id, app=pair.client) is None


def test_a_forgotten_result_is_gone_across(pair: Pair) -> None:
    """One key, one record."""
    result = pair.client.tasks["add"].delay(1, 1)
    result.get(timeout=30)
    pair.worker_app.AsyncResult(result.id).forget()
    assert pair.client.AsyncResult(result.id).state == "PENDING"


def _call_all(client: Celery) -> dict[str, str]:
    """Call each task under an id of its own; return task ids by what they do."""
    stamped = client.tasks["add"].s(3, 4).set(task_id="stamped")
    stamped.stamp(visitor=Customer())
    calls = [
        client.tasks["add"].s(2, 3).set(task_id="success"),
        client.tasks["echo"].s({"deep": [1, None, "☃"]}).set(task_id="document"),
        client.tasks["missing_key"].s("jam").set(task_id="failure"),
        client.tasks["out_of_apples"].s(1, "top").set(task_id="own-failure"),
        stamped,
    ]
    for call in calls:
        call.apply_async().get(timeout=30, propagate=False)
    return [call.options["task_id"] for call in calls]


def test_both_workers_write_the_same_documents(pairs: dict[str, Pair]) -> None:
    """What differs is the worker's name, its queue and the time."""
    documents = []
    for pair in pairs.values():
        found = [_read(pair.url, task_id) for task_id in _call_all(pair.client)]
        for document in found:
            assert document.pop("worker") == pair.worker.name
            assert document.pop("queue") == pair.client.conf.task_default_queue
            del document["date_done"]
        documents.append(json.dumps(found))
    assert documents[0] == documents[1]


def test_without_the_prefix_every_result_of_ours_is_readable(pairs: dict[str, Pair]) -> None:
    """Going back to ``redis://`` loses nothing."""
    pair = pairs["stock client, our worker"]
    task_ids = _call_all(pair.client)
    seen = [(pair.worker_app.AsyncResult(i).state, repr(pair.worker_app.AsyncResult(i).result)) for i in task_ids]
    back = [(pair.client.AsyncResult(i).state, repr(pair.client.AsyncResult(i).result)) for i in task_ids]
    assert (back, [state for state, _ in back]) == (seen, ["SUCCESS", "SUCCESS", "FAILURE", "FAILURE", "SUCCESS"])


@pytest.mark.parametrize("method", STOCK_COMPRESSIONS or [None])
@pytest.mark.parametrize(("writer", "reader"), [("", "cellar+"), ("cellar+", "")], ids=["stock to us", "us to stock"])
def test_compressed_results_are_read_across(
    writer: str, reader: str, method: str | None, new_redis_url: Callable[[], str], open_app: Callable[..., Celery]
) -> None:
    """By a reader that compresses, and by one that does not; a waiter is woken too."""
    url = new_redis_url()
    write = open_app(writer + url, result_compression=method)
    readers = [open_app(reader + url, result_compression=one) for one in (method, None)]
    value = "jam " * 10_000
    for number, read in enumerate(readers):
        result, values = read.AsyncResult(f"compressed-{number}"), []
        thread = threading.Thread(target=lambda result=result, values=values: values.append(result.get(timeout=30)))
        thread.start()
        write.backend.store_result(result.id, value, "SUCCESS")
        thread.join(60)
        assert values == [value]
        write.backend.store_result(result.id, "late", "FAILURE")
        assert read.AsyncResult(result.id).state == "SUCCESS"
