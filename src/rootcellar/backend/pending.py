"""Pending results: the part of Celery's backend API that waits for them."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery.backends.base import BaseBackend
from celery.result import ResultBase, ResultSet
from kombu.utils.encoding import bytes_to_str

from rootcellar.backend.arrivals import Meta, arrivals
from rootcellar.backend.callbacks import Callbacks, ReadyPromise
from rootcellar.record import Record, check_id
from rootcellar.spool.store import SpooledStore
from rootcellar.waiting import Hub


class PendingResults(BaseBackend):
    """Waits over the hub, on behalf of ``get``, ``join``, iteration and ``then``."""

    store: SpooledStore
    hub: Hub
    _callbacks: Callbacks

    def _decode(self, record: Record) -> Meta:
        raise NotImplementedError

    def wait_for_pending(
        self,
        result: Any,
        timeout: float | None = None,
        interval: float | None = 0.5,
        no_ack: bool = True,
        on_message: Callable[[Meta], Any] | None = None,
        on_interval: Callable[[], Any] | None = None,
        callback: Callable[[str, Any], Any] | None = None,
        propagate: bool = True,
    ) -> Any:
        """Block until ``result`` is ready (what ``AsyncResult.get`` calls); return or raise its outcome."""
        result._maybe_set_cache(self.wait_for(result.id, timeout, interval, no_ack, on_interval, on_message))
        return result.maybe_throw(callback=callback, propagate=propagate)

    def wait_for(
        self,
        task_id: str,
        timeout: float | None = None,
        interval: float | None = 0.5,
        no_ack: bool = True,
        on_interval: Callable[[], Any] | None = None,
        on_message: Callable[[Meta], Any] | None = None,
    ) -> Meta:
        """Block until the task is ready; return its meta."""
        ((_, meta),) = self.get_many(
            (task_id,), timeout=timeout, interval=interval, on_message=on_message, on_interval=on_interval
        )
        return meta

    def get_many(
        self,
        task_ids: Iterable[str],
        timeout: float | None = None,
        interval: float | None = 0.5,
        no_ack: bool = True,
        on_message: Callable[[Meta], Any] | None = None,
        on_interval: Callable[[], Any] | None = None,
        max_iterations: int | None = None,
        **_: Any,
    ) -> Iterator[tuple[str, Meta]]:
        """Yield ``(task id, meta)`` of each task as it becomes ready; one read for all that are ready already.

        Raises:
            celery.exceptions.TimeoutError: not all were ready after ``timeout`` seconds.
        """
        self._ensure_not_eager()
        return arrivals(
            self,
            [check_id(bytes_to_str(task_id)) for task_id in task_ids],
            timeout_s=timeout,
            interval_s=interval,
            on_message=on_message,
            on_interval=on_interval,
            only_look=max_iterations is not None,
        )

    def iter_native(self, result: ResultSet, **kwargs: Any) -> Iterator[tuple[str, Any]]:
        """Yield ``(id, meta)`` for each member of a result set as it becomes ready; for a nested set, its results."""
        pending: dict[str, list[Any]] = {}
        nested: dict[int, tuple[Any, set[str]]] = {}
        ready: list[tuple[str, Any]] = []
        for position, node in enumerate(result.results):
            unread = [leaf for leaf in leaves(node) if not leaf._cache]
            for leaf in unread:
                pending.setdefault(leaf.id, []).append(leaf)
            if isinstance(node, ResultSet):
                nested[position] = (node, {leaf.id for leaf in unread})
            elif not unread:
                ready.append((node.id, node._cache))
        yield from ready
        direct = {id(node) for node in result.results}
        for task_id, meta in self.get_many(pending, **kwargs) if pending else ():
            for leaf in pending[task_id]:
                leaf._maybe_set_cache(meta)
                if id(leaf) in direct:
                    yield task_id, leaf._cache
            for _, open_ids in nested.values():
                open_ids.discard(task_id)
            for position in [position for position, (_, open_ids) in nested.items() if not open_ids]:
                node, _ = nested.pop(position)
                yield node.id, node.results
        for node, _ in nested.values():
            yield node.id, node.results

    def add_pending_result(self, result: ResultBase, weak: bool | None = None) -> ResultBase:
        """Prepare a result for listeners (``AsyncResult.then`` calls this, with ``weak``).

        Celery calls it before every ``get`` too, without ``weak``: nothing to prepare there.
        """
        if weak is None or result._cache or result.on_ready.ready:
            return result
        if not isinstance(result.on_ready, ReadyPromise):
            result.on_ready = ReadyPromise(result, lambda listened: self._listen(listened, weak))
        return result

    def _listen(self, result: Any, weak: bool) -> None:
        wait = vars(result).get("_cellar_wait")
        is_registered = wait is not None and wait.pid == os.getpid()  # and not inherited by a fork
        if not is_registered and not result._cache:
            result._cellar_wait = self.hub.wait((check_id(result.id),), self._callbacks.for_result(result, weak))

    def remove_pending_result(self, result: ResultBase) -> ResultBase:
        """Stop listening. ``AsyncResult.__del__`` calls this: it takes no lock and does no I/O."""
        wait = vars(result).pop("_cellar_wait", None)
        if wait is not None:
            self.hub.cancel(wait)
        return result


def leaves(node: Any) -> Iterator[Any]:
    """Yield the results of single tasks in a result, however it is nested."""
    if isinstance(node, ResultSet):
        for child in node.results:
            yield from leaves(child)
    else:
        yield node
