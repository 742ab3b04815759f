"""RabbitMQ, as a broker that loses no message when a worker is killed."""

import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from servers.process import Server, find_program, free_port, hand_over, unprivileged

SYSTEM_USER = "rabbitmq"
_PACKAGE = "rabbitmq-server"


class RabbitMQServer(Server):
    """A RabbitMQ node with a port mapper (epmd) of its own. It keeps nothing that the tests need after a restart."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._distribution_port = free_port()
        self._mapper_port = free_port()

    @property
    def url(self) -> str:
        """``amqp://guest:guest@127.0.0.1:PORT//``."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def _prepare(self) -> None:
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users = none\nlog.file = false\nlog.console = true\n"
        )
        (self.directory / "enabled_plugins").write_text("[].\n")
        for name in ("mnesia", "log", "generated"):
            (self.directory / name).mkdir(exist_ok=True)
        hand_over(self.directory, SYSTEM_USER)

    def _command(self) -> list[str]:
        # The wrapper in /usr/sbin drops the environment.
        program = find_program("rabbitmq-server-itself", "/usr/lib/rabbitmq/bin/rabbitmq-server", package=_PACKAGE)
        return [
            *unprivileged(SYSTEM_USER),
            "env",
            *(f"{name}={value}" for name, value in self._environment().items()),
            program,
        ]

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(here),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tests_{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(here / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
        }

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain:
                plain.settimeout(5)
                plain.sendall(b"AMQP\x00\x00\x09\x01")  # the protocol's header; a node that is up begins to talk
                return len(plain.recv(8)) > 0
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the node, and then its port mapper, which outlives it."""
        super().stop()
        self._stop_mapper()

    def kill(self) -> None:
        """Kill the node; its port mapper does not belong to its processes."""
        super().kill()
        self._stop_mapper()

    def _stop_mapper(self) -> None:
        with suppress(FileNotFoundError):
            subprocess.run(
                ["epmd", "-kill"],
                env={**os.environ, "ERL_EPMD_PORT": str(self._mapper_port)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
