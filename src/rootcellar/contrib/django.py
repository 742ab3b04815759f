"""Django under ASGI: a response that streams a task's states to a browser."""

from typing import Any

from rootcellar.contrib import sse
from rootcellar.errors import MissingPackage

try:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
except ImportError as exc:
    raise MissingPackage(
        f"rootcellar.contrib.django needs Django, which cannot be imported ({exc}). Install it: "
        "pip install 'rootcellar[django]'"
    ) from exc


def stream(result: Any, request: HttpRequest | None = None, **options: Any) -> HttpResponseBase:
    """Return a response with the events of :func:`rootcellar.contrib.sse.events`, which also takes ``options``.

    For an asynchronous view under an ASGI server. Given the ``request``, it answers 204 to a browser that has had the
    final event and connects again. When the browser goes away, the wait ends.

    Raises:
        TypeError: ``result`` is neither a result nor a task's id.
        Unsupported: the backend is not rootcellar's, or ``result`` is more than one task.
        InvalidRecord: no task can have such an id.
    """
    if request is not None and sse.is_over(request.headers.get("Last-Event-ID")):
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        sse.events(result, **options), content_type=sse.CONTENT_TYPE, headers=dict(sse.HEADERS)
    )
