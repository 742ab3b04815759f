"""The class behind ``result_backend = "cellar+…"``: Celery's backend API in terms of a store and the hub."""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.base import BaseBackend
from celery.exceptions import TaskRevokedError
from celery.result import GroupResult, ResultBase, ResultSet, result_from_tuple
from kombu.utils.encoding import bytes_to_str

from rootcellar import urls
from rootcellar.backend.arrivals import Meta, arrivals
from rootcellar.backend.callbacks import Callbacks, ReadyPromise
from rootcellar.backend.chords import Chords
from rootcellar.backend.housekeeper import Housekeeper
from rootcellar.errors import ConfigurationError, DecodeError, SpoolFull, StoreUnavailable
from rootcellar.record import FINAL_STATES, PENDING, REVOKED, SUCCESS, Record, check_id, searchable
from rootcellar.settings import Settings
from rootcellar.spool.store import SpooledStore
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim
from rootcellar.waiting import Hub

if TYPE_CHECKING:
    from rootcellar.spool import Spool


class CellarBackend(BaseBackend):
    """A Celery result backend over any store.

    One instance serves all threads of a process: it is marked thread-safe whatever ``result_backend_thread_safe``
    says, so that the process has one pool and one hub.
    """

    supports_native_join = True
    supports_result_compression = True
    supports_failure_expires = True

    store: SpooledStore

    def __init__(self, app: Any, url: str | None = None, **kwargs: Any) -> None:
        """Read the settings; nothing is connected yet.

        Raises:
            ConfigurationError: the URL or a setting is wrong.
            MissingDriver: the engine's package is not installed.
        """
        if not url:
            raise ConfigurationError(
                f"result_backend is {urls.PREFIX.rstrip('+')!r} without a store. Write it as a URL, for example "
                f"{urls.PREFIX}sqlite:///results.db."
            )
        self.settings = Settings.from_celery(app.conf, os.environ)
        store = open_store(url, self.settings)
        self.housekeeper = Housekeeper(
            lambda: self._deliver(store), self._reconcile, self.settings.housekeeping_interval_s
        )
        self.store = SpooledStore(
            store, self._open_spool, self.settings.spool.retry_s, on_spooled=self.housekeeper.come
        )
        self.codec = self.settings.codec
        self._chords = Chords(app, self.store, self.codec, self.settings.chords, self)
        super().__init__(app, url=url, **kwargs)
        self.thread_safe = True
        self._extended = bool(app.conf.find_value_for_key("extended", "result"))
        self._timezone = app.timezone
        self._has_cache = app.conf.result_cache_max != -1
        #: what waits on behalf of this process; its thread and connection come with the first wait. It is patient
        #: itself, so it gets the store without its retries
        self.hub = Hub(store, look_interval_s=self.settings.look_interval_s)
        self._callbacks = Callbacks(self._decode)

    @property
    def supports_autoexpire(self) -> bool:
        """Whether the engine drops expired records itself; where not, beat schedules ``celery.backend_cleanup``."""
        return self.store.capabilities.expires_itself

    @property
    def is_async(self) -> bool:
        """Results are pushed to their waiters."""
        return True

    def as_uri(self, include_password: bool = False) -> str:
        """Return the backend's URL, without its secrets unless asked for them."""
        whole = urls.PREFIX + str(self.url)
        return whole if include_password else urls.redact(whole)

    def __reduce__(self, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        return super().__reduce__(args, {**(kwargs or {}), "url": self.url})

    # -- storing and reading: called by Celery's own store_result, get_task_meta and so on, inside their retry ---------

    def encode(self, data: Any) -> bytes:
        """Encode with the codec, for whatever in Celery's base class encodes."""
        return self.codec.encode(data)

    def decode(self, payload: bytes) -> Any:
        """Decode with the codec."""
        return self.codec.decode(payload)

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        try:
            self.store.put(self._record(task_id, result, state, traceback, request))
        except SpoolFull:
            if request is None:
                raise
            # The spool has logged the record in full. An error here would make the worker record a false failure.
        return result

    def _record(self, task_id: str, result: Any, state: str, traceback: str | None, request: Any) -> Record:
        """Return the record of a task, of which ``result`` is ready to be encoded."""
        record_id = check_id(task_id)
        meta = self._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        meta["task_id"] = record_id
        payload = self.codec.encode(meta)
        now = time.time()
        keep_s = self.settings.retention.seconds_for(state)
        done_at = now if state in FINAL_STATES else None
        expires_at = None if keep_s is None else now + keep_s
        if request is None:
            return Record(record_id, state, payload, done_at=done_at, expires_at=expires_at)
        delivery = getattr(request, "delivery_info", None) or {}
        return Record(
            record_id,
            state,
            payload,
            name=searchable(getattr(request, "task", None)),
            worker=searchable(getattr(request, "hostname", None)),
            queue=searchable(delivery.get("routing_key")),
            retries=getattr(request, "retries", None),
            parent_id=searchable(getattr(request, "parent_id", None)),
            group_id=searchable(getattr(request, "group", None)),
            done_at=done_at,
            expires_at=expires_at,
        )

    def _get_result_meta(
        self, result: Any, state: str, traceback: str | None, request: Any, *args: Any, **kwargs: Any
    ) -> Meta:
        if self._extended or args or kwargs:
            # What `result_extended` adds differs between Celery's versions, so theirs decides.
            full: Meta = super()._get_result_meta(result, state, traceback, request, *args, **kwargs)
            return full
        # The same, in the same order (golden files pin it), without looking up the configuration for each result.
        meta: Meta = {
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": self.current_task_children(request),
            "date_done": datetime.now(self._timezone).isoformat() if state in FINAL_STATES else None,
        }
        if request:
            if group := getattr(request, "group", None):
                meta["group_id"] = group
            if parent_id := getattr(request, "parent_id", None):
                meta["parent_id"] = parent_id
        return meta

    def get_task_meta(self, task_id: str, cache: bool = True) -> Meta:
        """Return the task's meta; ``{"status": "PENDING", "result": None}`` where nothing is stored.

        Celery's own, which does the same around its cache and its retry, where either is switched on.
        """
        if self.always_retry or self._has_cache:
            meta: Meta = super().get_task_meta(task_id, cache)
            return meta
        return self._get_task_meta_for(task_id)

    def _get_task_meta_for(self, task_id: str) -> Meta:
        record = self.store.get(check_id(task_id))
        if record is None:
            self._ensure_not_eager()  # an eager task stores nothing: say so to whoever looks for its result here
            return {"status": states.PENDING, "result": None}
        return self._decode(record)

    def _decode(self, record: Record) -> Meta:
        document = self.codec.decode(record.payload)
        if not isinstance(document, dict) or not isinstance(document.get("status"), str):
            raise DecodeError(f"What is stored for task {record.id} is no document Celery or rootcellar wrote.")
        meta: Meta = self.meta_from_decoded(document)
        return meta

    def task_result_exists(self, task_id: str) -> bool:
        """Return whether anything is stored for the task (Celery 5.7's ``AsyncResult.exists``)."""
        return self.store.get(check_id(task_id)) is not None

    def _forget(self, task_id: str) -> None:
        self.store.delete((check_id(task_id),))

    def _save_group(self, group_id: str, result: GroupResult) -> GroupResult:
        keep_s = self.settings.retention.expires_s
        self.store.group_put(
            check_id(group_id, "group id"),
            self.codec.encode({"result": result.as_tuple()}),
            None if keep_s is None else time.time() + keep_s,
        )
        return result

    def _restore_group(self, group_id: str) -> Meta | None:
        payload = self.store.group_get(check_id(group_id, "group id"))
        if payload is None:
            return None
        meta: Meta = self.codec.decode(payload)
        meta["result"] = result_from_tuple(meta["result"], self.app)
        return meta

    def _delete_group(self, group_id: str) -> None:
        self.store.group_delete(check_id(group_id, "group id"))

    def cleanup(self) -> None:
        """Delete what has expired (``celery.backend_cleanup``), in batches."""
        for _ in self.store.purge():
            pass

    def exception_safe_to_retry(self, exc: BaseException) -> bool:
        """Return whether the store was merely away, so that ``result_backend_always_retry`` may try again."""
        return isinstance(exc, StoreUnavailable)

    # -- chords: see chords.py ----------------------------------------------------------------------------------------

    def apply_chord(self, header_result_args: Any, body: Any, **kwargs: Any) -> None:
        """Begin a chord, before its header is sent."""
        self._chords.open(header_result_args, body)

    def set_chord_size(self, group_id: str, chord_size: int) -> None:
        """Say how many members a chord has, before the last of them is sent."""
        self._chords.set_size(group_id, chord_size)

    def add_to_chord(self, chord_id: str, result: Any) -> None:
        """Add a member to a chord that is running (``Task.add_to_chord``)."""
        self._chords.add(chord_id, result.id)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **kwargs: Any) -> None:
        """Count a member of a chord that has ended."""
        if request.id and request.group:
            self._chords.report(request, state, self.encode_result(result, state))

    def mark_as_done(
        self, task_id: str, result: Any, request: Any = None, store_result: bool = True, state: str = SUCCESS
    ) -> None:
        """Store a task's success, and count it in its chord, in one round trip."""
        if request is None or not request.chord or not request.group:
            super().mark_as_done(task_id, result, request, store_result, state)
            return
        value = self.encode_result(result, state)
        is_stored = store_result and not request.ignore_result
        self._chords.report(
            request, state, value, self._record(task_id, value, state, None, request) if is_stored else None
        )

    def mark_as_revoked(
        self, task_id: str, reason: Any = "", request: Any = None, store_result: bool = True, state: str = REVOKED
    ) -> None:
        """Store that a task was revoked, and tell the chord that waits for the end of its chain."""
        super().mark_as_revoked(task_id, reason, request, store_result, state)
        self._chords.give_up(getattr(request, "chain", None), state, TaskRevokedError(reason))

    def finish_claim(self, claim: Claim) -> None:
        """Send the body of a chord that the delivery of a spool has completed."""
        self._chords.finish(claim)

    # -- housekeeping -------------------------------------------------------------------------------------------------

    @property
    def spool(self) -> "Spool":
        """Where finished records go while the store is away."""
        return self.store.spool

    def _open_spool(self) -> "Spool":
        from rootcellar.spool import Spool

        return Spool(self.settings.spool, self.app.main or "", str(self.store.url))

    def _deliver(self, store: Store) -> bool:
        """Deliver the spool to ``store``, if there is anything in it; return whether it is empty now."""
        if not self.spool.is_empty():
            from rootcellar.spool import deliver

            deliver(
                self.spool,
                store,
                on_claim=self.finish_claim,
                new_token=lambda: uuid.uuid4().hex,
                lease_s=self.settings.chords.lease_s,
            )
        return self.spool.is_empty()

    def _reconcile(self) -> None:
        self._chords.reconcile()

    def on_task_call(self, producer: Any, task_id: str) -> dict[str, Any]:
        """Put a task on record before it is sent, where ``cellar_track_sent`` asks for that; otherwise do nothing."""
        if self.settings.is_sent_tracked:
            self.store.put(self._record(task_id, None, PENDING, None, None))
        return {}

    # -- waiting ------------------------------------------------------------------------------------------------------

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
            leaves = [leaf for leaf in _leaves(node) if not leaf._cache]
            for leaf in leaves:
                pending.setdefault(leaf.id, []).append(leaf)
            if isinstance(node, ResultSet):
                nested[position] = (node, {leaf.id for leaf in leaves})
            elif not leaves:
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


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, ResultSet):
        for child in node.results:
            yield from _leaves(child)
    else:
        yield node
