"""FastAPI, or Starlette: a response that streams a task's states to a browser."""

from typing import Any

from rootcellar.contrib import sse
from rootcellar.errors import MissingPackage

try:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response, StreamingResponse
except ImportError as exc:
    raise MissingPackage(
        f"rootcellar.contrib.fastapi needs FastAPI, which cannot be imported ({exc}). Install it: "
        "pip install 'rootcellar[fastapi]'"
    ) from exc


def stream(result: Any, request: HTTPConnection | None = None, **options: Any) -> Response:
    """Return a response with the events of :func:`rootcellar.contrib.sse.events`, which also takes ``options``.

    Given the ``request``, it answers 204 to a browser that has had the final event and connects again. When the browser
    goes away, the wait ends.

    Raises:
        TypeError: ``result`` is neither a result nor a task's id.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        InvalidRecord: no task can have such an id.
    """
    if request is not None and sse.is_over(request.headers.get("last-event-id")):
        return Response(status_code=204)
    return StreamingResponse(sse.events(result, **options), media_type=sse.CONTENT_TYPE, headers=dict(sse.HEADERS))
