"""Server-sent events: a task's states as the stream a browser's ``EventSource`` reads, for any framework.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import date, datetime
from typing import Any

from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar import aio
from rootcellar.errors import DecodeError
from rootcellar.record import UNREADABLE

__all__ = ["CONTENT_TYPE", "HEADERS", "document", "event", "events", "is_over"]

CONTENT_TYPE = "text/event-stream"
#: Proxies must neither keep such a stream nor hold it back (the last is nginx's).
HEADERS: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

#: How long nothing happens before a comment is sent, so that no proxy takes the connection for dead.
KEEP_ALIVE_S = 15.0

#: The ``id`` of a task's last event. A browser that connects again sends it back as ``Last-Event-ID``.
FINAL_ID = "final"

_KEEP_ALIVE = b": still there\n\n"


async def events(
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
    reads the stream. After ``timeout`` seconds the stream just ends; a browser then connects again.

    A browser also connects again after the final event, unless it calls ``close()`` when it gets it; a server can end
    that by answering 204 to a request whose ``Last-Event-ID`` is ``final`` (:func:`is_over`).
    """
    number = 0
    async with aclosing(aio.follow(result, timeout, app=app, silence_s=keep_alive_s)) as snapshots:
        try:
            async for snapshot in snapshots:
                if snapshot is None:
                    yield _KEEP_ALIVE
                    continue
                number += 1
                event_id = FINAL_ID if snapshot.is_final else str(number)
                yield event(snapshot.state, event_id, document(snapshot, with_traceback=with_traceback))
        except CeleryTimeoutError:
            return
        except DecodeError as exc:
            data = {"id": str(getattr(result, "id", result)), "state": UNREADABLE, "info": plain(exc)}
            yield event(UNREADABLE, FINAL_ID, data)


def document(snapshot: aio.Snapshot, *, with_traceback: bool = False) -> dict[str, Any]:
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
    return f"event: {one_line}\nid: {event_id}\ndata: {_to_json(data)}\n\n".encode()


def is_over(last_event_id: str | None) -> bool:
    """Whether a browser that sent this ``Last-Event-ID`` has had the final event already: answer 204."""
    return last_event_id == FINAL_ID


def plain(value: Any) -> Any:
    """Return what JSON does not know as something it does: an exception as type and message, the rest as text."""
    if _is_error(value):
        return {"type": type(value).__name__, "message": str(value)}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return list(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_error(value: Any) -> bool:
    return isinstance(value, BaseException)


def _to_json(data: Any) -> str:
    try:
        return json.dumps(data, default=plain, allow_nan=False)
    except ValueError:  # NaN, which no browser's JSON.parse takes
        return json.dumps(_without_nan(json.loads(json.dumps(data, default=plain))))


def _without_nan(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and (data != data or abs(data) == float("inf")) else data
