"""A real Celery worker in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from celery import Celery
from cellar_tasks import CONFIG_VARIABLE

from servers import wait_until

_HERE = Path(__file__).parent
#: Celery's own format, and the logger's name.
_LOG_FORMAT = "[%(asctime)s: %(levelname)s/%(processName)s] %(name)s: %(message)s"
_LOG_ENTRY = re.compile(r"^(?=\[\d{4}-\d\d-\d\d )", re.MULTILINE)
_HARMLESS = re.compile(r"\[[^]]*: (DEBUG|INFO)/")
_OURS = re.compile(r"\] rootcellar\b|[/\\]rootcellar[/\\]\w+(?:[/\\]\w+)*\.py")


class Worker:
    """A worker on the queue that ``config`` names, in a pool of any kind.

    It keeps its queue, its name and its log when it is started again after :meth:`stop` or :meth:`kill`.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        directory: Path,
        *,
        pool: str = "prefork",
        concurrency: int = 2,
        name: str | None = None,
        options: Sequence[str] = (),
        is_quiet: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``options`` are for the command line; ``name`` tells workers of one queue apart; ``is_quiet``: no banner."""
        self.config = {"worker_log_format": _LOG_FORMAT, **config}
        self.name = f"{name or config['task_default_queue']}@tests"
        self._pool = pool
        self._concurrency = concurrency
        self._options = options
        self._is_quiet = is_quiet
        self._environment = environment or {}
        self._log = directory / f"{name or config['task_default_queue']}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it takes tasks."""
        # By way of `-m celery`, and with the pool on the command line: so Celery patches for greenlets before all else.
        command = [sys.executable, "-m", "celery", "-A", "cellar_tasks", *["--quiet"] * self._is_quiet]
        command += [
            "worker",
            "--pool",
            self._pool,
            "-c",
            str(self._concurrency),
            "--hostname",
            self.name,
            "--loglevel",
            "INFO",
        ]
        command += ["--without-gossip", "--without-mingle", *self._options]
        paths = os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, CONFIG_VARIABLE: json.dumps(self.config), "PYTHONPATH": paths, **self._environment}
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self._log.parent
            )
        process = self._process
        wait_until(lambda: process.poll() is not None or " ready." in self.log(before), f"{self.name} is ready")
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} ended at once:\n{self.log()}")

    def kill(self) -> None:
        """Kill it and its children at once, as a power cut would; what they were doing is not acknowledged."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            parent.suspend()  # so that it replaces no child
            for one in (*parent.children(recursive=True), parent):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        self._process.wait()
        self._process = None

    #: nobody needs what it is doing
    stop = kill

    def kill_child(self, pid: int | None = None) -> int:
        """Kill one process of a prefork pool, this one or any; return its id. The worker starts another."""
        assert self._process is not None
        children = {child.pid: child for child in psutil.Process(self._process.pid).children()}
        child = children[pid] if pid is not None else next(iter(children.values()))
        child.kill()
        return child.pid

    @property
    def pid(self) -> int:
        """The worker's process, the children's parent."""
        assert self._process is not None
        return self._process.pid

    def log(self, start: int = 0) -> str:
        """Return what it has printed, from a position on."""
        with self._log.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    def count(self, task_id: str, what: str) -> int:
        """Return how often a task was ``received``, ``succeeded`` and so on, according to the log."""
        return len(re.findall(rf"\[{re.escape(task_id)}\] {what}", self.log()))

    def complaints(self) -> list[str]:
        """Return the warnings, errors and tracebacks in the log that come from us, or go through us."""
        entries = _LOG_ENTRY.split(self.log())
        return [entry for entry in entries if not _HARMLESS.match(entry) and _OURS.search(entry)]


@contextmanager
def worker_of(app: Celery, directory: Path, **how: Any) -> Iterator[Worker]:
    """Run a worker with the configuration ``app`` was given; for the rest see :class:`Worker`."""
    worker = Worker(app.given, directory, **how)
    try:
        worker.start()
        yield worker
    finally:
        worker.stop()
