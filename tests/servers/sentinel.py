"""Redis behind Sentinel: a master, its replicas, and the sentinels that watch over them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.conditions import wait_until
from servers.process import Server, find_program
from servers.redis import RedisServer, answers

if TYPE_CHECKING:
    import redis

MASTER_NAME = "mymaster"


class SentinelServers:
    """A master, ``replicas`` and ``sentinels``, a majority of which decides. A fail-over takes them 2 to 3 s.

    ``password`` is asked for by the master and the replicas, not by the sentinels.
    """

    def __init__(self, directory: Path, *, replicas: int = 2, sentinels: int = 3, password: str | None = None) -> None:
        self.directory = directory
        self.master_name = MASTER_NAME
        self.password = password
        self.nodes = [_Node(directory / f"redis-{number}", password) for number in range(1 + replicas)]
        for replica in self.nodes[1:]:
            replica.follows = self.nodes[0].port
        self.sentinels = [
            _Sentinel(directory / f"sentinel-{number}", self.nodes[0], quorum=sentinels // 2 + 1)
            for number in range(sentinels)
        ]

    @classmethod
    def small(cls, directory: Path) -> "SentinelServers":
        """Make a master with one sentinel and no replica: all it takes to connect, and started in no time."""
        return cls(directory, replicas=0, sentinels=1)

    @property
    def url(self) -> str:
        """Celery's form, every sentinel: ``sentinel://[:PASSWORD@]127.0.0.1:PORT/0;sentinel://…``."""
        login = f":{self.password}@" if self.password else ""
        return ";".join(f"sentinel://{login}127.0.0.1:{sentinel.port}/0" for sentinel in self.sentinels)

    def start(self) -> None:
        """Start all that do not run, the nodes as replicas of the present master; return when all know one another.

        Raises:
            MissingServer: redis-server is not installed.
        """
        if any(sentinel.is_running for sentinel in self.sentinels):
            master = self.master()
            for node in self.nodes:
                if not node.is_running:
                    node.follows = None if node is master else master.port
        for server in (*self.nodes, *self.sentinels):
            server.start()
        wait_until(self._is_complete, f"{self} know one another")

    def stop(self) -> None:
        """Stop them all; the sentinels first, so that they take nothing for an outage."""
        for server in (*self.sentinels, *self.nodes):
            server.stop()

    def master(self) -> RedisServer:
        """Return the server that the sentinels name."""
        for sentinel in self.sentinels:
            if sentinel.is_running:
                with sentinel.client() as client:
                    port = int(client.sentinel_get_master_addr_by_name(MASTER_NAME)[1])
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"none of {self} runs")

    def fail_over(self) -> RedisServer:
        """Kill the master and return the replica that has taken its place; :meth:`start` brings the old one back."""
        before = self.master()
        before.kill()
        wait_until(lambda: all(self._sees_new_master(one, before) for one in self.sentinels), f"{self} fail over")
        return self.master()

    def _sees_new_master(self, sentinel: "_Sentinel", before: RedisServer) -> bool:
        with sentinel.client() as client:
            state = client.sentinel_master(MASTER_NAME)
        if int(state["port"]) == before.port:
            return False
        return next(node for node in self.nodes if node.port == int(state["port"])).is_master()

    def _is_complete(self) -> bool:
        return all(sentinel.knows(len(self.nodes) - 1, len(self.sentinels) - 1) for sentinel in self.sentinels)

    def __repr__(self) -> str:
        return f"<SentinelServers on ports {', '.join(str(sentinel.port) for sentinel in self.sentinels)}>"


class _Node(RedisServer):
    """A Redis that is a master, or follows one on another port."""

    def __init__(self, directory: Path, password: str | None) -> None:
        super().__init__(directory, password=password)
        self.follows: int | None = None

    def _command(self) -> list[str]:
        command = [*super()._command(), "--repl-diskless-sync-delay", "0"]
        if self.password:
            command += ["--masterauth", self.password]
        if self.follows:
            command += ["--replicaof", f"127.0.0.1 {self.follows}"]
        return command

    def is_master(self) -> bool:
        """Whether it takes itself for one."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            return bool(client.info("replication")["role"] == "master")


class _Sentinel(Server):
    """One sentinel, which keeps in its file what it has learnt."""

    def __init__(self, directory: Path, master: RedisServer, quorum: int) -> None:
        super().__init__(directory)
        self._master = master
        self._quorum = quorum

    def start(self) -> None:
        """Start it, and let it ask and tell more often than it would, so that it knows the others sooner."""
        if self.is_running:
            return
        super().start()
        with self.client() as client:
            client.execute_command("SENTINEL DEBUG", "info-period", "500", "publish-period", "100")

    @contextmanager
    def client(self) -> "Iterator[redis.Redis]":
        """Give a client of the sentinel, closed afterwards."""
        import redis

        with redis.Redis(host="127.0.0.1", port=self.port) as client:
            yield client

    def knows(self, replicas: int, others: int) -> bool:
        """Whether it sees the master up, that many replicas in step with it, and that many other sentinels."""
        with self.client() as client:
            state = client.sentinel_master(MASTER_NAME)
            found = client.sentinel_slaves(MASTER_NAME)
        in_step = [one for one in found if _is_in_step(one)]
        return bool(
            state["flags"] == "master"
            and len(in_step) == replicas == len(found)
            and int(state["num-other-sentinels"]) == others
        )

    def _prepare(self) -> None:
        # The shortest times that do not end in split votes; the others stay as they come.
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}"]
        lines += [f"sentinel monitor {MASTER_NAME} 127.0.0.1 {self._master.port} {self._quorum}"]
        lines += [f"sentinel down-after-milliseconds {MASTER_NAME} 1000"]
        lines += [f"sentinel failover-timeout {MASTER_NAME} 3000", f"sentinel parallel-syncs {MASTER_NAME} 1"]
        if self._master.password:
            lines += [f'sentinel auth-pass {MASTER_NAME} "{self._master.password}"']
        (self.directory / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def _command(self) -> list[str]:
        program = find_program("redis-server", package="redis-server")
        return [program, str(self.directory / "sentinel.conf"), "--sentinel"]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return answers(connection)
        except OSError:
            return False


def _is_in_step(replica: dict[str, Any]) -> bool:
    return bool(replica["flags"] == "slave" and replica["master-link-status"] == "ok")
