"""The sample: some of the results that lie in a store, as bytes and as the client reads them. Nothing is unpickled."""

import pickletools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.store import redis_of

#: How many results are looked at, and the largest that is.
MOST = 100
_MOST_BYTES = 1 << 20
_PICKLE = b"\x80"
#: What exceptions say that may be repeated; anything else may hold a project's data.
_HARMLESS = re.compile(
    r"Object of type \w+ is not JSON serializable|can(not|'t) pickle [\w' .]+|can not serialize '[\w.]+' object"
    r"|Refusing to deserialize (disabled|untrusted) content of type \w+( \([\w./+-]+\))?"
    r"|Dependency [\w-]+ raised \w+|GroupResult [\w-]+ no longer exists|The operation timed out\.?"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One result. ``state`` is empty where it could not be read, and ``problem`` says why, without its contents."""

    id: str
    size: int
    state: str = ""
    problem: str = ""
    #: it is a pickle
    is_pickle: bool = False
    #: name of the exception's class, where it is one
    exception: str = ""
    #: of the exception's text, what tells nothing of the project
    words: str = ""
    group: str = ""


def sample(case: Case) -> list[Stored]:
    """Look at up to :data:`MOST` results.

    Raises:
        Absent: no sample is taken of this kind of store.
    """
    kept = case.__dict__.setdefault("_sample", [])
    if not kept:
        engine = case.engine.name
        if engine in ("redis", "sentinel", "cellar-redis", "cellar-sentinel"):
            kept += _of_redis(case)
        elif engine == "database":
            kept += _of_database(case)
        elif case.subject.is_ours:
            kept += _of_ours(case)
        else:
            raise Absent(f"single results are not looked at: {case.engine.label}")
    found: list[Stored] = kept
    return found


def one_stored(case: Case, task_id: str, raw: bytes | None, meta: Any = None) -> Stored:
    """Return what can be said of a result, given its bytes, and its meta where that could be read."""
    text = raw or b""
    if is_pickle(text):
        return Stored(task_id, len(text), is_pickle=True)
    if isinstance(meta, Exception):
        return Stored(task_id, len(text), problem=_said(meta))
    result = meta.get("result") if isinstance(meta, Mapping) else None
    state = str(meta.get("status") or "") if isinstance(meta, Mapping) else ""
    exception, words = "", ""
    if isinstance(result, BaseException):
        exception, words = type(result).__name__, _harmless(" ".join(map(str, result.args)))
    group = str(meta.get("group_id") or "") if isinstance(meta, Mapping) else ""
    return Stored(task_id, len(text), state, exception=exception, words=words, group=group)


def is_pickle(raw: bytes) -> bool:
    """Whether bytes are a pickle, by their beginning (protocols 2 to 5).

    >>> is_pickle(b"\\x80\\x04K\\x01."), is_pickle(b'{"status": 1}')
    (True, False)
    """
    return raw[:1] == _PICKLE and len(raw) > 1 and raw[1] <= 5


def _of_redis(case: Case) -> Iterator[Stored]:
    client = redis_of(case)
    backend = case.plain_subject.backend
    prefix = backend.task_keyprefix
    keys: list[bytes] = []
    cursor = 0
    for _ in range(20):
        cursor, found = client.scan(cursor, match=b"*celery-task-meta-*", count=500)
        keys += [key for key in found if key.startswith(prefix)]
        if not cursor or len(keys) >= MOST:
            break
    for key in keys[:MOST]:
        size = int(client.strlen(key))
        raw = client.get(key) if size <= _MOST_BYTES else None
        task_id = key.removeprefix(prefix).decode("utf-8", "replace")
        if raw is None:
            yield Stored(task_id, size)
        else:
            yield one_stored(case, task_id, raw, None if is_pickle(raw) else _decoded(backend, raw))


def _decoded(backend: Any, raw: bytes) -> Any:
    try:
        return backend.decode_result(raw)
    except Exception as exc:
        return exc


def _of_database(case: Case) -> Iterator[Stored]:
    import sqlalchemy

    backend = case.subject.backend
    session = backend.ResultSession()
    try:
        table = backend.task_cls.__table__
        columns = sqlalchemy.table(
            table.name,
            sqlalchemy.column("task_id", sqlalchemy.String),
            sqlalchemy.column("status", sqlalchemy.String),
            sqlalchemy.column("result", sqlalchemy.LargeBinary),
            sqlalchemy.column("id", sqlalchemy.Integer),
            schema=table.schema,
        )
        size = sqlalchemy.func.length(columns.c.result)
        rows = session.execute(
            sqlalchemy.select(
                columns.c.task_id,
                columns.c.status,
                sqlalchemy.case((size <= _MOST_BYTES, columns.c.result)),
            )
            .order_by(columns.c.id.desc())
            .limit(MOST)
        ).all()
    finally:
        session.close()
    is_pickled = backend.app.conf.result_serializer == "pickle"
    for task_id, status, raw in rows:
        if raw is None or (is_pickle(raw) and _is_whole_pickle(raw)):
            yield Stored(str(task_id), len(raw or b""), str(status), is_pickle=raw is not None)
            continue
        meta: Any
        try:
            meta = {} if is_pickled else backend.get_task_meta(task_id, cache=False)
        except Exception as exc:
            meta = exc
        yield one_stored(case, str(task_id), raw, meta)


def _is_whole_pickle(raw: bytes) -> bool:
    """Whether bytes can be taken apart as a pickle; nothing of it is run."""
    try:
        for _ in pickletools.genops(raw):
            pass
    except Exception:
        return False
    return True


def _of_ours(case: Case) -> Iterator[Stored]:
    backend = case.subject.backend
    for records in backend.store.scan(batch=MOST):
        for record in records[:MOST]:
            meta: Any
            try:
                meta = backend.get_task_meta(record.id, cache=False)
            except Exception as exc:
                meta = exc
            yield one_stored(case, record.id, record.payload, meta)
        return


def _said(exc: Exception) -> str:
    words = _harmless(str(exc))
    return f"{type(exc).__name__}: {words}" if words else type(exc).__name__


def _harmless(text: str) -> str:
    found = _HARMLESS.search(text)
    return found[0] if found else ""
