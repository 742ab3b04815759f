"""A client in a process of its own, for ``test_clients.py``: fifty waits at once, by threads, greenlets or coroutines.

``python client_program.py KIND GATE`` with the app's configuration as JSON in ``TASKS_CONFIG``. It says what it sees in
lines of JSON, and ends when its standard input does.
"""

import os
import sys

KIND = sys.argv[1]
if KIND == "gevent":
    from gevent import monkey

    monkey.patch_all()
elif KIND == "eventlet":
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eventlet says of itself that it is deprecated
        import eventlet

    eventlet.monkey_patch()

import json  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from cellar_tasks import app  # noqa: E402

from rootcellar.waiting import Hub  # noqa: E402
from servers import wait_until  # noqa: E402

COUNT = 50


def say(**what: Any) -> None:
    """Tell the test."""
    print(json.dumps(what), flush=True)


def send(gate: str, count: int, first: int = 0) -> list[str]:
    """Send tasks that are done when the gate is open, each with a value of its own."""
    return [app.tasks["value_at_gate"].delay(gate, first + i).id for i in range(count)]


def hubs() -> int:
    """Return how many threads wait for notifications."""
    return sum(thread.name == "rootcellar-hub" for thread in threading.enumerate())


def wait_until_all_wait(ids: list[str]) -> None:
    """Return when the hub knows of all these, while everything else in the process goes on."""
    beats: list[float] = []
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.is_set():
            beats.append(time.monotonic())
            time.sleep(0.002)

    heart = threading.Thread(target=beat)
    heart.start()
    wait_until(lambda: set(ids) <= set(app.backend.hub._waits), "all wait")
    before = len(beats)
    wait_until(lambda: len(beats) >= before + 50, "nothing stops the others")
    is_over.set()
    heart.join()


def in_threads(ids: list[str], gets: Callable[[str], Any]) -> Callable[[], list[Any]]:
    """Call ``gets`` for each id in a thread of its own (a greenlet, where threads are patched)."""
    values: dict[str, Any] = {}

    def get(task_id: str) -> None:
        values[task_id] = gets(task_id)

    threads = [threading.Thread(target=get, args=(task_id,)) for task_id in ids]
    for thread in threads:
        thread.start()

    def collect() -> list[Any]:
        for thread in threads:
            thread.join()
        return [values.get(task_id) for task_id in ids]

    return collect


def by_get(task_id: str) -> Any:
    """Wait as everybody does."""
    return app.AsyncResult(task_id).get(timeout=100)


def in_loops(ids: list[str]) -> Callable[[], list[Any]]:
    """Wait by ``await`` in five event loops, each in a thread of its own."""
    import asyncio

    from rootcellar import aio

    async def some(few: list[str]) -> list[Any]:
        return list(await asyncio.gather(*[aio.get(app.AsyncResult(task_id), timeout=100) for task_id in few]))

    portions = {ids[i]: ids[i : i + 10] for i in range(0, len(ids), 10)}
    collect = in_threads(list(portions), lambda first: asyncio.run(some(portions[first])))
    return lambda: [value for portion in collect() for value in portion]


def in_two_processes(ids: list[str]) -> Callable[[], list[Any]]:
    """Wait for half of them here and for half in a child, forked while the hub is at work."""
    mine, childs = ids[: COUNT // 2], ids[COUNT // 2 :]
    collect = in_threads(mine, by_get)
    wait_until_all_wait(mine)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reader)
            childs_collect = in_threads(childs, by_get)
            wait_until_all_wait(childs)
            os.write(writer, b".")
            os.write(writer, json.dumps(childs_collect()).encode())
            wait_until(lambda: hubs() == 0, "the child's hub has ended")
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    assert os.read(reader, 1) == b".", "the child ended"

    def collect_both() -> list[Any]:
        values = collect()
        with os.fdopen(reader, "rb") as pipe:
            values += json.loads(pipe.read())
        os.waitpid(pid, 0)
        return values

    return collect_both


def main(gate: str) -> None:
    """Do it."""
    app.backend.hub = Hub(app.backend.store, look_interval_s=60, linger_s=0.2)
    ids = send(gate, COUNT)
    if KIND == "asyncio":
        collect = in_loops(ids)
    elif KIND == "fork":
        collect = in_two_processes(ids)
    else:
        collect = in_threads(ids, by_get)
    if KIND != "fork":
        wait_until_all_wait(ids)
    say(ids=ids, hubs=hubs())
    say(values=collect())
    wait_until(lambda: hubs() == 0, "the hub has ended")
    app.backend.store.close()
    say(hubs=hubs(), waits=len(app.backend.hub._waits), threads=threading.active_count())
    sys.stdin.read()


main(sys.argv[2])
