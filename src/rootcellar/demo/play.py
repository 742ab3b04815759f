"""The play: the calls are sent to a real worker, waited for, and what they left in the store is read."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rootcellar.demo.app import make_app
from rootcellar.demo.call import Call, calls
from rootcellar.demo.environment import clean_environment
from rootcellar.demo.trouble import DemoFailed
from rootcellar.demo.worker import WorkerProcess
from rootcellar.record import Record

#: How long all the calls together may take.
CALLS_TIMEOUT_S = 20.0
STORE_FILE = "results.db"


@dataclass(frozen=True)
class Played:
    """What the demonstration did. Times in seconds, sizes in bytes."""

    calls: Sequence[Call]
    records: Sequence[Record]
    by_state: dict[str, int]
    bytes_on_disk: int
    worker_ready_seconds: float
    seconds: float
    store_url: str


def play(keep: Path | None, on_change: Callable[[Sequence[Call]], None]) -> Played:
    """Run the demonstration; ``on_change(calls)`` is called in this thread after each change.

    ``keep`` is the directory where the store is to stay; ``None``: it goes with the temporary directory all else is
    in. When this returns or raises, the worker is gone and so is that directory.

    Raises:
        DemoFailed: the worker did not start, or a call did not come to what it should.
    """
    began = time.monotonic()
    with TemporaryDirectory(prefix="rootcellar-demo-", ignore_cleanup_errors=True) as name, clean_environment():
        directory = Path(name)
        (directory / "messages").mkdir()
        (directory / "processed").mkdir()
        file = (keep or directory).absolute() / STORE_FILE
        store_url = f"cellar+sqlite:///{file}"
        app = make_app(directory, store_url)
        try:
            with WorkerProcess(directory, store_url) as worker:
                ready_s = worker.wait_until_ready()
                done = _run(app, worker, on_change)
            store = app.backend.store
            records = [record for batch in store.scan() for record in batch]
            return Played(
                calls=done,
                records=records,
                by_state=dict(store.stats().by_state),
                bytes_on_disk=sum(part.stat().st_size for part in file.parent.glob(STORE_FILE + "*")),
                worker_ready_seconds=ready_s,
                seconds=time.monotonic() - began,
                store_url=store_url,
            )
        finally:
            app.backend.hub.close()
            app.backend.store.close()
            app.close()


def _run(app: Any, worker: WorkerProcess, on_change: Callable[[Sequence[Call]], None]) -> list[Call]:
    """Send all calls, then wait for each in a thread of its own until all are over."""
    heard: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    running = calls()
    on_change(running)
    for call in running:
        result = call.begin(app)
        threading.Thread(target=_wait, args=(call, result, heard.put), name=call.kind, daemon=True).start()
        on_change(running)
    deadline = time.monotonic() + CALLS_TIMEOUT_S
    while not all(call.is_over for call in running):
        try:
            heard.get(timeout=0.1)()
        except queue.Empty:
            worker.check()
            if time.monotonic() > deadline:
                late = ", ".join(call.kind for call in running if not call.is_over)
                raise DemoFailed(f"Not over after {CALLS_TIMEOUT_S:g} s: {late}.", worker.log_tail()) from None
        else:
            on_change(running)
    wrong = [call for call in running if not call.is_right]
    if wrong:
        what = "; ".join(f"{c.text} came to {c.state} {c.answer}, not {' '.join(c.expected)}" for c in wrong)
        raise DemoFailed(f"Not as it should be: {what}.", worker.log_tail())
    return running


def _wait(call: Call, result: Any, tell: Callable[[Callable[[], None]], None]) -> None:
    """Wait for one call, telling every change. Only the thread that is told touches the call."""
    try:
        value = result.get(
            timeout=CALLS_TIMEOUT_S + 1, on_message=lambda meta: tell(lambda: call.hear(meta)), propagate=False
        )
    except Exception as exc:
        error = exc
        tell(lambda: call.end(error, failed=True))
    else:
        tell(lambda: call.end(value, failed=isinstance(value, BaseException)))
