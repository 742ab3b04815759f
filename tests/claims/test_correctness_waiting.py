"""What the rules about waiting for results say of Celery, made to happen on the installed one."""

import asyncio
import gc
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TimeoutError
from celery.result import AsyncResult, GroupResult

from servers import RedisServer, wait_until

pytestmark = [
    pytest.mark.redis,
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

NewApp = Callable[..., Any]


@pytest.fixture(scope="module")
def client(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An app whose worker, a real one with a single process, runs the tasks of ``claims_worker``."""
    log = tmp_path_factory.mktemp("worker") / "log"
    # Not the session's, which other tests empty.
    server = RedisServer(log.parent)
    server.start()
    url = server.url
    environment = {**os.environ, "CLAIMS_URL": url, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "celery", "-A", "claims_worker", "worker", "--pool", "prefork", "-c", "1"]
    command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with log.open("wb") as output:
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=log.parent
        )
    app = Celery("claims_worker", broker=url, backend=url, set_as_current=False)
    try:
        wait_until(lambda: worker.poll() is not None or " ready." in log.read_text("utf-8"), "the worker is ready")
        assert worker.poll() is None, log.read_text("utf-8")
        yield app
    finally:
        worker.terminate()
        worker.wait()
        app.pool.force_close_all()
        app.backend.result_consumer.cancel_for = lambda task_id: None
        app.backend.result_consumer.stop()
        app.backend.client.connection_pool.disconnect()
        app.close()
        server.stop()


@pytest.mark.claims("RC218")
def test_get_inside_a_task_of_a_worker_raises_runtime_error(client: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Never call result.get\(\) within a task"):
        client.send_task("claims_worker.wait_for_add").get(timeout=20)


@pytest.mark.claims("RC218")
@pytest.mark.parametrize(
    ("pool", "is_checked"),
    [("prefork", True), ("solo", True), ("thread", True), ("gevent", False), ("eventlet", False)],
)
def test_the_pools_of_greenlets_do_not_check(pool: str, is_checked: bool) -> None:
    # What a worker hands to the check when it makes its pool (celery.worker.components).
    module = import_module(f"celery.concurrency.{pool}")
    assert module.TaskPool.task_join_will_block is is_checked


@pytest.mark.claims("RC233")
@pytest.mark.parametrize("how", ["allow_join_result", "disable_sync_subtasks"])
def test_with_the_check_switched_off_a_worker_of_one_slot_waits_for_itself(client: Any, how: str) -> None:
    result = client.send_task("claims_worker.wait_for_add_all_the_same", (how,))
    assert result.get(timeout=20) == "TimeoutError"


@pytest.mark.claims("RC219")
@pytest.mark.parametrize("method", [AsyncResult.get, GroupResult.join, GroupResult.get])
def test_a_wait_has_no_timeout_of_its_own(method: Callable[..., Any]) -> None:
    assert inspect.signature(method).parameters["timeout"].default is None


@pytest.mark.claims("RC219")
def test_get_without_a_timeout_goes_on_where_one_with_a_timeout_has_given_up(new_app: NewApp, redis_url: str) -> None:
    app, other = new_app(redis_url), new_app(redis_url)
    got: list[Any] = []

    def wait() -> None:
        got.append(app.AsyncResult("never-sent").get())
        gc.collect()  # the result takes its leave
        app.backend.result_consumer.stop()  # of this thread: the fixture closes that of its own
        app.backend.client.connection_pool.disconnect()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    with pytest.raises(TimeoutError):
        other.AsyncResult("never-sent").get(timeout=0.3)
    assert thread.is_alive()
    # Only the result ends it.
    wait_until(lambda: app.backend.client.pubsub_numsub(app.backend.get_key_for_task("never-sent"))[0][1] >= 1, "waits")
    other.backend.store_result("never-sent", 7, "SUCCESS")
    thread.join(30)
    assert got == [7]


@pytest.mark.claims("RC219")
@pytest.mark.claims("RC232")
@pytest.mark.parametrize("asked", ["ready", "state"])
def test_get_gives_what_asking_for_the_state_has_brought(asked: str, new_app: NewApp, redis_url: str) -> None:
    app = new_app(redis_url)
    app.backend.store_result("there", 42, "SUCCESS")
    result = AsyncResult("there", app=app)
    assert result.ready() if asked == "ready" else result.state == "SUCCESS"
    app.backend.delete(app.backend.get_key_for_task("there"))
    assert result.get() == 42  # from no store, and without a timeout


@pytest.mark.claims("RC232")
def test_nothing_else_runs_in_an_event_loop_while_a_coroutine_waits(new_app: NewApp, redis_url: str) -> None:
    app = new_app(redis_url)
    happened: list[str] = []

    async def waits() -> None:
        asyncio.get_running_loop().call_soon(happened.append, "something else")
        with pytest.raises(TimeoutError):
            app.AsyncResult("never-sent").get(timeout=0.2)
        happened.append("get() returned")
        await asyncio.sleep(0)

    asyncio.run(waits())
    assert happened == ["get() returned", "something else"]


@pytest.mark.claims("RC232")
def test_a_result_cannot_be_awaited(new_app: NewApp, redis_url: str) -> None:
    assert not hasattr(new_app(redis_url).AsyncResult("x"), "__await__")
