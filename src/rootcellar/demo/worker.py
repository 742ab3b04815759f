"""The worker: a real ``celery worker`` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rootcellar.demo.app import ready_file
from rootcellar.demo.environment import worker_environment
from rootcellar.demo.trouble import DemoFailed

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
CONCURRENCY = 2
_LOG_LINES = 40


class WorkerProcess:
    """A Celery worker with a prefork pool. Use it in a ``with``: at the end it is stopped and reaped, come what may.

    It has a session of its own, so that Ctrl-C reaches only us, and we stop it in good order. Its standard input is a
    pipe from us: should we be killed, it ends when the pipe does.
    """

    def __init__(self, directory: Path, store_url: str) -> None:
        self._directory = directory
        self._store_url = store_url
        self._log = directory / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "WorkerProcess":
        command = [sys.executable, "-m", "celery", "-A", "rootcellar.demo.app", "worker"]
        options = ["--pool=prefork", f"--concurrency={CONCURRENCY}", "--loglevel=INFO", "--hostname=demo@localhost"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [*command, *options, *quiet],
                cwd=self._directory,
                env=worker_environment(os.environ, str(self._directory), self._store_url),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until_ready(self) -> float:
        """Block until the worker takes work; return how long that took, in seconds.

        Raises:
            DemoFailed: it ended, or was not ready in time.
        """
        began = time.monotonic()
        while not ready_file(self._directory).exists():
            self.check()
            if time.monotonic() - began > READY_TIMEOUT_S:
                raise DemoFailed(f"The worker was not ready after {READY_TIMEOUT_S:g} s.", self.log_tail())
            time.sleep(0.02)
        return time.monotonic() - began

    def check(self) -> None:
        """Raise :exc:`DemoFailed` if the worker has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise DemoFailed(f"The worker ended with status {self._process.returncode}.", self.log_tail())

    def log_tail(self) -> str:
        """Return the last lines the worker wrote."""
        lines = self._log.read_text("utf-8", "replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-_LOG_LINES:])

    def stop(self) -> None:
        """Ask the worker to end, make it end if it does not, and reap it and its children."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_TIMEOUT_S)
        finally:
            with suppress(ProcessLookupError):  # the pool's processes, and the worker if it is still there
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
