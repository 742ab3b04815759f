"""``AsyncResult.then``: calling back when a result arrives, although nobody blocks on it.

Celery registers with its backend for every ``then``, and a ``GroupResult`` calls ``then`` on all its members the moment
it is made: so sending a group of a thousand would subscribe a thousand times, although nobody may ever ask
(celery/celery#3808). Here only a listener other than such a group's own barrier counts as somebody who waits, and a
listener on the group counts as one on each of its members.
"""

import logging
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.result import ResultSet
from vine import barrier, promise

from rootcellar.record import Record

logger = logging.getLogger(__name__)


class ReadyPromise(promise):
    """An ``AsyncResult``'s ``on_ready`` that says when somebody begins to listen.

    It is fulfilled once, by whichever thread is first: one that called ``get``, or the callbacks'. vine's own is not
    made for two at a time, and would call back twice, or forget a listener that comes at that moment.
    """

    def __init__(self, result: Any, on_listener: Callable[[Any], None]) -> None:
        super().__init__(result._on_fulfilled, weak=True)
        self._result = weakref.ref(result)
        self._on_listener = on_listener
        self._claiming = threading.Lock()
        self._is_claimed = False
        self._listening = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Fulfil the promise and call the listeners; the second time, do nothing."""
        with self._claiming:
            if self._is_claimed:
                return None
            self._is_claimed = True
        with self._listening:
            return super().__call__(*args, **kwargs)

    def then(self, callback: Any, on_error: Any = None) -> Any:
        """Add a listener, as :meth:`vine.promise.then` does."""
        with self._listening:
            added = super().then(callback, on_error)
        if not isinstance(callback, barrier):
            self.listen()
        elif type(callback.p) is promise and not callback.ready:
            callback.p = _BarrierPromise()
        return added

    def listen(self) -> None:
        """Have the result waited for, if it is not there yet."""
        result = self._result()
        if result is not None and not self.ready:
            self._on_listener(result)


class _BarrierPromise(promise):
    """What a group's barrier fulfils. The group itself is the first to listen to it, and so shows who it is."""

    def then(self, callback: Any, on_error: Any = None) -> Any:
        added = super().then(callback, on_error)
        method = callback.fun() if isinstance(callback, promise) and callback.weak else None
        group = getattr(method, "__self__", None)
        if isinstance(group, ResultSet) and type(group.on_ready) is promise and not group.on_ready.ready:
            group.on_ready = _GroupPromise(group)
        return added


class _GroupPromise(promise):
    """A group's ``on_ready``, which has the members listened to once somebody listens to it."""

    def __init__(self, group: ResultSet) -> None:
        super().__init__(args=(weakref.proxy(group),))  # as Celery's
        self._group = weakref.ref(group)

    def then(self, callback: Any, on_error: Any = None) -> Any:
        """Add a listener, as :meth:`vine.promise.then` does."""
        added = super().then(callback, on_error)
        if not isinstance(callback, barrier):  # that of a group this one lies in
            self.listen()
        return added

    def listen(self) -> None:
        """Have the members waited for."""
        group = self._group()
        for member in group.results if group is not None else ():
            if isinstance(member.on_ready, (ReadyPromise, _GroupPromise)):
                member.on_ready.listen()


class Callbacks:
    """Fulfils the promises of results that arrived, in one thread of its own.

    Not in the hub's: a callback may take its time, or wait for another result.
    """

    def __init__(self, decode: Callable[[Record], dict[str, Any]]) -> None:
        self._decode = decode
        self._executor: ThreadPoolExecutor | None = None
        self._pid = 0

    def for_result(self, result: Any, weak: bool) -> Callable[[Record], None]:
        """Return what the hub is to call with the record of ``result``, keeping the result alive unless ``weak``."""
        if weak:
            reference = weakref.ref(result)
            return lambda record: self._submit(reference(), record)
        return lambda record: self._submit(result, record)

    def _submit(self, result: Any, record: Record) -> None:
        if result is None:
            return
        if self._executor is None or self._pid != os.getpid():  # a fork leaves the executor without its thread
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="rootcellar-callbacks")
            self._pid = os.getpid()
        self._executor.submit(self._fulfil, result, record)

    def _fulfil(self, result: Any, record: Record) -> None:
        try:
            meta = self._decode(record)
            if not result._cache:
                result._maybe_set_cache(meta)
        except Exception:
            logger.exception("A callback given to AsyncResult.then raised for task %s", record.id)
