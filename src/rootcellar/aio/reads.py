"""Reads on behalf of an event loop, made in one more thread for each backend."""

import asyncio
import os
import threading
import weakref
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from rootcellar.backend import CellarBackend
from rootcellar.errors import StoreTimeout
from rootcellar.record import Record
from rootcellar.waiting.errands import Errands
from rootcellar.waiting.loops import Inbox

#: How long a caller whose time was up before the store could be read is given for one look of its own, in seconds.
LAST_LOOK_S = 1.0

_errands: "weakref.WeakKeyDictionary[CellarBackend, Errands]" = weakref.WeakKeyDictionary()
_errands_lock = threading.Lock()


async def read(
    backend: CellarBackend, verb: str, ids: Sequence[str], deadline: float | None = None
) -> Mapping[str, Any]:
    """Return what the store's ``get_many`` or ``states`` finds, repeated while it is away.

    Raises:
        StoreTimeout: there was no answer when the loop's clock showed ``deadline``, nor within :data:`LAST_LOOK_S`.
    """
    seconds = None if deadline is None else max(LAST_LOOK_S, deadline - asyncio.get_running_loop().time())
    return await _within(seconds, Inbox.current().read(errands_of(backend), verb, getattr(backend.store, verb), ids))


async def look(backend: CellarBackend, ids: Sequence[str]) -> Mapping[str, Record]:
    """Return the records there are, asked for once and for :data:`LAST_LOOK_S` at most."""
    return await _within(
        LAST_LOOK_S, Inbox.current().read(errands_of(backend), "look", backend.store.store.get_many, ids)
    )


async def _within(seconds: float | None, reading: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        raise StoreTimeout(f"The store did not answer within {seconds:.3g} s.") from None


def errands_of(backend: CellarBackend) -> Errands:
    """Return the thread that reads for a backend's coroutines."""
    with _errands_lock:
        errands = _errands.get(backend)
        if errands is None:
            errands = _errands[backend] = Errands()
        return errands


def _after_fork_in_child() -> None:
    global _errands_lock
    _errands_lock = threading.Lock()  # another thread may have held it


os.register_at_fork(after_in_child=_after_fork_in_child)
