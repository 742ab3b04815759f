"""Ctrl-C in the middle of something."""

import os
import signal
import threading
import uuid
from collections.abc import Callable

import pytest
from celery import Celery

from faults.conftest import Target
from faults.proxy import Proxy
from rootcellar.record import Record
from rootcellar.stores.base import Store
from servers import wait_until


def _interrupt_when(condition: Callable[[], object]) -> threading.Thread:
    def interrupt() -> None:
        wait_until(condition, "the moment to interrupt")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def _payload(number: int) -> bytes:
    return b'{"status": "SUCCESS", "result": %d}' % number


@pytest.mark.parametrize("verb", ["get", "get_many", "put"])
def test_an_interrupted_operation_leaves_the_next_in_step(
    target: Target, open_it: Callable[..., Store], verb: str
) -> None:
    """The request is out, the reply is on its way, and the caller is gone: nobody else may get that reply."""
    with Proxy(target.server.port) as proxy:
        store = open_it(target.through(proxy.port))
        for number in range(5):
            store.put(Record(f"id-{number}", "SUCCESS", _payload(number)))
        calls = {
            "get": lambda: store.get("id-0"),
            "get_many": lambda: store.get_many(["id-0", "id-1"]),
            "put": lambda: store.put(Record("id-9", "SUCCESS", _payload(9))),
        }
        calls[verb]()  # so that there is nothing left to prepare
        proxy.hold()
        before = proxy.requested
        thread = _interrupt_when(lambda: proxy.requested > before)
        with pytest.raises(KeyboardInterrupt):
            calls[verb]()
        thread.join()
        proxy.release()
        assert [store.get(f"id-{number}").payload for number in range(1, 5)] == [_payload(n) for n in range(1, 5)]


def test_a_wait_can_be_interrupted(any_target: Target, open_app: Callable[..., Celery]) -> None:
    """``AsyncResult.get`` without a time-out raises ``KeyboardInterrupt``, and can be called again."""
    app, elsewhere = open_app(any_target.url), open_app(any_target.url)
    result = app.AsyncResult(str(uuid.uuid4()))
    thread = _interrupt_when(lambda: result.id in app.backend.hub._waits)
    with pytest.raises(KeyboardInterrupt):
        result.get()
    thread.join()
    wait_until(lambda: not app.backend.hub._waits, "nobody waits any more")
    elsewhere.backend.store_result(result.id, 1, "SUCCESS")
    assert result.get(timeout=60) == 1
