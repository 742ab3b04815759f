"""Server-sent events: what a snapshot looks like on the wire."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest
from celery.exceptions import TimeoutError as CeleryTimeoutError

from rootcellar import aio
from rootcellar.aio import Snapshot
from rootcellar.contrib import sse
from rootcellar.errors import DecodeError, MissingPackage


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
        return [chunk async for chunk in sse.events("task-1", **options)]

    monkeypatch.setattr(aio, "follow", follow)
    return asyncio.run(main())


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


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        (datetime(2030, 1, 2, tzinfo=UTC), "2030-01-02T00:00:00+00:00"),
        (b"bytes", "bytes"),
        ({1}, [1]),
        ([ValueError("x")], [{"type": "ValueError", "message": "x"}]),
        ({"share": float("nan"), "most": [float("inf"), 0.5]}, {"share": None, "most": [None, 0.5]}),
        ("line\nbreak", "line\nbreak"),
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


@pytest.mark.parametrize(("name", "package"), [("fastapi", "starlette"), ("django", "django")])
def test_a_missing_framework_is_named(monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    """With the line that installs it."""
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"rootcellar.contrib.{name}", raising=False)
    with pytest.raises(MissingPackage, match=rf"pip install 'rootcellar\[{name}\]'"):
        __import__(f"rootcellar.contrib.{name}")
