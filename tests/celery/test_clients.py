"""Fifty waits at once in one process, of each kind there is: one notification connection, and nothing left of it."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis
from celery import Celery
from cellar_tasks import CONFIG_VARIABLE, open_gate
from workers import Worker

from servers import wait_until

_HERE = Path(__file__).parent
KINDS = ("threads", "gevent", "eventlet", "asyncio", "fork")


class Server:
    """What an engine's server knows of a process's connections; SQLite has none."""

    def __init__(self, url: str) -> None:
        self._url = url.removeprefix("cellar+")
        self._engine = urlsplit(self._url).scheme

    def connections(self, ports: set[int]) -> int:
        """Return how many connections come from these ports."""
        if self._engine == "redis":
            with redis.Redis.from_url(self._url) as client:
                database = str(client.connection_pool.connection_kwargs["db"])
                return sum(one["db"] == database and _port(one) in ports for one in client.client_list())
        if self._engine == "postgresql":
            return self._ask("SELECT count(*) FROM pg_stat_activity WHERE client_port = ANY(%s)", list(ports))
        return 0

    def listeners(self, ids: list[str], ports: set[int]) -> int | None:
        """Return over how many connections somebody waits for these ids, ``None``: nobody can tell."""
        if self._engine == "redis":
            with redis.Redis.from_url(self._url) as client:
                channels = [f"celery-task-meta-{task_id}" for task_id in ids]
                assert {count for _, count in client.pubsub_numsub(*channels)} <= {0, 1}
                database = str(client.connection_pool.connection_kwargs["db"])
                subscribers = client.client_list(_type="pubsub")
                return sum(one["db"] == database and _port(one) in ports for one in subscribers)
        if self._engine == "postgresql":
            return self._ask("SELECT count(DISTINCT channel) FROM cellar_waiter WHERE id = ANY(%s)", ids)
        return None

    def _ask(self, statement: str, *parameters: Any) -> Any:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchone()[0]


def _port(client: dict[str, str]) -> int:
    return int(client["addr"].rpartition(":")[2])


def _ports(pid: int) -> set[int]:
    process = psutil.Process(pid)
    connections = [one for some in (process, *process.children()) for one in some.net_connections("tcp")]
    return {one.laddr.port for one in connections}


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_waits_take_one_connection(app: Celery, worker: Worker, gate: Path, kind: str) -> None:
    """Each gets its own result; nothing in the process stands still meanwhile, and afterwards nothing is left."""
    server = Server(app.conf.result_backend)
    paths = os.pathsep.join([str(_HERE), str(_HERE.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error::ResourceWarning", str(_HERE / "client_program.py"), kind, str(gate)]
    environment = {**os.environ, CONFIG_VARIABLE: json.dumps(app.given), "PYTHONPATH": paths}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        anti_hang = threading.Timer(100, process.kill)
        anti_hang.start()
        try:
            begun = _said(process)
            processes = 2 if kind == "fork" else 1
            listeners = server.listeners(begun["ids"], _ports(process.pid))
            open_gate(gate)
            values, ended = _said(process), _said(process)
            is_left = server.listeners(begun["ids"], _ports(process.pid))
            connections = _settled(server, process.pid)
        finally:
            process.stdin.close()
            errors = process.stderr.read()
            process.wait()
            anti_hang.cancel()
    assert begun["hubs"] == 1
    assert listeners in (None, processes)
    assert values == {"values": list(range(50))}
    assert (ended["hubs"], ended["waits"], is_left or 0, connections) == (0, 0, 0, 0)
    assert errors == ""


def _said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    line = process.stdout.readline()
    assert line, f"the client ended: {process.stderr.read()}"
    return json.loads(line)


def _settled(server: Server, pid: int) -> int:
    """Return how many connections are left, once the server has noticed those that were closed."""
    wait_until(lambda: server.connections(_ports(pid)) == 0, "the connections are closed")
    return server.connections(_ports(pid))
