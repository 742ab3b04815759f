"""PgBouncer."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from servers.postgresql import SYSTEM_USER, PostgreSQLServer
from servers.process import Server, find_program, hand_over, unprivileged


class PgBouncerServer(Server):
    """A PgBouncer before a PostgreSQL: all its databases and logins, by another port.

    ``settings`` go into ``pgbouncer.ini`` and prevail, by name.
    """

    def __init__(
        self,
        directory: Path,
        postgresql: PostgreSQLServer,
        *,
        pool_mode: str = "transaction",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory)
        self.postgresql = postgresql
        self._settings = {"pool_mode": pool_mode, "default_pool_size": "2", **(settings or {})}

    @property
    def url(self) -> str:
        """The database ``postgres`` as the superuser ``postgres``."""
        return self.through(self.postgresql.url)

    def through(self, url: str) -> str:
        """Return the URL of the same database, for the same login, by way of PgBouncer."""
        return url.replace(f"127.0.0.1:{self.postgresql.port}", f"127.0.0.1:{self.port}")

    def _prepare(self) -> None:
        superuser = urlsplit(self.postgresql.url)
        (self.directory / "logins").write_text(f'"{superuser.username}" "{superuser.password}"\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "pidfile": str(self.directory / "pid"),
            "auth_type": "scram-sha-256",
            "auth_file": str(self.directory / "logins"),
            # The other logins' passwords are known to PostgreSQL only.
            "auth_user": str(superuser.username),
            **self._settings,
        }
        lines = ["[databases]", f"* = host=127.0.0.1 port={self.postgresql.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (self.directory / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        hand_over(self.directory, SYSTEM_USER)

    def _command(self) -> list[str]:
        program = find_program("pgbouncer", "/usr/sbin/pgbouncer", package="pgbouncer")
        return [*unprivileged(SYSTEM_USER), program, str(self.directory / "pgbouncer.ini")]

    def _is_ready(self) -> bool:
        import psycopg

        # A login it knows itself: about another it asks PostgreSQL.
        state = psycopg.pq.PGconn.ping(f"host=127.0.0.1 port={self.port} dbname=postgres user=postgres".encode())
        return state == psycopg.pq.Ping.OK
