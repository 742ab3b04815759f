"""One PostgreSQL connection that runs prepared statements over libpq.

psycopg's cursors spend 10 to 25 µs a statement in Python, a quarter of what a get costs on a local server and more;
the figures are in docs/decisions/0004-libpq.md. This speaks to psycopg's public low-level interface (``psycopg.pq``)
instead: binary results, decoded here for the few types our statements return, and a wait that a time-out, a signal or
a greenlet can interrupt. Everything that is not hot goes through :attr:`Session.connection`, psycopg's ordinary object.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import pq

from rootcellar.stores.waker import reader, wait_for

Parameter = str | bytes | int | float | None
Row = tuple[Any, ...]

_BINARY = pq.Format.BINARY
_TEXT = pq.Format.TEXT
_RESULTS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def _to_int(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


# A timestamptz travels as microseconds since 2000-01-01 UTC; we keep seconds since 1970.
_EPOCH_2000_S = 946_684_800


def _to_epoch_s(data: bytes) -> float:
    return int.from_bytes(data, "big", signed=True) / 1_000_000 + _EPOCH_2000_S


# By type OID: bool, bytea, int8, int4, text, timestamptz (pg_type.dat); what is missing is read as text.
_DECODERS: Mapping[int, Callable[[bytes], Any]] = {
    16: lambda data: data == b"\x01",
    17: bytes,
    20: _to_int,
    23: _to_int,
    25: bytes.decode,
    1184: _to_epoch_s,
}


class ConnectionLost(psycopg.OperationalError):
    """The server went away, or told us to."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StatementTimeout(psycopg.OperationalError):
    """The server did not answer in time; the connection is out of step and must be closed."""


class Session:
    """A connection in autocommit, and the statements prepared on it."""

    def __init__(self, connection: psycopg.Connection[Any], timeout_s: float) -> None:
        self.connection = connection
        self.opened_at = time.monotonic()
        self._pgconn = connection.pgconn
        self._timeout_s = timeout_s
        self._wait = reader(connection.pgconn.socket)
        self._prepared: dict[str, tuple[bytes, tuple[Callable[[bytes], Any], ...]]] = {}
        self._names = itertools.count()
        #: whether the connection was found lost, or out of step
        self.is_broken = False

    def close(self) -> None:
        self.connection.close()

    @property
    def fileno(self) -> int:
        """The socket."""
        return self._pgconn.socket

    def run(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """Run one statement (parameters ``$1`` …), preparing it the first time; return its rows.

        Raises:
            ConnectionLost: the connection is gone.
            StatementTimeout: no answer in the time allowed.
            psycopg.Error: what the server answered.
        """
        values: list[bytes | None] = []
        formats: list[int] = []
        for parameter in parameters:
            if parameter is None:
                values.append(None)
                formats.append(_TEXT)
            elif type(parameter) is bytes:
                values.append(parameter)
                formats.append(_BINARY)
            else:
                values.append(str(parameter).encode())
                formats.append(_TEXT)
        with self._noting_breakage():
            name, decoders = self._prepared.get(sql) or self._prepare(sql)
            self._pgconn.send_query_prepared(name, values, formats, _BINARY)
            result = self._result()
        return _rows(self._checked(result), decoders)

    def read(self) -> None:
        """Take in what the server has sent unasked; call it when :attr:`fileno` is readable."""
        with self._noting_breakage():
            self._pgconn.consume_input()

    def notified(self) -> list[str]:
        """Return the payloads of the notifications taken in so far."""
        payloads = []
        while (notice := self._pgconn.notifies()) is not None:
            payloads.append(notice.extra.decode())
        return payloads

    def _prepare(self, sql: str) -> tuple[bytes, tuple[Callable[[bytes], Any], ...]]:
        name = b"rootcellar_%d" % next(self._names)
        self._pgconn.send_prepare(name, sql.encode())
        self._checked(self._result())
        self._pgconn.send_describe_prepared(name)
        described = self._checked(self._result())
        decoders = tuple(_DECODERS.get(described.ftype(i), bytes.decode) for i in range(described.nfields))
        self._prepared[sql] = (name, decoders)
        return self._prepared[sql]

    def _result(self) -> pq.abc.PGresult:
        """Send what is left to send, wait for the answer, and take it."""
        pgconn = self._pgconn
        deadline = time.monotonic() + self._timeout_s
        while pgconn.flush():  # a payload larger than the socket's buffer
            wait_for((pgconn.socket,), deadline - time.monotonic(), writable=True)
            pgconn.consume_input()
            self._mind(deadline)
        result = None
        while (part := self._part(deadline)) is not None:
            result = part
        if result is None:
            raise ConnectionLost("the server closed the connection")
        return result

    def _part(self, deadline: float) -> pq.abc.PGresult | None:
        """Return the next result of the answer, ``None`` behind the last; libpq's own call would wait for ever."""
        while self._pgconn.is_busy():
            if not self._wait(max(0.0, deadline - time.monotonic())):
                self._mind(deadline)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _mind(self, deadline: float) -> None:
        if time.monotonic() >= deadline:
            raise StatementTimeout(f"no answer in {self._timeout_s:g} s")

    def _checked(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status not in _RESULTS:
            error = _error(result)
            self.is_broken |= isinstance(error, ConnectionLost)
            raise error
        return result

    @contextmanager
    def _noting_breakage(self) -> Iterator[None]:
        try:
            yield
        except (ConnectionLost, StatementTimeout):
            self.is_broken = True
            raise
        except psycopg.OperationalError as exc:
            self.is_broken = True
            raise ConnectionLost(str(exc), exc.sqlstate) from exc


def _rows(result: pq.abc.PGresult, decoders: tuple[Callable[[bytes], Any], ...]) -> list[Row]:
    value = result.get_value
    columns = tuple(enumerate(decoders))
    return [
        tuple([None if (data := value(row, i)) is None else decode(data) for i, decode in columns])
        for row in range(result.ntuples)
    ]


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
    # 57P0x: the server is shutting down, has crashed, or is not up yet; 08: connection exceptions
    # (https://www.postgresql.org/docs/current/errcodes-appendix.html). None at all: libpq says so itself, having found
    # the connection broken.
    # 25006: the server has become a standby, and takes no writes; a new connection may find the primary.
    if not code or code.startswith(("57P0", "08", "25006")):
        return ConnectionLost(message or result.error_message.decode("utf-8", "replace"), code or None)
    try:
        kind = psycopg.errors.lookup(code)
    except KeyError:
        kind = psycopg.DatabaseError
    return kind(message)


def text_array(values: Sequence[str]) -> str:
    """Return ``values`` as a literal of type ``text[]``.

    >>> text_array(['a', 'b"c', 'd' + chr(92)])
    '{"a","b\\\\"c","d\\\\\\\\"}'
    """
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"
