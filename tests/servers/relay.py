"""A relay between a client and a server that counts the round trips between them."""

import selectors
import socket
import threading
from contextlib import suppress


class Relay:
    """Passes bytes on to ``127.0.0.1:port``, and counts each time a client speaks after the server has.

    That is what a round trip is: however many commands or packets a client sends at once, it waits for the server
    once. Use it as a context manager; :attr:`port` is where clients connect.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.round_trips = 0
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._partners: dict[socket.socket, socket.socket] = {}
        self._clients: dict[socket.socket, bool] = {}  # whether the client spoke last
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def __enter__(self) -> "Relay":
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stop_reader, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_writer.send(b"\0")
        self._thread.join()
        for one in (*self._partners, self._listener, self._stop_reader, self._stop_writer):
            one.close()
        self._selector.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is self._stop_reader:
                    return
                if ready is self._listener:
                    self._accept()
                elif ready in self._partners:
                    self._pass_on(ready)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        self._partners.update({client: server, server: client})
        self._clients[client] = False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket) -> None:
        target = self._partners[source]
        try:
            data = source.recv(1 << 16)
            if data:
                self._note(source, target)
                target.sendall(data)
        except OSError:
            data = b""
        if not data:
            for one in (source, target):
                self._selector.unregister(one)
                self._partners.pop(one, None)
                self._clients.pop(one, None)
                with suppress(OSError):
                    one.close()

    def _note(self, source: socket.socket, target: socket.socket) -> None:
        if source in self._clients:
            if not self._clients[source]:
                self.round_trips += 1
            self._clients[source] = True
        else:
            self._clients[target] = False
