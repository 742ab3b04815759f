"""The class behind ``result_backend = "cellar+…"``: Celery's backend API in terms of a store and the hub."""

import logging
import os
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celery import states
from celery.exceptions import TaskRevokedError
from celery.result import GroupResult, result_from_tuple

from rootcellar import urls
from rootcellar.backend.arrivals import Meta
from rootcellar.backend.callbacks import Callbacks
from rootcellar.backend.chords import Chords, new_token
from rootcellar.backend.housekeeper import Housekeeper
from rootcellar.backend.pending import PendingResults
from rootcellar.errors import ConfigurationError, DecodeError, RootcellarError, SpoolFull, StoreUnavailable
from rootcellar.record import FAILURE, FINAL_STATES, PENDING, REVOKED, SUCCESS, Record, check_id, searchable
from rootcellar.settings import Settings
from rootcellar.spool.store import SpooledStore
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim
from rootcellar.waiting import Hub

if TYPE_CHECKING:
    from rootcellar.spool import Spool


logger = logging.getLogger(__name__)

#: how long a worker's main process waits for the store
_HURRY_S = 1.0
#: for how long at most it does not ask again after that
_HURRY_MOST_S = 10.0


class CellarBackend(PendingResults):
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
            lambda: self._deliver(store), lambda: self._chords.reconcile(), self.settings.housekeeping_interval_s
        )
        self.store = SpooledStore(
            store, self._open_spool, self.settings.spool.retry_s, on_spooled=self.housekeeper.come
        )
        self.codec = self.settings.codec
        super().__init__(app, url=url, **kwargs)
        self._chords = Chords(self, self.store, self.settings)
        self.thread_safe = True
        self._extended = bool(app.conf.find_value_for_key("extended", "result"))
        self._timezone = app.timezone
        self._has_cache = app.conf.result_cache_max != -1
        #: what waits on behalf of this process; its thread and connection come with the first wait. It is patient
        #: itself, so it gets the store without its retries
        self.hub = Hub(store, look_interval_s=self.settings.look_interval_s)
        self._callbacks = Callbacks(self._decode)
        self._quick_store: Store | None = None
        self._unanswered_until = 0.0

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
        # Celery tells of a group that ends a failed chain, as if it were a task; see `Chords.give_up`.
        is_group = getattr(request, "subtask_type", None) == "group"
        if request.id and request.group and not is_group:
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
        self._chords.give_up(getattr(request, "chain", None), state, TaskRevokedError(reason), task_id)

    def mark_as_failure(
        self,
        task_id: str,
        exc: BaseException,
        traceback: str | None = None,
        request: Any = None,
        store_result: bool = True,
        call_errbacks: bool = True,
        state: str = FAILURE,
    ) -> None:
        """Store that a task failed, and tell the chord that waits for the end of its chain, whatever that is."""
        super().mark_as_failure(task_id, exc, traceback, request, store_result, call_errbacks, state)
        self._chords.give_up(getattr(request, "chain", None), state, exc)

    def finish_claim(self, claim: Claim) -> None:
        """Send the body of a chord that the delivery of a spool has completed."""
        self._chords.finish(claim)

    def may_run(self, chord_id: str, token: str, run: str) -> bool:
        """Return whether a chord's body that has arrived may run: no other one of the same run has begun to.

        It is asked in a worker's main process, which must not be held up: over a connection of its own that waits a
        second at most, and for a while not at all after it has waited in vain. Twice is better than never.
        """
        began = time.monotonic()
        if began < self._unanswered_until:
            return True
        try:
            if self._quick_store is None:
                self._quick_store = open_store(str(self.url), self.settings.in_a_hurry(_HURRY_S))
            return self._quick_store.chords.begin_body(chord_id, token, run or None)
        except RootcellarError as exc:
            logger.warning("Chord %s: whether its body runs already cannot be told, so it runs: %s", chord_id, exc)
            now = time.monotonic()
            self._unanswered_until = now + min(_HURRY_MOST_S, 3 * (now - began))
            return True

    def retire(self) -> None:
        """End what serves a worker: it shuts down."""
        self.housekeeper.close()
        if self._quick_store is not None:
            self._quick_store.close()

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
                new_token=new_token,
                lease_s=self.settings.chords.lease_s,
            )
        return self.spool.is_empty()

    def on_task_call(self, producer: Any, task_id: str) -> dict[str, Any]:
        """Put a task on record before it is sent, where ``cellar_track_sent`` asks for that; otherwise do nothing."""
        if self.settings.is_sent_tracked:
            self.store.put(self._record(task_id, None, PENDING, None, None))
        return {}
