"""Waiting, in an event loop, for what the hub is doing."""

import asyncio
from collections.abc import Callable

from celery import Celery
from celery.result import AsyncResult

from servers import wait_until


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition without blocking the loop."""
    await asyncio.to_thread(wait_until, condition, what)


def is_waited_for(app: Celery, *results: AsyncResult) -> Callable[[], bool]:
    """Whether the hub waits for all of these: ``is_waited_for(app, result)()``."""
    return lambda: {result.id for result in results} <= set(app.backend.hub._waits)
