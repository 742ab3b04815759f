"""An example's application, and beside it, at ``/waited``, how many ids its hub waits for."""

import os
from importlib import import_module
from typing import Any

import tasks

_module, _, _name = os.environ["EXAMPLE_APPLICATION"].partition(":")
_example = getattr(import_module(_module), _name)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope.get("path") != "/waited":
        await _example(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": str(len(tasks.app.backend.hub._waits)).encode()})
