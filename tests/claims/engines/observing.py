"""Running one Celery backend through all it does, and noting what can be seen of it from outside.

Two configurations that give the same observation are, as far as this can see, the same to the backend.
"""

import json
import random
import re
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, Protocol
from unittest.mock import patch

from celery import Celery, chord, group
from celery.app.task import Context
from celery.exceptions import Retry
from celery.result import GroupResult
from kombu.exceptions import ContentDisallowed
from kombu.serialization import register, unregister

Observation = dict[str, Any]

TEXT = "told " * 60
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGITS = re.compile(r"gen\d+@\S+")


class World(Protocol):
    """A place for results: how an app is pointed at it, and how to look into it without Celery."""

    def conf(self) -> dict[str, Any]:
        """Return the settings of an app that uses it, in a place where nothing is yet."""

    def stored(self, backend: Any, task_id: str) -> Any:
        """Return what lies there for a task, as the store gives it; ``None``: nothing."""

    def remove(self, backend: Any, task_id: str) -> None:
        """Delete that behind Celery's back."""

    def age(self, backend: Any, task_id: str) -> None:
        """Make it an hour old; nothing to do where the server expires it."""

    def prepare(self, backend: Any) -> None:
        """Do what a client does before it sends a task."""

    def break_down(self, backend: Any) -> None:
        """Make what this backend, which has done nothing yet, reads next fail as it does when the store is away."""

    def more(self, backend: Any) -> Observation:
        """Return what else can be seen: how the driver was set up, names, expiry. Talks to no server."""

    def left(self, backend: Any) -> Observation:
        """Return what can be seen in the store after a chord was begun."""


@contextmanager
def upside_down() -> Iterator[None]:
    """A serializer of its own kind, for as long as this lasts."""
    register(
        "upside-down",
        lambda value: json.dumps(value)[::-1],
        lambda text: json.loads(text[::-1]),
        content_type="application/x-upside-down",
        content_encoding="utf-8",
    )
    try:
        yield
    finally:
        unregister("upside-down")


def make_app(conf: Mapping[str, Any]) -> Celery:
    """Return an app whose tasks nobody runs."""
    app = Celery("claims", set_as_current=False)
    app.conf.update({"broker_url": "memory://", "task_default_queue": f"claims-{random.random()}", **conf})
    app.task(name="claims.part", shared=False)(_task)
    app.task(name="claims.body", shared=False)(_task)
    return app


def _task(*args: Any) -> None:
    """Never run."""


def observe(
    world: World, conf: Mapping[str, Any], *, is_offline: bool = False, only: Collection[str] = ()
) -> Observation:
    """Return all that can be seen of a backend under a configuration; an error is an observation.

    ``only`` names some of the looks that are taken, where all would take too long.
    """
    seen: Observation = {}
    state = random.getstate()
    with warnings.catch_warnings(), upside_down():
        warnings.simplefilter("ignore")
        conf = _merged(world.conf(), conf)
        app = make_app(conf)
        try:
            backend = app.backend
            # A result that is collected later would unsubscribe from a store that is gone by then.
            backend.on_result_fulfilled = lambda result: None
            seen["more"] = plain(world.more(backend))
            if not is_offline:
                world.prepare(backend)
                for name, look in _LOOKS.items():
                    if not only or name in only:
                        seen[name] = _tried(lambda look=look: look(app, world))
            if not is_offline and not only:
                seen["left"] = _tried(lambda: world.left(backend))
                random.seed(4)  # the pauses between tries are random
                seen["retries"] = _tried(lambda: _look_at_retries(make_app(conf), world))
        except Exception as exc:
            seen["error"] = _said(exc)
        finally:
            random.setstate(state)
            close(app)
    return seen


def _merged(base: Mapping[str, Any], conf: Mapping[str, Any]) -> dict[str, Any]:
    name = "result_backend_transport_options"  # a world has some of its own, which a sample must not take away
    return {**base, **conf, name: {**base.get(name, {}), **conf.get(name, {})}}


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}"


def _tried(look: Callable[[], Any]) -> Any:
    try:
        return plain(look())
    except Exception as exc:
        return {"error": _said(exc)}


def close(app: Celery) -> None:
    backend = getattr(app._local, "backend", None) or app._backend
    consumer = getattr(backend, "result_consumer", None)
    if consumer is not None:
        # Started by the first task sent; a pub/sub connection left open would be reported when it is collected.
        stop = getattr(consumer, "stop", None)
        if getattr(consumer, "_pubsub", None) is not None or getattr(consumer, "_consumer", None) is not None:
            with suppress(ContentDisallowed):  # of what came in while it was stopping
                stop()
    client = vars(backend).get("client") if backend is not None else None
    if client is not None and hasattr(client, "close"):
        client.close()
        client.connection_pool.disconnect()
    mongo = getattr(backend, "_connection", None)
    if mongo is not None and hasattr(mongo, "close"):
        mongo.close()
    app.close()


def request_of(app: Celery, task_id: str, **more: Any) -> Context:
    """Return what a worker knows of a task while it runs it."""
    return Context(
        id=task_id,
        task="claims.part",
        args=[1, 2],
        kwargs={"a": 3},
        argsrepr="(1, 2)",
        kwargsrepr="{'a': 3}",
        hostname="worker@host",
        retries=0,
        delivery_info={"routing_key": "queue"},
        reply_to=app.thread_oid,
        correlation_id=task_id,
        children=[],
        **more,
    )


def store(app: Celery, task_id: str, result: Any, state: str = "SUCCESS") -> None:
    """Store a result as a worker does."""
    app.backend.store_result(task_id, result, state, request=request_of(app, task_id))


def _look_at_stored(app: Celery, world: World) -> Any:
    store(app, "stored", {"text": TEXT})
    return world.stored(app.backend, "stored")


def _look_at_read(app: Celery, world: World) -> Any:
    store(app, "read", {"text": TEXT})
    return app.backend.get_task_meta("read")


def _look_at_cached(app: Celery, world: World) -> Any:
    store(app, "cached", 1)
    app.backend.get_task_meta("cached")
    world.remove(app.backend, "cached")
    return [app.backend.get_task_meta("cached")["status"], app.backend.is_cached("cached")]


def _look_at_second_run(app: Celery, world: World) -> Any:
    store(app, "twice", "first")
    store(app, "twice", "second")
    return app.backend.get_task_meta("twice")["result"]


def _look_from_elsewhere(app: Celery, world: World) -> Any:
    store(app, "shared", 1)
    other = make_app(app.conf.changes)
    try:
        return other.backend.get_task_meta("shared")["status"]
    finally:
        close(other)


def _look_again(app: Celery, world: World) -> Any:
    """Wait for a result, and then look for it again."""
    result = app.AsyncResult("again")
    app.backend.add_pending_result(result)
    store(app, "again", 1)
    result.get(timeout=10)
    app.backend._cache.clear()
    return app.backend.get_task_meta("again")["status"]


def _look_at_failure(app: Celery, world: World) -> Any:
    store(app, "failure", ValueError("no"), "FAILURE")
    found = world.stored(app.backend, "failure")
    return {"ttl": found["ttl"]} if isinstance(found, dict) and "ttl" in found else "without a time"


def _look_at_cleanup(app: Celery, world: World) -> Any:
    store(app, "old", 1)
    world.age(app.backend, "old")
    app.backend.cleanup()
    return world.stored(app.backend, "old") is not None


def _look_at_threads(app: Celery, world: World) -> Any:
    found = []
    thread = threading.Thread(target=lambda: found.append(app.backend))
    thread.start()
    thread.join()
    return found[0] is app.backend


def _look_at_chord(app: Celery, world: World) -> Any:
    """Begin a chord of a group and a task, and end its members."""
    seen: dict[str, Any] = {}
    part, body = app.tasks["claims.part"], app.tasks["claims.body"]
    chord([group([part.s(1), part.s(2)], app=app), part.s(3)], app=app)(body.s())
    sent = messages(app)
    parts = [one for one in sent if one["task"] == "claims.part"]
    unlocks = [one for one in sent if one["task"] == "celery.chord_unlock"]
    joins: list[Any] = []
    with joins_noted(joins), as_current(app):
        for unlock in unlocks:
            seen["looks again after"] = _run_unlock(app, unlock)
        for one in parts:
            request = request_of(app, one["id"], chord=one["chord"], group=one["group"], group_index=one["group_index"])
            app.backend.mark_as_done(one["id"], 1, request=request)
        for unlock in unlocks:
            _run_unlock(app, unlock)
    seen["kind"] = "polled" if unlocks else "native"
    seen["joins with"] = joins
    seen["body sent"] = [one["task"] for one in messages(app)].count("claims.body")
    return seen


@contextmanager
def as_current(app: Celery) -> Iterator[None]:
    # GroupResult.restore asks for the current app.
    from celery import _state

    before = _state._tls.current_app
    app.set_current()
    try:
        yield
    finally:
        _state._tls.current_app = before


@contextmanager
def joins_noted(timeouts: list[Any], instead: list[Any] | None = None) -> Iterator[None]:
    """Note what groups are joined with; ``instead`` of joining them return that."""

    def noting(join: Callable[..., Any]) -> Callable[..., Any]:
        def noted(self: GroupResult, timeout: Any = None, **options: Any) -> Any:
            if not timeouts:  # the outermost
                timeouts.append(timeout)
            # Celery's interval is half a second.
            return join(self, timeout=timeout, interval=0.001, **options) if instead is None else instead

        return noted

    with (
        patch.object(GroupResult, "join", noting(GroupResult.join)),
        patch.object(GroupResult, "join_native", noting(GroupResult.join_native)),
    ):
        yield


def _run_unlock(app: Celery, message: Mapping[str, Any]) -> Any:
    task = app.tasks["celery.chord_unlock"]
    task.push_request(
        id=message["id"], args=message["args"], kwargs=message["kwargs"], called_directly=False, retries=0,
        delivery_info={}, hostname="worker@host",
    )  # fmt: skip
    try:
        task.run(*message["args"], **message["kwargs"])
        return None
    except Retry as exc:
        return exc.when
    finally:
        task.pop_request()


def messages(app: Celery) -> list[dict[str, Any]]:
    """Take all messages off the app's queue."""
    found = []
    with app.connection_for_read() as connection, connection.SimpleQueue(app.conf.task_default_queue) as queue:
        for _ in range(queue.qsize()):
            message = queue.get(block=False)
            message.ack()
            args, kwargs, embed = message.payload
            found.append({**message.headers, **embed, "args": args, "kwargs": kwargs})
    return found


def _look_at_retries(app: Celery, world: World) -> Any:
    """Return how long the backend slept between its tries, in seconds."""
    slept: list[float] = []
    backend = app.backend
    backend._sleep = slept.append
    world.break_down(backend)
    try:
        backend.get_task_meta("stored")
    except Exception as exc:
        return {"slept": slept, "error": _said(exc)}
    finally:
        close(app)
    return {"slept": slept}


_LOOKS: Mapping[str, Callable[[Celery, World], Any]] = {
    "threads": _look_at_threads,
    "stored": _look_at_stored,
    "read": _look_at_read,
    "cached": _look_at_cached,
    "second run": _look_at_second_run,
    "elsewhere": _look_from_elsewhere,
    "again": _look_again,
    "failure": _look_at_failure,
    "cleanup": _look_at_cleanup,
    "chord": _look_at_chord,
}


def plain(value: Any) -> Any:
    """Return a value as JSON, without what differs from one run to the next: times, identifiers."""
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=repr)  # after the names are gone, whose order is chance
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, date):
        return "TIME"
    if isinstance(value, memoryview | bytearray):
        value = bytes(value)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        return _DIGITS.sub("WORKER", _ID.sub("ID", _TIME.sub("TIME", value)))
    if value is None or isinstance(value, bool | int | float):
        return value
    return type(value).__name__


def is_pickle(value: str) -> bool:
    """Whether bytes, as :func:`plain` shows them, begin as a pickle does."""
    return value[:1] == "\x80" and value[1:2] <= "\x05"
