"""The chord ledger in Redis: the keys of Celery 5.7, with Celery's meaning, and two of our own; see redis_chord.lua."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from rootcellar.codec import Codec
from rootcellar.record import SUCCESS, Record
from rootcellar.settings import RedisSettings
from rootcellar.stores.ledger import DUE_BATCH, PARTS_BATCH, Claim, Ledger, Opening, Part, Tally
from rootcellar.stores.redis_script import Argument, Connection, Script

_COMMON = "redis_chord.lua"
_OPEN = Script(_COMMON, "redis_chord_open.lua")
_SIZE = Script(_COMMON, "redis_chord_size.lua")
_REPORT = Script("redis_record.lua", _COMMON, "redis_chord_report.lua")
_CLAIM = Script(_COMMON, "redis_chord_claim.lua")
_HOLD = Script(_COMMON, "redis_chord_hold.lua")
_FINISH = Script(_COMMON, "redis_chord_finish.lua")
_BODY = Script(_COMMON, "redis_chord_body.lua")
_DUE = Script("redis_chord_due.lua")

#: Runs an operation on a connection of the pool: ``run(operation, *arguments)``.
Run = Callable[..., Any]
#: Stores a record by a script that calls ``put_record``: ``settle(record, store)``.
Settle = Callable[[Record, Callable[[tuple[Argument, ...]], Any]], bool]


class RedisLedger(Ledger):
    """One chord is some keys that begin as its group's does; one sorted set tells which are open."""

    def __init__(self, run: Run, settle: Settle, codec: Codec, settings: RedisSettings) -> None:
        self._run = run
        self._settle = settle
        self._codec = codec
        self._settings = settings

    def open(self, chord_id: str, opening: Opening) -> None:
        self._open(chord_id, opening, is_new=True)

    def _open(self, chord_id: str, opening: Opening, *, is_new: bool) -> Any:
        document, deadline_at, origin, run = opening
        deadline = "inf" if deadline_at is None else deadline_at
        return self._call(_OPEN, chord_id, document or b"", deadline, origin or "", run or "", int(is_new))

    def set_size(self, chord_id: str, size: int) -> None:
        self._call(_SIZE, chord_id, size, 0)

    def add(self, chord_id: str, task_id: str) -> None:
        self._call(_SIZE, chord_id, task_id, 1)

    def report(
        self,
        part: Part,
        token: str,
        lease_s: float,
        *,
        record: Record | None = None,
        opening: Callable[[], Opening] | None = None,
    ) -> Tally:
        place: Argument = "+inf" if part.place is None else part.place
        arguments: list[Argument] = [part.task_id, place, part.payload, int(part.state == SUCCESS)]
        arguments += [int(self._settings.is_chord_ordered), token, _milliseconds(lease_s), int(record is not None)]
        keys = self._keys(part.chord_id)
        is_stored = True
        if record is None:
            answer = self._call(_REPORT, part.chord_id, *arguments)
        else:
            keys.append(self._settings.record_key + record.id)
            answers: list[Any] = []

            def store(put_arguments: tuple[Argument, ...]) -> Any:
                answers[:] = self._run(_REPORT.run, keys, part.chord_id, *arguments, *put_arguments)
                return answers[0]

            is_stored = self._settle(record, store)
            if len(answers) == 1:  # what lies there is no plain JSON, and has come further: only the part is left
                return self.report(part, token, lease_s, opening=opening)._replace(is_stored=is_stored)
            answer = answers
        return self._tally(part.chord_id, token, is_stored, answer, opening)

    def _tally(
        self,
        chord_id: str,
        token: str,
        is_stored: bool,
        answer: list[Any],
        opening: Callable[[], Opening] | None,
    ) -> Tally:
        _, ready, members, is_open, unguarded, is_claimed, *claimed = answer
        size = None if members < 0 else members
        kept = None
        if not is_open and opening is not None:
            kept = self._open(chord_id, opening(), is_new=False)
        claim = None
        if is_claimed:
            document, is_takeover = claimed
            if document is None and isinstance(kept, bytes):
                document = kept
            claim = Claim(chord_id, token, ready, size, document, is_takeover=bool(is_takeover))
        return Tally(is_stored, ready, size, claim, unguarded)

    def claim(self, chord_id: str, token: str, lease_s: float) -> Claim | None:
        answer = self._call(_CLAIM, chord_id, token, _milliseconds(lease_s))
        if not answer[0]:
            return None
        _, document, is_takeover, ready, members, is_overdue = answer
        size = None if members < 0 else members
        return Claim(chord_id, token, ready, size, document, bool(is_overdue), bool(is_takeover))

    def renew(self, claim: Claim, lease_s: float) -> bool:
        return bool(self._call(_HOLD, claim.chord_id, claim.token, _milliseconds(lease_s), 0) == 1)

    def release(self, claim: Claim, retry_s: float) -> None:
        self._call(_HOLD, claim.chord_id, claim.token, 0, retry_s)

    def parts(self, chord_id: str, batch: int = PARTS_BATCH) -> Iterator[list[bytes]]:
        key = self._key(chord_id, ".j")
        command = "ZRANGE" if self._settings.is_chord_ordered else "LRANGE"
        start = 0
        while payloads := self._run(_execute, command, key, start, start + batch - 1):
            yield payloads
            start += batch
            if len(payloads) < batch:
                return

    def failed(self, chord_id: str) -> bytes | None:
        succeeded = self._run(_execute, "HGET", self._key(chord_id, ".b"), "succeeded")
        count = "ZCARD" if self._settings.is_chord_ordered else "LLEN"
        if succeeded is not None and int(succeeded) == self._run(_execute, count, self._key(chord_id, ".j")):
            return None
        for payloads in self.parts(chord_id):  # some came from workers on Celery's own backend, which do not count
            for payload in payloads:
                if self._codec.decode(payload)[2] != SUCCESS:
                    return payload
        return None

    def finish(self, claim: Claim, keep_s: float) -> bool:
        return bool(self._call(_FINISH, claim.chord_id, claim.token, math.ceil(keep_s)))

    def begin_body(self, chord_id: str, token: str, run: str | None) -> bool:
        return bool(self._call(_BODY, chord_id, token, run or ""))

    def due(self, limit: int = DUE_BATCH) -> list[str]:
        return [chord_id.decode() for chord_id in self._run(_DUE.run, (self._index,), limit)]

    def _call(self, script: Script, chord_id: str, *arguments: Argument) -> Any:
        return self._run(script.run, self._keys(chord_id), chord_id, *arguments)

    def _keys(self, chord_id: str) -> list[str]:
        return [*(self._key(chord_id, end) for end in (".j", ".t", ".s", ".d", ".c", ".b", ".r")), self._index]

    @property
    def _index(self) -> str:
        return self._settings.chords_key

    def _key(self, chord_id: str, end: str) -> str:
        return self._settings.group_key + chord_id + end


def _execute(connection: Connection, *command: Argument) -> Any:
    return connection.execute(*command)


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
