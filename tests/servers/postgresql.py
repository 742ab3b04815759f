"""PostgreSQL."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from servers.process import Server, find_program, hand_over, unprivileged

#: Whom PostgreSQL runs as where the tests run as root, which it refuses.
SYSTEM_USER = "postgres"

_PASSWORD = "pass-of-postgres"


class PostgreSQLServer(Server):
    """A PostgreSQL that asks for a password (scram) over TCP.

    ``durable`` leaves ``fsync``, ``synchronous_commit`` and ``full_page_writes`` on; otherwise they are off, for speed.
    ``options`` go to ``postgres`` last and prevail: ``["-c", "max_connections=20"]``.
    The directory must be one that the user ``postgres`` can reach, where the tests run as root.
    """

    def __init__(self, directory: Path, *, durable: bool = False, options: Sequence[str] = ()) -> None:
        super().__init__(directory)
        self.durable = durable
        self._options = options
        self._data = directory / "data"
        self._names = 0

    @property
    def url(self) -> str:
        """The database ``postgres`` as the superuser ``postgres``."""
        return self._url("postgres")

    def _url(self, database: str, login: str = "postgres", password: str = _PASSWORD) -> str:
        return f"postgresql://{login}:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, owner: str | None = None) -> str:
        """Return the URL of a fresh database, as the superuser."""
        name = self._fresh_name("database")
        self.execute(f'CREATE DATABASE "{name}"' + (f' OWNER "{owner}"' if owner else ""))
        return self._url(name)

    def create_plain_login(self) -> str:
        """Return the URL of a fresh database that belongs to a fresh login with no rights beyond it."""
        login, password = self._fresh_name("login"), secrets.token_hex(8)
        self.execute(f"CREATE ROLE \"{login}\" LOGIN PASSWORD '{password}'")
        database = self.create_database(owner=login).rpartition("/")[2]
        self.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        return self._url(database, login, password)

    def superuser_url(self, url: str) -> str:
        """Return the URL of the same database as the superuser."""
        return self._url(url.partition("?")[0].rpartition("/")[2])

    def execute(self, statement: str, url: str | None = None) -> list[Any]:
        """Run one statement, as the superuser unless ``url`` says otherwise; return its rows, if it has any."""
        import psycopg

        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def kill_backends(self) -> None:
        """Kill all processes that serve a client. The postmaster then ends the others too, and recovers."""
        for process in self._tree()[1:]:
            with suppress(psutil.NoSuchProcess):
                if _serves_a_client(process):
                    process.kill()

    def _fresh_name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._names}"

    def _prepare(self) -> None:
        passwords = self.directory / "password"
        passwords.write_text(_PASSWORD)
        hand_over(self.directory, SYSTEM_USER)
        initdb = [_program("initdb"), "-D", str(self._data), "-U", "postgres", f"--pwfile={passwords}"]
        initdb += ["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"]
        initdb += ["--no-sync", "--no-instructions"]
        with (self.directory / "output").open("ab") as output:
            done = subprocess.run(
                [*_launcher(), *initdb], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory
            )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{self.output()[-2000:]}")

    def _command(self) -> list[str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            "max_connections": "100",
            "shared_buffers": "32MB",
        }
        if sys.platform == "linux" and int((self._data / "PG_VERSION").read_text()) >= 14:
            # After a kill it makes sure that all its files are on the disk: at once, not one after another, which takes
            # a second or two, and half a minute where the disk is busy.
            settings["recovery_init_sync_method"] = "syncfs"
        if not self.durable:
            settings.update(fsync="off", synchronous_commit="off", full_page_writes="off")
        command = [*_launcher(), _program("postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return [*command, *self._options]

    def _is_ready(self) -> bool:
        import psycopg

        state = psycopg.pq.PGconn.ping(f"host=127.0.0.1 port={self.port} dbname=postgres".encode())
        return state == psycopg.pq.Ping.OK

    def _signal_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)  # "fast": end the sessions, then a clean shutdown


def _serves_a_client(process: psutil.Process) -> bool:
    # PostgreSQL writes what each process does over its command line: "postgres: LOGIN DATABASE HOST(PORT) idle"
    return "127.0.0.1(" in " ".join(process.cmdline()) or "[local]" in " ".join(process.cmdline())


def _program(name: str) -> str:
    return find_program(name, f"/usr/lib/postgresql/*/bin/{name}", f"/usr/pgsql-*/bin/{name}", package="postgresql")


def _launcher() -> list[str]:
    # Settings of the person who runs the tests must not reach the server.
    return [*unprivileged(SYSTEM_USER), "env", *(f"-u{name}" for name in os.environ if name.startswith("PG"))]
