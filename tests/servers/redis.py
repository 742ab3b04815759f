"""Redis."""

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from servers.process import Server, find_program
from servers.tls import TLSFiles


class RedisServer(Server):
    """A Redis without persistence.

    With ``tls`` it listens for TLS only, and with ``client_certificates`` refuses clients that show none. ``options``
    go to ``redis-server`` last and prevail: ``["--maxmemory", "8mb", "--appendonly", "yes"]``, or for a login beside
    the default one ``["--user", "alice", "on", ">secret", "~*", "&*", "+@all"]``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        password: str | None = None,
        tls: TLSFiles | None = None,
        client_certificates: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(directory)
        self.password = password
        self.tls = tls
        self._client_certificates = client_certificates
        self._options = options

    @property
    def url(self) -> str:
        """``redis://[:password@]127.0.0.1:PORT/0``; ``rediss`` with TLS, without saying which authority to trust."""
        login = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis{'s' if self.tls else ''}://{login}127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        program = find_program("redis-server", package="redis-server")
        command = [program, "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", "", "--appendonly", "no"]
        if self.tls:
            command += ["--port", "0", "--tls-port", str(self.port), "--tls-ca-cert-file", str(self.tls.ca)]
            command += ["--tls-cert-file", str(self.tls.certificate), "--tls-key-file", str(self.tls.key)]
            command += ["--tls-auth-clients", "yes" if self._client_certificates else "no"]
        else:
            command += ["--port", str(self.port)]
        if self.password:
            command += ["--requirepass", self.password]
        return [*command, *self._options]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain:
                if self.tls is None:
                    return answers(plain)
                context = ssl.create_default_context(cafile=str(self.tls.ca))
                context.load_cert_chain(self.tls.client_certificate, self.tls.client_key)
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    return answers(secure)
        except OSError:
            return False


def answers(connection: socket.socket) -> bool:
    """Whether a Redis or a sentinel talks on this connection, be it only to ask for a password."""
    connection.sendall(b"PING\r\n")
    return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
