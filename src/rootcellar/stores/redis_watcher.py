"""Hearing of changes in Redis: SUBSCRIBE to the channels Celery publishes on, one for each id that is waited for."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis import ConnectionPool
from redis.client import PubSub
from redis.exceptions import RedisError

from rootcellar.codec import Codec
from rootcellar.errors import DecodeError
from rootcellar.record import Record
from rootcellar.stores.base import Heard, Watcher
from rootcellar.stores.waker import Waker


class RedisWatcher(Watcher):
    """One subscribing connection. A message carries the record itself, so nothing needs to be read again."""

    def __init__(self, pool: ConnectionPool, record_key: str, codec: Codec) -> None:
        self._prefix = record_key
        self._codec = codec
        self._waker = Waker()
        self._pubsub = PubSub(pool, ignore_subscribe_messages=True)
        # A subscription that nobody publishes on opens the connection now, and keeps it in subscriber mode when the
        # last id is discarded.
        self._pubsub.subscribe(record_key)

    @property
    def _connection(self) -> Any:
        return self._pubsub.connection

    def add(self, ids: Sequence[str]) -> None:
        self._pubsub.subscribe(*[self._prefix + i for i in ids])

    def discard(self, ids: Sequence[str]) -> None:
        self._pubsub.unsubscribe(*[self._prefix + i for i in ids])

    def poll(self, timeout_s: float) -> Heard:
        heard = self._read()
        if heard is None:
            # kombu waits on the same attribute; redis-py has no public way to wait on a connection and a pipe at once
            self._waker.wait(self._connection._sock.fileno(), timeout_s)
            heard = self._read()
        ids: list[str] = []
        records: list[Record] = []
        while heard is not None:
            if heard:
                self._note(heard, ids, records)
            heard = self._read()
        return Heard(ids, records)

    def _read(self) -> dict[str, Any] | None:
        """Return the next message at hand; an empty one stands for a reply to (UN)SUBSCRIBE; ``None``: nothing."""
        if not self._connection.can_read(timeout=0):
            return None
        return self._pubsub.get_message(timeout=0) or {}

    def _note(self, message: dict[str, Any], ids: list[str], records: list[Record]) -> None:
        if message["type"] != "message":
            return
        record_id = message["channel"].decode()[len(self._prefix) :]
        try:
            records.append(Record(record_id, self._codec.state_of(message["data"]), message["data"]))
        except DecodeError:
            ids.append(record_id)  # whoever reads it will be told what is wrong with it

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        with suppress(RedisError):
            self._pubsub.close()
        self._waker.close()
