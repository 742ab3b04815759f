"""What the rules about RPC say of Celery, made to happen on the installed one with a real RabbitMQ."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from celery import chord, group
from celery.app.task import Context
from celery.exceptions import TimeoutError

NewApp = Callable[..., Any]


@pytest.fixture
def rpc_app(new_app: NewApp, rabbitmq_server: Any) -> Callable[[], Any]:
    """Make apps that get their results by RPC: ``rpc_app()``."""
    return lambda: new_app("rpc://", broker_url=rabbitmq_server.url)


def answered(app: Any, worker: Any) -> Any:
    """Send a task and answer it with 7, as a worker would; return the result object."""
    result = app.send_task("bank.add", task_id=None)
    request = Context(reply_to=app.thread_oid, correlation_id=result.id, id=result.id)
    worker.backend.store_result(result.id, 7, "SUCCESS", request=request)
    return result


@pytest.mark.claims("RC220")
@pytest.mark.rabbitmq
def test_the_object_that_took_a_result_gives_it_again_and_another_one_does_not(rpc_app: Callable[[], Any]) -> None:
    app = rpc_app()
    result = answered(app, rpc_app())
    assert result.get(timeout=20) == 7
    assert result.get(timeout=20) == 7
    again = app.AsyncResult(result.id)
    assert again.state == "PENDING"
    with pytest.raises(TimeoutError):
        again.get(timeout=0.5)


@pytest.mark.claims("RC222")
@pytest.mark.rabbitmq
def test_another_app_and_another_thread_never_see_the_result(rpc_app: Callable[[], Any]) -> None:
    app = rpc_app()
    result = answered(app, rpc_app())
    seen: list[Any] = []

    def look(reader: Any) -> None:
        try:
            seen.append(reader.AsyncResult(result.id).get(timeout=0.5))
        except TimeoutError:
            seen.append("nothing")
        finally:
            reader.backend.result_consumer.stop()  # each thread has its own

    look(rpc_app())
    thread = threading.Thread(target=look, args=(app,))
    thread.start()
    thread.join()
    assert seen == ["nothing", "nothing"]
    assert result.get(timeout=20) == 7  # it was there all the time


@pytest.mark.claims("RC222")
def test_rpc_neither_saves_nor_restores_a_group(new_app: NewApp) -> None:
    app = new_app("rpc://")
    with pytest.raises(NotImplementedError, match="restore_group"):
        app.GroupResult.restore("x")
    with pytest.raises(NotImplementedError, match="save_group"):
        app.GroupResult("x", []).save()


@pytest.mark.claims("RC221")
@pytest.mark.parametrize("form", ["a chord", "a group followed by a task"])
def test_rpc_refuses_chords(new_app: NewApp, form: str) -> None:
    app = new_app("rpc://")
    add, total = (app.signature(f"bank.{name}") for name in ("add", "total"))
    for name in ("add", "total"):
        app.task(name=f"bank.{name}")(_nothing)
    work = chord([add, add], total, app=app) if form == "a chord" else group(add, add) | total
    with pytest.raises(NotImplementedError, match="does not support chords"):
        work.apply_async()


def _nothing() -> None: ...


@pytest.mark.claims("RC221")
def test_another_process_has_a_memory_cache_of_its_own(new_app: NewApp) -> None:
    app = new_app("cache+memory://")
    app.backend.store_result("known-here", 7, "SUCCESS")
    assert app.AsyncResult("known-here").state == "SUCCESS"
    look = "from celery import Celery; print(Celery(backend='cache+memory://').AsyncResult('known-here').state, end='')"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "PENDING"
