"""Redis, also Valkey: Celery's own keys and bytes, so that a fleet may be half ``redis://`` and half ours."""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from redis import exceptions

from rootcellar.codec import Codec
from rootcellar.errors import (
    AccessDenied,
    DecodeError,
    RootcellarError,
    StoreBusy,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from rootcellar.record import UNREADABLE, Record, merge, rank
from rootcellar.settings import Settings
from rootcellar.stores.base import BATCH, Capabilities, Facts, Stats, Store, Watcher, batches
from rootcellar.stores.pool import Pool
from rootcellar.stores.redis_connection import connection_pool, new_connection, pool_settings
from rootcellar.stores.redis_ledger import RedisLedger
from rootcellar.stores.redis_script import Argument, Script
from rootcellar.stores.redis_watcher import RedisWatcher
from rootcellar.urls import StoreURL, said

T = TypeVar("T")

# The server is there, and takes no command, or no write, for now. Which of these have a class differs between versions
# of redis-py.
_BUSY = (
    exceptions.BusyLoadingError,
    exceptions.ClusterDownError,
    exceptions.MasterDownError,
    exceptions.OutOfMemoryError,
    exceptions.TryAgainError,
)
_BUSY_CODES = ("LOADING", "CLUSTERDOWN", "MASTERDOWN", "OOM", "TRYAGAIN", "MISCONF", "NOREPLICAS", "BUSY")

# A writer that keeps losing the race for one opaque record gives up after this many documents.
_PUT_ATTEMPTS = 20
# Enough to find the state in at the start of Celery's JSON; longer ones are read whole.
_STATE_BYTES = 64

_PUT = Script("redis_record.lua", "redis_put.lua")


class _Connection:
    """One of redis-py's connections, used without its client: the client's own work is a third of what a GET costs."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.opened_at = time.monotonic()

    def execute(self, *command: Argument) -> Any:
        self._raw.send_packed_command((_pack(command),))
        return self._raw.read_response()

    def execute_many(self, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
        """Send several commands in one round trip; an answer that is an error stands in the list as one."""
        self._raw.send_packed_command((b"".join([_pack(command) for command in commands]),))
        return [self._answer() for _ in commands]

    def _answer(self) -> Any:
        try:
            return self._raw.read_response()
        except exceptions.ResponseError as exc:
            return exc

    def close(self) -> None:
        self._raw.disconnect()


class RedisStore(Store):
    """Records under ``celery-task-meta-<id>``, groups under ``celery-taskset-meta-<id>``, expiring by themselves."""

    capabilities = Capabilities(expires_itself=True, shared_between_hosts=True, has_celerys_layout=True)

    def __init__(self, url: StoreURL, settings: Settings) -> None:
        self.url = url
        self._codec: Codec = settings.codec
        self._settings = settings.redis
        self._record_key = self._settings.record_key
        self._group_key = self._settings.group_key
        self._driver_pool = connection_pool(url, self._settings)
        # READONLY: the server was demoted; a new connection may find the new master.
        lost: tuple[type[BaseException], ...] = (exceptions.ConnectionError, exceptions.ReadOnlyError)
        if self._settings.retry_on_timeout:
            lost += (exceptions.TimeoutError,)
        self._pool: Pool[_Connection] = Pool(
            self._connect,
            pool_settings(url, self._settings),
            lost=lost,
            answered=(exceptions.ResponseError,),
            name=str(url),
        )
        self.chords = RedisLedger(self._run, self._settle, self._codec, self._settings)

    # -- the verbs ------------------------------------------------------------------------------------------------

    def put(self, record: Record) -> bool:
        return self._settle(record, lambda arguments: self._run(_PUT.run, (self._key(record),), *arguments))

    def _settle(self, record: Record, store: Callable[[tuple[Argument, ...]], Any]) -> bool:
        """Store a record by calling ``store`` with what ``put_record`` in Lua takes, until it has been decided.

        ``store`` returns what the script says: a number, or the document that lies there, which only we can read.
        """
        seen = ""
        for _ in range(_PUT_ATTEMPTS):
            answer = store(_put_arguments(record, seen))
            if isinstance(answer, int):
                return answer == 1
            kept = Record(record.id, self._state_of(answer), answer)
            if merge(kept, record) is kept:
                return False
            seen = hashlib.sha1(answer, usedforsecurity=False).hexdigest()
        raise StoreError(f"{self.url}: record {record.id} kept changing while it was being stored. Store it again.")

    def _key(self, record: Record) -> str:
        return self._record_key + record.id

    def put_many(self, records: Iterable[Record]) -> int:
        changed = 0
        for batch in batches(records):
            commands: list[tuple[Argument, ...]] = [("SCRIPT", "LOAD", _PUT.source)]
            commands += [("EVALSHA", _PUT.sha, 1, self._key(record), *_put_arguments(record)) for record in batch]
            _, *answers = self._run_many(commands)
            for record, answer in zip(batch, answers, strict=True):
                changed += answer if isinstance(answer, int) else self.put(record)
        return changed

    def get(self, record_id: str) -> Record | None:
        payload = self._run(_Connection.execute, "GET", self._record_key + record_id)
        return None if payload is None else Record(record_id, self._state_of(payload), payload)

    def get_many(self, ids: Iterable[str]) -> dict[str, Record]:
        found = {}
        for batch in batches(ids):
            payloads = self._run(_Connection.execute, "MGET", *[self._record_key + i for i in batch])
            for record_id, payload in zip(batch, payloads, strict=True):
                if payload is not None:
                    found[record_id] = Record(record_id, self._state_of(payload), payload)
        return found

    def states(self, ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for batch in batches(ids):
            starts = self._run_many([("GETRANGE", self._record_key + i, 0, _STATE_BYTES - 1) for i in batch])
            unclear = []
            for record_id, start in zip(batch, starts, strict=True):
                state = self._codec.state_at(start) if start else None
                if state is not None:
                    found[record_id] = state
                elif start:
                    unclear.append(record_id)
            if unclear:  # compressed, or of another serializer
                found.update(super().states(unclear))
        return found

    def _state_of(self, payload: bytes) -> str:
        """Return the state, which only the payload knows. One that cannot be read must not hide the others."""
        try:
            return self._codec.state_of(payload)
        except DecodeError:
            return UNREADABLE

    def delete(self, ids: Sequence[str]) -> int:
        return sum(
            self._run(_Connection.execute, "DEL", *[self._record_key + i for i in batch]) for batch in batches(ids)
        )

    def scan(self, after: str | None = None, batch: int = BATCH) -> Iterator[list[Record]]:
        if after is not None:
            raise Unsupported(f"{self.url}: Redis has no order of keys to resume a scan in. Scan from the start.")
        pattern = _escape_glob(self._record_key) + "*"
        cursor: Any = 0
        while True:
            cursor, keys = self._run(_Connection.execute, "SCAN", cursor, "MATCH", pattern, "COUNT", batch)
            records = self._read(keys)
            if records:
                yield records
            if int(cursor) == 0:
                return

    def _read(self, keys: list[bytes]) -> list[Record]:
        answers = self._run_many([command for key in keys for command in (("GET", key), ("PTTL", key))])
        records = []
        for key, payload, left_ms in zip(keys, answers[::2], answers[1::2], strict=True):
            if payload is not None:  # it may have expired since
                expires_at = time.time() + left_ms / 1000 if left_ms >= 0 else None
                record_id = key.decode("utf-8", "replace")[len(self._record_key) :]
                records.append(Record(record_id, self._state_of(payload), payload, expires_at=expires_at))
        return records

    def purge(self, batch: int = BATCH) -> Iterator[int]:
        """Nothing to do: Redis expires its keys."""
        yield from ()

    def stats(self) -> Stats:
        """Count by reading everything; the bytes are those of keys and values, without Redis's overhead."""
        by_state: dict[str, int] = {}
        size = 0
        for records in self.scan():
            for record in records:
                by_state[record.state] = by_state.get(record.state, 0) + 1
                size += len(self._record_key) + len(record.id) + len(record.payload)
        return Stats(records=sum(by_state.values()), bytes=size, by_state=by_state)

    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        keep_s = _keep_s(expires_at)
        expiry = ("EX", keep_s) if keep_s else ()
        self._run(_Connection.execute, "SET", self._group_key + group_id, payload, *expiry)

    def group_get(self, group_id: str) -> bytes | None:
        payload: bytes | None = self._run(_Connection.execute, "GET", self._group_key + group_id)
        return payload

    def group_delete(self, group_id: str) -> None:
        self._run(_Connection.execute, "DEL", self._group_key + group_id)

    def watcher(self) -> Watcher:
        with self.mapped():
            return RedisWatcher(self._driver_pool, self._record_key, self._state_of, self.mapped)

    def check(self) -> Facts:
        try:
            text: bytes = self._run(_Connection.execute, "INFO")
        except AccessDenied:
            self._run(_Connection.execute, "GET", self._record_key)  # the login itself, then, must be good
            return Facts("Redis", "(unknown)", {}, ["The login may not call INFO, so nothing more can be told."])
        info = dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)
        policy, limit = info.get("maxmemory_policy", "unknown"), int(info.get("maxmemory", 0))
        details = {
            "maxmemory": f"{limit} bytes" if limit else "no limit",
            "maxmemory_policy": policy,
            "append-only file": "on" if info.get("aof_enabled") == "1" else "off",
            "role": info.get("role", "unknown"),
        }
        warnings = []
        if policy not in ("noeviction", "unknown"):
            warnings.append(
                f"maxmemory-policy is {policy}: under memory pressure Redis drops results that nobody has read. Set "
                "noeviction, and give results a Redis of their own."
            )
        if info.get("role") == "slave":
            warnings.append("This is a replica: nothing can be stored here. Name the master in the URL.")
        if details["append-only file"] == "off":
            warnings.append("The append-only file is off: a restart loses the results since the last snapshot, or all.")
        return Facts(info.get("server_name", "redis").capitalize(), info.get("redis_version", "?"), details, warnings)

    def close(self) -> None:
        self._pool.close()

    # -- connections ----------------------------------------------------------------------------------------------

    def _connect(self) -> _Connection:
        raw = new_connection(self._driver_pool)
        raw.connect()
        return _Connection(raw)

    def _run(self, operation: Callable[..., T], *args: Any) -> T:
        with self.mapped():
            return self._pool.run(operation, *args)

    def _run_many(self, commands: list[tuple[Argument, ...]]) -> list[Any]:
        """Run commands in one round trip; if one failed, raise its error once all answers have been read."""
        answers = self._run(_Connection.execute_many, commands) if commands else []
        for answer in answers:
            if isinstance(answer, exceptions.ResponseError):
                raise self._error(answer) from answer
        return answers

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """Turn redis-py's errors into ours."""
        try:
            yield
        except exceptions.RedisError as exc:
            raise self._error(exc) from exc

    def _error(self, exc: exceptions.RedisError) -> RootcellarError:
        reason = said(exc, self.url, self._settings.connection.get("password"))
        if isinstance(exc, (exceptions.AuthenticationError, exceptions.NoPermissionError)) or reason.startswith(
            ("NOAUTH", "WRONGPASS", "NOPERM")
        ):
            return AccessDenied(
                f"{self.url} refused the login: {reason}. Check user and password in result_backend (or "
                "redis_username, redis_password); an ACL user needs +@read +@write +@scripting +@pubsub +@connection "
                "on ~celery-* and &celery-*."
            )
        if isinstance(exc, exceptions.TimeoutError):
            return StoreTimeout(
                f"{self.url} did not answer in time: {reason}. The limits are redis_socket_timeout and "
                "redis_socket_connect_timeout."
            )
        if isinstance(exc, exceptions.ReadOnlyError) or _code_in(reason) == "READONLY":
            return StoreBusy(f"{self.url} is a replica and takes no writes: {reason}. Name the master.")
        if isinstance(exc, _BUSY) or _code_in(reason) in _BUSY_CODES:
            return StoreBusy(f"{self.url} cannot do this now: {reason}. See the server's log, and INFO.")
        if isinstance(exc, exceptions.ConnectionError):
            return StoreUnavailable(
                f"{self.url} cannot be reached: {reason}. Check host and port in result_backend, and that the server "
                "is up."
            )
        return StoreError(f"{self.url}: {reason}.")


def _code_in(reason: str) -> str:
    """Return the code of an error for which redis-py has no class, or that a script passed on (Redis before 7).

    >>> _code_in("MISCONF Errors writing to the AOF file"), _code_in("ERR Error running script: 1: -OOM command not")
    ('MISCONF', 'OOM')
    """
    return (reason.rpartition(": -")[2] if reason.startswith("ERR ") else reason).partition(" ")[0]


def _pack(command: Sequence[Argument]) -> bytes:
    r"""Return a command as Redis reads it (https://redis.io/docs/latest/develop/reference/protocol-spec/).

    >>> _pack(("GET", "k"))
    b'*2\r\n$3\r\nGET\r\n$1\r\nk\r\n'
    """
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        data = argument if type(argument) is bytes else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def _put_arguments(record: Record, seen: str = "") -> tuple[Argument, ...]:
    """Return what ``put_record`` in Lua takes behind the key."""
    return record.payload, _keep_s(record.expires_at), rank(record.state), seen


def _keep_s(expires_at: float | None) -> int:
    """Return Redis's expiry in whole seconds, at least 1; 0 for ever."""
    return 0 if expires_at is None else max(1, math.ceil(expires_at - time.time()))


def _escape_glob(text: str) -> str:
    return "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in text)
