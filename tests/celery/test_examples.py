"""The examples, as their READMEs run them: a worker, an ASGI server, a browser's requests."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from servers import free_port, wait_until

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")

EXAMPLES = Path(__file__).parents[2] / "examples"
#: folder → what its ASGI application is called, what it needs
APPLICATIONS = {"fastapi": ("main:app", "fastapi"), "django_async": ("project:app", "django")}


class Program:
    """A process whose output goes to a file, ended together with its children."""

    def __init__(self, command: Sequence[str], folder: Path, data: Path, name: str, **variables: str) -> None:
        self._log = data / f"{name}.log"
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CELERY_", "CELLAR_", "DJANGO_", "BROKER_"))
        }
        environment |= {
            "EXAMPLE_DATA": str(data),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "error::RuntimeWarning",
            **variables,
        }
        paths = [str(folder), str(Path(__file__).parent), environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
            )

    def wait_for(self, text: str) -> None:
        wait_until(lambda: self._process.poll() is not None or text in self.log(), f"it says {text!r}", timeout_s=60)
        assert self._process.poll() is None, self.log()

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            for one in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        self._process.wait()


class Running:
    """An example that runs: where, and what it prints."""

    def __init__(self, url: str, server: Program) -> None:
        self.url = url
        self.server = server


@pytest.fixture(scope="module", params=APPLICATIONS)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Each example in turn, with data of its own."""
    application, package = APPLICATIONS[request.param]
    pytest.importorskip(package)
    folder, data, port = EXAMPLES / request.param, tmp_path_factory.mktemp("example"), free_port()
    worker = Program(["celery", "-A", "tasks", "worker", "-c", "2", "-l", "INFO"], folder, data, "worker")
    command = ["uvicorn", "example_probe:application", "--port", str(port)]
    server = Program(command, folder, data, "server", EXAMPLE_APPLICATION=application)
    try:
        worker.wait_for(" ready.")
        server.wait_for("Uvicorn running")
        yield Running(f"http://127.0.0.1:{port}", server)
    finally:
        worker.stop()
        server.stop()


def events_of(text: str) -> list[tuple[str, str, Any]]:
    """Return ``(name, id, data)`` of each event of a stream."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def start(example: Running, **parameters: Any) -> str:
    task_id: str = httpx.post(f"{example.url}/counts", params=parameters, timeout=60).json()["id"]
    return task_id


def test_a_task_is_started_and_awaited(example: Running) -> None:
    """The request lasts as long as the task."""
    task_id = start(example, to=2, pause_s=0.05)
    assert httpx.get(f"{example.url}/counts/{task_id}", timeout=60).json() == {"counted": 2}


def test_a_tasks_progress_is_streamed(example: Running) -> None:
    """From its first state to its last, which ends the stream; a browser that comes back is told that it is over."""
    task_id = start(example, to=3, pause_s=0.2)
    url = f"{example.url}/counts/{task_id}/events"
    with httpx.stream("GET", url, timeout=60) as response:
        assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        events = events_of("".join(response.iter_text()))
    states = [name for name, _, _ in events]
    assert states[-1] == "SUCCESS"
    assert "PROGRESS" in states
    assert [data["info"]["done"] for name, _, data in events if name == "PROGRESS"] == [1, 2, 3][
        -states.count("PROGRESS") :
    ]
    assert events[-1][1:] == ("final", {"id": task_id, "state": "SUCCESS", "info": 3})
    assert httpx.get(url, headers={"Last-Event-ID": "final"}, timeout=60).status_code == 204


def test_a_failure_is_told_without_its_traceback(example: Running) -> None:
    """In the stream, and as an answer's status."""
    task_id = start(example, to=0)
    told = httpx.get(f"{example.url}/counts/{task_id}/events", timeout=60).text
    assert events_of(told)[-1][2]["info"] == {"type": "ValueError", "message": "there is nothing to count"}
    assert "Traceback" not in told
    answer = httpx.get(f"{example.url}/counts/{task_id}", timeout=60)
    assert (answer.status_code, answer.json()) == (422, {"detail": "there is nothing to count"})


def test_a_browser_that_goes_away_is_let_go(example: Running) -> None:
    """In the middle of the stream; the server goes on, and says nothing of it."""
    task_id = start(example, to=2, pause_s=0.5)
    for _ in range(3):
        with httpx.stream("GET", f"{example.url}/counts/{task_id}/events", timeout=60) as response:
            next(response.iter_bytes())
    assert httpx.get(f"{example.url}/counts/{task_id}", timeout=60).json() == {"counted": 2}
    assert httpx.get(example.url, timeout=60).text.startswith("<!doctype html>")
    assert "Traceback" not in example.server.log()


def test_nothing_waits_for_a_browser_that_went_away(example: Running) -> None:
    """However long the task goes on; this one never ends."""

    def waited() -> int:
        return int(httpx.get(f"{example.url}/waited", timeout=60).text)

    wait_until(lambda: waited() == 0, "nothing is left of the tests before")
    with httpx.stream("GET", f"{example.url}/counts/{uuid.uuid4()}/events", timeout=60) as response:
        chunks = response.iter_bytes()  # which hangs up when it is collected
        assert b"PENDING" in next(chunks)
        wait_until(lambda: waited() == 1, "the hub waits for it")
    wait_until(lambda: waited() == 0, "the hub has been told")
    assert "Traceback" not in example.server.log()
