"""The bytes in Redis are those that the installed Celery would write itself."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from celery.app.task import Context
from celery.backends.redis import RedisBackend
from celery.result import GroupResult
from kombu import serialization
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from versions import STOCK_COMPRESSIONS

from rootcellar.backend import CellarBackend
from rootcellar.record import Record

_NOW = datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)
_ID = "3f0c9a52-6a3e-4a0c-9a5f-1d1f0e5b7a11"

Written = dict[str, bytes]


class _StoppedClock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return _NOW.astimezone(tz)


class _Notepad:
    """A store that only notes what it is given, under the keys a Redis store would use."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.written: Written = {}

    def put(self, record: Record) -> bool:
        self.written[self._store._record_key + record.id] = record.payload
        return True

    def group_put(self, group_id: str, payload: bytes, expires_at: float | None) -> None:
        self.written[self._store._group_key + group_id] = payload


def _ours(app: Celery) -> tuple[CellarBackend, Written]:
    backend = CellarBackend(app=app, url="redis://127.0.0.1:1/0")
    backend.store = _Notepad(backend.store)
    return backend, backend.store.written


def _stock(app: Celery, monkeypatch: pytest.MonkeyPatch) -> tuple[RedisBackend, Written]:
    backend, written = RedisBackend(app=app, url="redis://127.0.0.1:1/0"), {}

    def note(key: str | bytes, value: str | bytes, *_: Any) -> None:
        written[bytes_to_str(key)] = str_to_bytes(value)

    monkeypatch.setattr(backend, "_set_with_state", note)
    monkeypatch.setattr(backend, "get", lambda key: None)
    return backend, written


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both see the same moment."""
    monkeypatch.setattr("rootcellar.backend.adapter.datetime", _StoppedClock)
    monkeypatch.setattr(Celery, "now", lambda self: _NOW.astimezone(self.timezone))
    return


def _new_app(**config: Any) -> Celery:
    app = Celery("golden", set_as_current=False)
    app.conf.update(config)
    return app


_STATES = [
    ("SUCCESS", {"answer": 42, "list": [1, 2.5, None, True], "text": "snow ☃"}, None),
    ("SUCCESS", None, None),
    ("SUCCESS", [Decimal("1.50"), UUID(_ID), _NOW, _NOW.date(), b"\x00\xff"], None),
    ("FAILURE", KeyError("jam"), "Traceback …\nKeyError: 'jam'\n"),
    ("RETRY", ValueError("not yet"), "Traceback …\nValueError: not yet\n"),
    ("REVOKED", LookupError("terminated"), None),
    ("STARTED", {"pid": 1, "hostname": "celery@host"}, None),
    ("PROGRESS", {"done": 1, "of": 2}, None),
]


def _requests() -> dict[str, Any]:
    app = _new_app()
    called = {
        "task": "jam.boil",
        "args": [1, "two"],
        "kwargs": {"three": 3},
        "hostname": "celery@host",
        "retries": 2,
        "delivery_info": {"routing_key": "kitchen", "exchange": ""},
    }
    stamps = {"stamped_headers": ["customer"], "stamps": {"customer": ["Ada"], "not listed": 1}}
    return {
        "no request": None,
        "bare": Context(called),
        "in a group": Context(called, group="the-group"),
        "with a parent": Context(called, group="the-group", parent_id="the-parent", root_id="the-root"),
        "with children": Context(called, children=[app.AsyncResult("child"), GroupResult("g", [], app=app)]),
        "stamped": Context(called, **stamps),
        "without delivery info": Context(called, delivery_info=None),
        "of no class of Celery's": SimpleNamespace(**called, children=[], group=None, parent_id=None, chord=None),
    }


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("extended", [False, True], ids=["plain", "extended"])
@pytest.mark.parametrize("request_name", _requests())
@pytest.mark.parametrize(("state", "result", "traceback"), _STATES, ids=[f"{s[0]}-{n}" for n, s in enumerate(_STATES)])
def test_a_result_is_written_as_celery_writes_it(
    state: str,
    result: Any,
    traceback: str | None,
    request_name: str,
    extended: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Key and bytes, for each state and each kind of request."""
    app, request = _new_app(result_extended=extended), _requests()[request_name]
    (ours, our_bytes), (stock, stock_bytes) = _ours(app), _stock(app, monkeypatch)
    for backend in (stock, ours):
        backend.store_result(_ID, result, state, traceback=traceback, request=request)
    assert our_bytes == stock_bytes
    assert len(our_bytes) == 1


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("prefix", ["", "shop", "shop:", "shop_"])
def test_a_group_is_written_as_celery_writes_it(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and bytes, with and without a prefix to all keys."""
    app = _new_app(result_backend_transport_options={"global_keyprefix": prefix} if prefix else {})
    (ours, our_bytes), (stock, stock_bytes) = _ours(app), _stock(app, monkeypatch)
    inner = GroupResult("inner", [app.AsyncResult("leaf")], app=app)
    whole = GroupResult("outer", [app.AsyncResult("a"), inner], parent=app.AsyncResult("p"), app=app)
    for backend in (stock, ours):
        backend.save_group("outer", whole)
        backend.store_result(_ID, 1, "SUCCESS")
    assert our_bytes == stock_bytes
    assert len(our_bytes) == 2


@pytest.fixture
def tagged() -> Iterator[str]:
    """A serializer of the project's own."""
    serialization.register(
        "tagged",
        lambda data: "#" + json.dumps(data),
        lambda text: json.loads(text[1:]),
        "application/x-tagged",
        "utf-8",
    )
    yield "tagged"
    serialization.unregister("tagged")


@pytest.mark.usefixtures("clock")
def test_another_serializer_is_written_as_celery_writes_it(tagged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``result_serializer``."""
    app = _new_app(result_serializer=tagged, result_accept_content=["json", tagged])
    (ours, our_bytes), (stock, stock_bytes) = _ours(app), _stock(app, monkeypatch)
    for backend in (stock, ours):
        backend.store_result(_ID, {"answer": 42}, "SUCCESS")
    assert our_bytes == stock_bytes


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("method", STOCK_COMPRESSIONS or [None])
def test_a_compressed_result_is_written_as_celery_writes_it(
    method: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``result_compression``, where Celery has it."""
    app = _new_app(result_compression=method)
    (ours, our_bytes), (stock, stock_bytes) = _ours(app), _stock(app, monkeypatch)
    for backend in (stock, ours):
        backend.store_result(_ID, "jam " * 1_000, "SUCCESS")
    assert our_bytes == stock_bytes


@pytest.mark.parametrize(
    "config", [{}, {"timezone": "Europe/Berlin"}, {"timezone": "Asia/Kolkata", "enable_utc": False}], ids=str
)
def test_the_time_a_task_ended_has_the_offset_celery_gives_it(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``date_done`` in the app's time zone, by the real clock."""
    app = _new_app(**config)
    done = []
    for backend in (_ours(app)[0], _stock(app, monkeypatch)[0]):
        meta = backend._get_result_meta(result=1, state="SUCCESS", traceback=None, request=None)
        done.append(datetime.fromisoformat(meta["date_done"]))
    assert done[0].utcoffset() == done[1].utcoffset()
    assert abs((done[0] - done[1]).total_seconds()) < 60
