"""`rootcellar demo`, for real: a worker process, real work, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from servers.conditions import wait_until

COMMAND = [sys.executable, "-c", "from rootcellar.cli import main; main()", "demo"]
#: What belongs to another Celery project, and must not reach the demonstration.
FOREIGN = {
    "CELERY_BROKER_URL": "amqp://127.0.0.1:1",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/0",
    "BROKER_URL": "amqp://127.0.0.1:1",
    "CELLAR_STORE_TIMEOUT": "not a number",
}


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Start the demonstration, with a temporary directory of its own: ``start("--json")``."""

    def start_it(*arguments: str) -> "subprocess.Popen[str]":
        (tmp_path / "tmp").mkdir(exist_ok=True)
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, **FOREIGN, "TMPDIR": str(tmp_path / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start_it


def workers_under(directory: Path) -> list[int]:
    """Return the processes that work in a directory."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(directory / "tmp"):
                found.append(process.pid)
    return found


def assert_nothing_is_left(directory: Path) -> None:
    assert list((directory / "tmp").iterdir()) == []
    assert workers_under(directory) == []


def test_it_shows_every_kind_of_work_and_leaves_nothing(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """Status 0, within half a minute; each kind of work is there with its outcome."""
    out, err = start().communicate(timeout=30)
    assert err == ""
    assert out.startswith("This starts a real Celery worker")
    for said in (
        "add(2, 3)",
        "CellarIsDamp: the turnips have gone soft",
        "RETRY",
        "done at try 2",
        "[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]",
        "chord of 5",
        "PROGRESS",
        "6 rows dug",
        "1,000,000 characters",
        "21 records (1 FAILURE, 20 SUCCESS)",
        "bytes on disk",
    ):
        assert said in out
    assert_nothing_is_left(tmp_path)


def test_it_keeps_the_store_where_told(start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    """--json reports what was done; the store stays and holds it; a second run does not touch it."""
    process = start("--json", "--keep", "kept")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    report = json.loads(out)
    assert report["ok"] is True
    assert {"SUCCESS", "FAILURE"} == {call["state"] for call in report["calls"]}
    assert [call["states_seen"][-1] for call in report["calls"] if call["kind"] == "retry"] == ["SUCCESS"]
    assert f"cellar+sqlite:///{tmp_path / 'kept' / 'results.db'}" == report["store"]["url"]
    assert len(report["store"]["records"]) == 21
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["results.db"]
    assert_nothing_is_left(tmp_path)

    again = start("--keep", "kept")
    _, err = again.communicate(timeout=30)
    assert again.returncode == 2
    assert "already" in err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, number: int, status: int
) -> None:
    """Ctrl-C in the middle, or SIGTERM: the worker is stopped, the directory is gone, no traceback."""
    process = start()
    wait_until(lambda: bool(list((tmp_path / "tmp").glob("*/worker-is-ready"))), "the worker is ready")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (status, "Interrupted.\n" if number == signal.SIGINT else "") == (process.returncode, err)
    assert_nothing_is_left(tmp_path)


def test_killed_it_leaves_no_process(start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    """A demonstration that was killed can tidy nothing up; its worker ends by itself."""
    process = start()
    wait_until(lambda: bool(list((tmp_path / "tmp").glob("*/worker-is-ready"))), "the worker is ready")
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: not workers_under(tmp_path), "the worker has ended")


def test_a_worker_that_dies_is_reported_with_its_log(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """Status 1, and the worker's last words."""
    process = start()
    wait_until(lambda: bool(list((tmp_path / "tmp").glob("*/worker-is-ready"))), "the worker is ready")
    log = next((tmp_path / "tmp").glob("*/worker.log"))
    wait_until(lambda: "demo@localhost ready" in log.read_text(), "it has said so")
    worker = psutil.Process(process.pid).children()[0]
    worker.kill()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "The worker ended with status -9" in err
    assert "demo@localhost ready" in err
    assert "Traceback" not in err
    assert_nothing_is_left(tmp_path)
