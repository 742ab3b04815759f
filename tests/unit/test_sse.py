"""Server-sent events: what a snapshot looks like on the wire."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, GroupResult

from rootcellar.aio import Snapshot, watching
from rootcellar.contrib import sse
from rootcellar.errors import DecodeError, InvalidRecord, MissingPackage, StoreUnavailable, Unsupported


def snapshot(state: str, info: Any, **meta: Any) -> Snapshot:
    return Snapshot("task-1", state, info, {"status": state, "result": info, **meta})


def sent(monkeypatch: pytest.MonkeyPatch, *steps: Snapshot | Exception | None, **options: Any) -> list[bytes]:
    """Return what is sent when these are watched."""

    async def follow(*args: Any, **kwargs: Any) -> AsyncGenerator[Snapshot | None, None]:
        for step in steps:
            if isinstance(step, Exception):
                raise step
            yield step

    async def main() -> list[bytes]:
        return [chunk async for chunk in sse.events(a_result(), **options)]

    monkeypatch.setattr(watching, "follow", follow)
    return asyncio.run(main())


def a_result(backend: str = "cellar+sqlite:///never-made.db") -> AsyncResult:
    """Return a result whose store is not asked for it."""
    app = Celery("sse", broker="memory://", backend=backend, set_as_current=False)
    return app.AsyncResult("task-1")


class Odd(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def data_of(chunk: bytes) -> Any:
    (line,) = [line for line in chunk.decode().splitlines() if line.startswith("data: ")]
    return json.loads(line.removeprefix("data: "))


def test_every_state_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named after the state, numbered, with JSON; the last one's id says that it is the last."""
    found = sent(monkeypatch, snapshot("PENDING", None), snapshot("PROGRESS", {"done": 1}), snapshot("SUCCESS", [1, 2]))
    assert found == [
        b'event: PENDING\nid: 1\ndata: {"id": "task-1", "state": "PENDING", "info": null}\n\n',
        b'event: PROGRESS\nid: 2\ndata: {"id": "task-1", "state": "PROGRESS", "info": {"done": 1}}\n\n',
        b'event: SUCCESS\nid: final\ndata: {"id": "task-1", "state": "SUCCESS", "info": [1, 2]}\n\n',
    ]
    assert (sse.is_over("final"), sse.is_over("2"), sse.is_over(None)) == (True, False, False)


def test_silence_is_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a browser ignores, and a proxy does not."""
    _, comment, _ = sent(monkeypatch, snapshot("PENDING", None), None, snapshot("SUCCESS", 1))
    assert comment.startswith(b":")
    assert comment.endswith(b"\n\n")


def test_an_exception_is_its_type_and_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback only if asked for."""
    failure = snapshot("FAILURE", KeyError("jam"), traceback="File secret.py")
    (chunk,) = sent(monkeypatch, failure)
    assert data_of(chunk)["info"] == {"type": "KeyError", "message": "'jam'"}
    assert b"secret.py" not in chunk
    (chunk,) = sent(monkeypatch, failure, with_traceback=True)
    assert data_of(chunk)["traceback"] == "File secret.py"


def test_a_time_out_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the last event: the browser connects again."""
    assert len(sent(monkeypatch, snapshot("PENDING", None), CeleryTimeoutError())) == 1


def test_what_cannot_be_read_is_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a browser would ask for it again and again."""
    (chunk,) = sent(monkeypatch, DecodeError("damaged"))
    assert chunk.startswith(b"event: UNREADABLE\nid: final\n")
    assert data_of(chunk)["info"] == {"type": "DecodeError", "message": "damaged"}


CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        (datetime(2030, 1, 2, tzinfo=UTC), "2030-01-02T00:00:00+00:00"),
        (b"bytes", "bytes"),
        ({1}, [1]),
        ([ValueError("x")], [{"type": "ValueError", "message": "x"}]),
        ({"share": float("nan"), "most": [float("inf"), 0.5]}, {"share": None, "most": [None, 0.5]}),
        ("line\nbreak", "line\nbreak"),
        ({(1, 2): "x"}, "{(1, 2): 'x'}"),
        (CIRCULAR, "[[...]]"),
        (Odd(), {"type": "Odd", "message": "<Odd>"}),
        ({"error": Odd()}, {"error": {"type": "Odd", "message": "<Odd>"}}),
        ({(1, 2): Odd()}, "<dict>"),
        ("half a pair: \ud800", "half a pair: \ud800"),
    ],
)
def test_anything_becomes_json(monkeypatch: pytest.MonkeyPatch, info: Any, shown: Any) -> None:
    """What a browser can parse, on one line."""
    (chunk,) = sent(monkeypatch, snapshot("PROGRESS", info))
    assert data_of(chunk)["info"] == shown
    assert chunk.count(b"\n") == 4


def test_a_state_cannot_forge_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task names its states as it likes."""
    (chunk,) = sent(monkeypatch, snapshot("X\ndata: forged", None))
    assert chunk.startswith(b"event: X data: forged\nid: 1\n")
    (chunk,) = sent(monkeypatch, snapshot("X\ud800", None))
    assert chunk.startswith(b"event: X?\nid: 1\n")


def test_a_store_that_is_away_ends_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With an event that says so, and not where the store is: that is for the log. The browser connects again."""
    _, chunk = sent(monkeypatch, snapshot("PENDING", None), StoreUnavailable("redis://db.internal cannot be reached."))
    assert chunk.startswith(b"event: UNAVAILABLE\nid: 2\n")
    assert data_of(chunk)["info"] == {"type": "StoreUnavailable", "message": "The result cannot be read now."}
    assert "db.internal" in caplog.text
    assert "Traceback" not in caplog.text


def test_what_stores_no_result_is_one_final_event(tmp_path: Path) -> None:
    """There is nothing to wait for; a browser that comes back is told so."""
    result = a_result(f"cellar+sqlite:///{tmp_path / 'results.db'}")
    result.ignored = True

    async def main() -> list[bytes]:
        return [chunk async for chunk in sse.events(result)]

    (chunk,) = asyncio.run(main())
    result.backend.store.close()
    assert chunk.startswith(b"event: PENDING\nid: final\n")


@pytest.mark.parametrize("name", ["fastapi", "django"])
def test_what_cannot_be_streamed_is_said_before_there_is_a_response(name: str) -> None:
    """Not after a browser was told that all is well."""
    stream = import_module(f"rootcellar.contrib.{name}").stream
    app = a_result().app
    for given, error in (("x" * 300, InvalidRecord), ("", InvalidRecord), (None, TypeError)):
        with pytest.raises(error):
            stream(given, app=app)
    with pytest.raises(Unsupported, match="watch"):
        stream(GroupResult("group", [a_result()], app=app))
    with pytest.raises(Unsupported, match=r"cellar\+"):
        stream(a_result("cache+memory://"))


@pytest.mark.parametrize(("name", "package"), [("fastapi", "starlette"), ("django", "django")])
def test_a_missing_framework_is_named(monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    """With the line that installs it."""
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"rootcellar.contrib.{name}", raising=False)
    with pytest.raises(MissingPackage, match=rf"pip install 'rootcellar\[{name}\]'"):
        __import__(f"rootcellar.contrib.{name}")
