"""MariaDB."""

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from servers.process import Server, find_program, runs_as_root

_PACKAGE = "mariadb-server-core mariadb-client-core"
_LOGIN = "tests"
_PASSWORD = "pass-of-mariadb"
_GREETING = b"\x0a"  # the version of the protocol, with which a server that is up begins


class MariaDBServer(Server):
    """A MariaDB whose URLs are SQLAlchemy's, with a login that has every right.

    ``durable`` lets each commit reach the disk; otherwise none waits for it, for speed. ``options`` go to ``mariadbd``
    last and prevail: ``["--max-connections=20"]``.
    """

    def __init__(self, directory: Path, *, durable: bool = False, options: Sequence[str] = ()) -> None:
        super().__init__(directory)
        self.durable = durable
        self._options = options
        self._data = directory / "data"
        self._names = 0

    @property
    def url(self) -> str:
        """``mysql+pymysql://LOGIN:PASSWORD@127.0.0.1:PORT/mysql``, the server's own database."""
        return self._url("mysql")

    def _url(self, database: str) -> str:
        return f"mysql+pymysql://{_LOGIN}:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Return the URL of a fresh database."""
        self._names += 1
        name = f"database_{self._names}"
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return self._url(name)

    def execute(self, statement: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, in the server's own database unless ``url`` names another; return its rows, if any."""
        import pymysql

        database = urlsplit(url or self.url).path.removeprefix("/")
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user=_LOGIN,
                password=_PASSWORD,
                database=database,
                charset="utf8mb4",
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _prepare(self) -> None:
        command = [find_program("mariadb-install-db", package=_PACKAGE), "--no-defaults", f"--datadir={self._data}"]
        command += [*_user(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        with (self.directory / "output").open("ab") as output:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{self.output()[-2000:]}")
        (self.directory / "first.sql").write_text(
            f"CREATE OR REPLACE USER '{_LOGIN}'@'%' IDENTIFIED BY '{_PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{_LOGIN}'@'%' WITH GRANT OPTION;\n"
        )

    def _command(self) -> list[str]:
        settings = {
            "datadir": str(self._data),
            "init-file": str(self.directory / "first.sql"),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "socket": str(self.directory / "socket"),
            "pid-file": str(self.directory / "pid"),
            "innodb-buffer-pool-size": "64M",
            "performance-schema": "off",
        }
        if not self.durable:
            settings.update({"innodb-flush-log-at-trx-commit": "0", "innodb-flush-method": "nosync"})
        command = [find_program("mariadbd", "/usr/sbin/mariadbd", package=_PACKAGE), "--no-defaults", *_user()]
        command += ["--skip-name-resolve", "--skip-log-bin", *(f"--{name}={value}" for name, value in settings.items())]
        return [*command, *self._options]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.settimeout(5)
                return connection.recv(5)[4:] == _GREETING
        except OSError:
            return False


def _user() -> list[str]:
    # Unlike the other servers it runs as root if asked to; its own user comes with a package that starts a service.
    return ["--user=root"] if runs_as_root() else []
