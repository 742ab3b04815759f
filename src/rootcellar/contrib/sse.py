"""Server-sent events: a task's states as the stream a browser's ``EventSource`` reads, for any framework.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from datetime import date, datetime
from typing import Any

from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar.aio import Snapshot, watching
from rootcellar.errors import DecodeError, RootcellarError
from rootcellar.record import UNREADABLE

logger = logging.getLogger(__name__)

__all__ = ["CONTENT_TYPE", "HEADERS", "document", "event", "events", "is_over"]

CONTENT_TYPE = "text/event-stream"
#: Proxies must neither keep such a stream nor hold it back (the last is nginx's).
HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

#: How long nothing happens before a comment is sent, so that no proxy takes the connection for dead.
KEEP_ALIVE_S = 15.0

#: The ``id`` of a task's last event. A browser that connects again sends it back as ``Last-Event-ID``.
FINAL_ID = "final"

#: The name of the event that is the last where the store cannot be read. None of Celery's states.
UNAVAILABLE = "UNAVAILABLE"

_KEEP_ALIVE = b": still there\n\n"


def events(
    result: Any,
    *,
    app: Any = None,
    timeout: float | None = None,
    keep_alive_s: float = KEEP_ALIVE_S,
    with_traceback: bool = False,
) -> AsyncGenerator[bytes, None]:
    r"""Yield an event for every state of a task, in bytes, and end after the final one.

    ``result`` is an ``AsyncResult`` or a task's id. An event's name is the state; its ``id`` a number or ``final``; its
    data a JSON object with ``id``, ``state`` and ``info``: what the task returned or reported. An exception is
    ``{"type": …, "message": …}``, with ``"traceback"`` only if asked for: it shows a program's inside to whoever
    reads the stream.

    After ``timeout`` seconds the stream just ends; a browser then connects again. So it does where the store cannot be
    read, after an event named ``UNAVAILABLE``. For a task that stores no result the present state is the final event.

    A browser also connects again after the final event, unless it calls ``close()`` when it gets it; a server can end
    that by answering 204 to a request whose ``Last-Event-ID`` is ``final`` (:func:`is_over`).

    Raises:
        TypeError: ``result`` is neither a result nor a task's id. Like the next two, this is raised by the call itself,
            before there is anything to send.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        InvalidRecord: no task can have such an id.
    """
    wanted = watching.watchable(result, app=app)
    return _events(wanted, timeout, keep_alive_s, with_traceback=with_traceback)


async def _events(
    wanted: Any, timeout: float | None, keep_alive_s: float, *, with_traceback: bool
) -> AsyncGenerator[bytes, None]:
    number = 0
    async with aclosing(watching.follow(wanted, timeout, silence_s=keep_alive_s)) as snapshots:
        try:
            async for snapshot in snapshots:
                if snapshot is None:
                    yield _KEEP_ALIVE
                    continue
                number += 1
                event_id = FINAL_ID if snapshot.is_final or wanted.ignored else str(number)
                yield event(snapshot.state, event_id, document(snapshot, with_traceback=with_traceback))
        except CeleryTimeoutError:
            return
        except DecodeError as exc:
            yield event(UNREADABLE, FINAL_ID, {"id": str(wanted.id), "state": UNREADABLE, "info": plain(exc)})
        except RootcellarError as exc:
            logger.warning("A stream of the states of task %s ends: %s", wanted.id, exc)
            # No more than that: the error names the store's host.
            info = {"type": type(exc).__name__, "message": "The result cannot be read now."}
            yield event(UNAVAILABLE, str(number + 1), {"id": str(wanted.id), "state": UNAVAILABLE, "info": info})


def document(snapshot: Snapshot, *, with_traceback: bool = False) -> dict[str, Any]:
    """Return what an event says of a snapshot."""
    info = snapshot.info
    found = {"id": snapshot.id, "state": snapshot.state, "info": plain(info) if _is_error(info) else info}
    if with_traceback and snapshot.meta.get("traceback"):
        found["traceback"] = str(snapshot.meta["traceback"])
    return found


def event(name: str, event_id: str, data: Any) -> bytes:
    r"""Return one event as it is sent.

    >>> event("PROGRESS", "2", {"done": 1})
    b'event: PROGRESS\nid: 2\ndata: {"done": 1}\n\n'
    """
    # A line break in a name would begin a field of the task's own making.
    one_line = " ".join(name.split())
    return f"event: {one_line}\nid: {event_id}\ndata: {_to_json(data)}\n\n".encode("utf-8", "replace")


def is_over(last_event_id: str | None) -> bool:
    """Whether a browser that sent this ``Last-Event-ID`` has had the final event already: answer 204."""
    return last_event_id == FINAL_ID


def plain(value: Any) -> Any:
    """Return what JSON does not know as something it does: an exception as type and message, the rest as text."""
    if _is_error(value):
        return {"type": type(value).__name__, "message": _text(value, str)}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return list(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else _text(value, str)


def _text(value: Any, kind: Callable[[Any], str] = repr) -> str:
    """Return ``kind(value)``, whatever a class of a project's own makes of that."""
    try:
        return kind(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _is_error(value: Any) -> bool:
    return isinstance(value, BaseException)


def _to_json(data: Any) -> str:
    """Return JSON for anything at all: an error here would break the stream off."""
    with suppress(Exception):
        return json.dumps(data, default=plain, allow_nan=False)
    with suppress(Exception):  # NaN, which no browser's JSON.parse takes
        return json.dumps(_without_nan(json.loads(json.dumps(data, default=plain))))
    if isinstance(data, dict):  # a key that JSON does not know, a value that contains itself
        return json.dumps({_text(key, str): one if isinstance(one, str) else _text(one) for key, one in data.items()})
    return json.dumps(_text(data))


def _without_nan(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and (data != data or abs(data) == float("inf")) else data
