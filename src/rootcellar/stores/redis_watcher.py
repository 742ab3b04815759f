"""Hearing of changes in Redis: SUBSCRIBE to the channels Celery publishes on, one for each id that is waited for."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

from redis import ConnectionPool
from redis.client import PubSub
from redis.exceptions import RedisError

from rootcellar.record import Record
from rootcellar.stores.base import Heard, Watcher
from rootcellar.stores.waker import Waker


class RedisWatcher(Watcher):
    """One subscribing connection. A message carries the record itself, so nothing needs to be read again."""

    def __init__(
        self,
        pool: ConnectionPool,
        record_key: str,
        state_of: Callable[[bytes], str],
        mapped: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Connect. ``state_of`` reads a payload's state, ``mapped`` turns the driver's errors into ours."""
        self._prefix = record_key
        self._state_of = state_of
        self._mapped = mapped
        self._pubsub = PubSub(pool, ignore_subscribe_messages=True)
        try:
            # A subscription that nobody publishes on opens the connection now, and keeps it in subscriber mode when
            # the last id is discarded. Its answer also tells whether this login may subscribe.
            self._pubsub.subscribe(record_key)
            self._pubsub.get_message(timeout=None)  # type: ignore[arg-type]  # None waits for the answer
        except BaseException:
            self._pubsub.close()
            raise
        self._waker = Waker()

    @property
    def _connection(self) -> Any:
        return self._pubsub.connection

    def add(self, ids: Sequence[str]) -> None:
        if ids:
            with self._mapped():
                self._pubsub.subscribe(*[self._prefix + i for i in ids])

    def discard(self, ids: Sequence[str]) -> None:
        if ids:  # without a channel, UNSUBSCRIBE means all of them
            with self._mapped():
                self._pubsub.unsubscribe(*[self._prefix + i for i in ids])

    def poll(self, timeout_s: float) -> Heard:
        records: list[Record] = []
        with self._mapped():
            message = self._read()
            if message is None:
                # kombu waits on the same attribute; redis-py has no public way to wait on a connection and a pipe
                self._waker.wait(self._connection._sock.fileno(), timeout_s)
                message = self._read()
            while message is not None:
                if message.get("type") == "message":
                    records.append(self._record(message))
                message = self._read()
        return Heard(records=records)

    def _read(self) -> dict[str, Any] | None:
        """Return the next message at hand; an empty one stands for a reply to (UN)SUBSCRIBE; ``None``: nothing."""
        if not self._connection.can_read(timeout=0):
            return None
        return self._pubsub.get_message(timeout=0) or {}

    def _record(self, message: dict[str, Any]) -> Record:
        record_id = message["channel"].decode()[len(self._prefix) :]
        return Record(record_id, self._state_of(message["data"]), message["data"])

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        with suppress(RedisError):
            self._pubsub.close()
        self._waker.close()
