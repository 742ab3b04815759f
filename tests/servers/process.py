"""One server's process: started, stopped, killed, paused, and reaped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from servers.conditions import wait_until

_START_ATTEMPTS = 3


class MissingServer(Exception):
    """The server's program is not installed here."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on, and that nobody else is given while this process lives.

    Between two lives of a server, too: other test runs, and clients' own ends of connections, get other ports.
    """
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    if sys.platform == "linux":
        # A bound socket that never listens keeps the kernel from giving the port away, and this option, which servers
        # set as well, lets one of them bind it all the same. Detached: it is closed when the process ends.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.detach()
    else:
        probe.close()
    return port


def find_program(name: str, *patterns: str, package: str) -> str:
    """Return the path of a program in ``PATH``, or of the newest that matches one of the patterns under ``/``.

    Raises:
        MissingServer: there is none; the message names the package that has it.
    """
    found = shutil.which(name)
    if found is None:
        others = [path for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))]
        if not others:
            raise MissingServer(f"{name} is not installed (Debian and Ubuntu: apt-get install {package})")
        found = str(max(others, key=_version_in))
    return found


def _version_in(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


class Server(ABC):
    """A server on a port of its own, which stays the same for as long as this object lives.

    What it prints goes to the file ``output`` in its directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_before = False

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

    def _prepare(self) -> None:  # noqa: B027
        """Make what the server needs before its first start; nothing, as a rule."""

    @property
    def is_running(self) -> bool:
        """Whether the server's process lives (it may be paused)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return when it answers. After :meth:`stop` or :meth:`kill`: on the same port.

        Raises:
            MissingServer: its program is not installed.
        """
        if self.is_running:
            return
        if not self._started_before:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._prepare()
        for attempt in range(_START_ATTEMPTS):
            with (self.directory / "output").open("ab") as output:
                self._process = subprocess.Popen(
                    self._command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory
                )
            wait_until(lambda: not self.is_running or self._is_ready(), f"{self} starts", timeout_s=90)
            if self.is_running:
                self._started_before = True
                return
            if self._started_before or attempt == _START_ATTEMPTS - 1:
                break
            self.port = free_port()  # somebody else took it between our looking and our starting
        raise RuntimeError(f"{self} did not start:\n{self.output()[-2000:]}")

    def output(self) -> str:
        """Return what the server has printed."""
        return (self.directory / "output").read_text("utf-8", "replace")

    def stop(self) -> None:
        """Stop the server in its own orderly way."""
        if not self.is_running:
            self._reap()
            return
        self.resume()
        self._signal_stop()
        try:
            self._reap(timeout_s=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill every process of the server at once, as a power cut would, and reap it."""
        if self.is_running:
            with suppress(psutil.NoSuchProcess):
                self._tree()[0].suspend()  # so that it makes no more children
            tree = self._tree()
            for process in tree:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._reap()
            wait_until(lambda: all(_is_gone(process) for process in tree), f"{self} is gone")
        self._reap()

    def pause(self) -> None:
        """Stop the server's processes in their tracks (SIGSTOP): connections stay open, and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _tree(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def _reap(self, timeout_s: float | None = None) -> None:
        if self._process is not None:
            self._process.wait(timeout_s)
            self._process = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on port {self.port}>"


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def runs_as_root() -> bool:
    """Whether this is the super-user, whom some servers refuse."""
    return os.geteuid() == 0


def unprivileged(user: str) -> list[str]:
    """Return what to put before a command so that it runs as ``user``; nothing where the tests do not run as root."""
    if not runs_as_root():
        return []
    setpriv = find_program("setpriv", package="util-linux")
    return [setpriv, f"--reuid={user}", f"--regid={user}", "--init-groups"]


def hand_over(directory: Path, user: str) -> None:
    """Give a directory and all in it to ``user``, where the tests run as root."""
    if runs_as_root():
        for path in (directory, *directory.rglob("*")):
            shutil.chown(path, user, user)
