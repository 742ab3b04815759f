"""Claims: tests that make the installed Celery do what the rules' pages say it does."""

import gc
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import celery
import kombu.pools
import pytest
from celery import Celery
from celery.app.trace import build_tracer
from celery.result import denied_join_result
from packaging.version import Version

from rootcellar.specialist.rules.page import page

#: programs, which tests run
collect_ignore = ["claims_worker.py", "django_cleanup.py", "django_not_installed.py"]

CELERY = Version(Version(celery.__version__).base_version)

NewApp = Callable[..., Any]
RunTask = Callable[..., str]


@pytest.fixture(autouse=True)
def _celery_the_page_names(request: pytest.FixtureRequest) -> None:
    """Skip the proof of what the page says of other versions of Celery only."""
    for mark in request.node.iter_markers("claims"):
        for rule_id in mark.args:
            versions = page(rule_id).celery
            if CELERY not in versions:
                pytest.skip(f"{rule_id} is about Celery {versions}")


@pytest.fixture
def new_app() -> Iterator[NewApp]:
    """Make apps: ``new_app("redis://…", result_expires=60)``. Their broker is in memory, their queue their own."""
    apps = []

    def make(result_backend: str | None = None, *, is_current: bool = False, **settings: Any) -> Any:
        app = Celery("claims", set_as_current=is_current)
        app.conf.update(
            {
                "broker_url": "memory://",
                "task_default_queue": f"claims-{uuid.uuid4().hex}",
                "result_backend": result_backend,
                **settings,
            }
        )
        apps.append(app)
        return app

    yield make
    if any(hasattr(app._backend, "result_consumer") for app in apps):
        gc.collect()  # results talk to the backend when they are collected
    for app in apps:
        _close_broker(app)
        _close(app._backend)
        app.close()


def _close_broker(app: Any) -> None:
    # kombu keeps one pool for each URL, and hands out a closed one too.
    connection = app.connection_for_write()
    app.pool.force_close_all()
    for pools in (kombu.pools.connections, kombu.pools.producers):
        with suppress(KeyError):
            del pools[connection]


def _close(backend: Any) -> None:
    consumer = getattr(backend, "result_consumer", None)
    if consumer is not None:
        consumer.cancel_for = lambda task_id: None  # later, when the results of a failed test go
        if getattr(consumer, "_connection", None) is not None or getattr(consumer, "_pubsub", None) is not None:
            consumer.stop()
    if hasattr(backend, "ResultConsumer") and "client" in vars(backend):
        backend.client.connection_pool.disconnect()
    if getattr(backend, "mongo_host", None) is not None and backend._connection is not None:
        backend._connection.close()


@pytest.fixture
def run_task() -> RunTask:
    """Run a function as a task, the way a worker's process does: ``run_task(app, function, ignore_result=True)``.

    What the message would have said besides goes into ``request``. Return the id.
    """

    def run(app: Any, function: Callable[..., Any], request: Mapping[str, Any] | None = None, **options: Any) -> str:
        name = f"claims.{uuid.uuid4().hex}"
        function.__name__ = "function"
        app.task(name=name, **options)(function)
        task, task_id = app.tasks[name], str(uuid.uuid4())
        tracer = build_tracer(name, task, app=app)
        with denied_join_result():
            tracer(task_id, (), {}, {"id": task_id, **(request or {})})
        return task_id

    return run


@pytest.fixture
def run_queued() -> Callable[[Any], list[str]]:
    """Run all that lies in an app's queue, and what that sends in turn: ``run_queued(app, limit=10)``.

    Return the names of the tasks that ran.
    """

    def run(app: Any, limit: int = 10) -> list[str]:
        names: list[str] = []
        with app.connection_for_read() as connection:
            queue = connection.SimpleQueue(app.conf.task_default_queue)
            while len(names) < limit and (message := _next(queue)) is not None:
                args, kwargs, embedded = message.payload
                request = {**message.headers, **embedded, "delivery_info": {"routing_key": app.conf.task_default_queue}}
                task = app.tasks[message.headers["task"]]
                with denied_join_result():
                    build_tracer(task.name, task, app=app)(message.headers["id"], args, kwargs, request)
                message.ack()
                names.append(task.name)
            queue.close()
        return names

    return run


def _next(queue: Any) -> Any:
    try:
        return queue.get(block=False)
    except queue.Empty:
        return None


@pytest.fixture
def celery_release() -> tuple[int, ...]:
    """The installed Celery's release: ``(5, 7, 0)``."""
    return CELERY.release
