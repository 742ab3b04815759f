"""A real Celery worker in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from celery import Celery
from cellar_tasks import CONFIG_VARIABLE

from servers import wait_until

_HERE = Path(__file__).parent
#: what of a client's configuration its worker shares
_SHARED = ("broker_url", "task_default_queue", "result_backend", "result_extended")


class Worker:
    """A prefork worker with two processes, on the queue that ``config`` names."""

    def __init__(self, config: Mapping[str, Any], directory: Path) -> None:
        self.config = config
        self.name = f"{config['task_default_queue']}@tests"
        self._log = directory / f"{config['task_default_queue']}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it takes tasks."""
        command = [sys.executable, "-m", "celery", "-A", "cellar_tasks", "worker", "-c", "2", "--pool", "prefork"]
        command += ["--hostname", self.name, "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        paths = os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, CONFIG_VARIABLE: json.dumps(self.config), "PYTHONPATH": paths}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self._log.parent
            )
        process = self._process
        wait_until(lambda: process.poll() is not None or " ready." in self.log(), f"{self.name} is ready")
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} ended at once:\n{self.log()}")

    def stop(self) -> None:
        """End it and its children at once: nobody needs what they are doing."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            for one in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        self._process.wait()
        self._process = None

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text("utf-8", "replace")


@contextmanager
def worker_of(app: Celery, directory: Path) -> Iterator[Worker]:
    """Run a worker with the configuration of ``app``."""
    worker = Worker({name: app.conf[name] for name in _SHARED}, directory)
    try:
        worker.start()
        yield worker
    finally:
        worker.stop()
