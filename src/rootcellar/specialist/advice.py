"""Advice: what to do about an error, whoever raised it: rootcellar, Celery or a driver."""

import re

from rootcellar.errors import RootcellarError

# What drivers say, in their own words → what to do. The first that fits.
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"no module named|not installed|install .* library|need to install|MissingDriver|NoSuchModule",
        "Install the package that talks to this server, for example pip install 'celery[redis]', "
        "'celery[sqlalchemy]' psycopg, or 'celery[mongodb]'.",
    ),
    (
        r"password|authentication|NOAUTH|WRONGPASS|NOPERM|access denied|role .* does not exist|not authorized",
        "Check user and password in result_backend; characters such as @ : / # in them must be percent-encoded.",
    ),
    (
        r"name or service not known|nodename nor servname|name resolution|getaddrinfo|could not translate host",
        "Check the host name in result_backend.",
    ),
    (
        r"refused|unreachable|no route|timed? ?out|timeout|could not connect|connecting to|server selection",
        "Check host and port in result_backend, that the server is up, and that no firewall is in between.",
    ),
    (r"database .* does not exist|unknown database", "Create the database, or name another one in result_backend."),
    (
        r"certificate|ssl|tls",
        "Check the TLS options of result_backend and which authority the server's certificate has.",
    ),
    (r"permission denied|read-?only|privilege", "Give the login the right to create and write here."),
    (r"unable to open database file", "The file's directory must exist and be writable by this user."),
    (r"not a database|malformed", "Name another file in result_backend, or move this one away."),
    (r"no such table|relation .* does not exist", "Make the tables, or let Celery: database_create_tables_at_setup."),
    (
        r"unknown result backend|invalid port|port could not be cast|port out of range|could not parse|parse .*url",
        "Write result_backend as ENGINE://user:password@host:port/name, for example redis://localhost:6379/0; "
        "characters such as @ : / # in a user name or password must be percent-encoded.",
    ),
    (
        r"too large|too long|exceeds|max_allowed_packet",
        "The server limits the size of a value: raise its limit, or return references to large results.",
    ),
)


def advice_on(exc: BaseException) -> str:
    """Return what to do about ``exc``; empty for rootcellar's own errors, whose messages say it themselves.

    >>> advice_on(ConnectionRefusedError("Connection refused"))
    'Check host and port in result_backend, that the server is up, and that no firewall is in between.'
    """
    if isinstance(exc, RootcellarError):
        return ""
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return (
            f"Install the Python package that provides {exc.name!r}; Celery's extras name those it knows "
            "(pip install 'celery[redis]', 'celery[sqlalchemy]', 'celery[mongodb]' …)."
        )
    text = f"{type(exc).__name__}: {exc}"
    for pattern, advice in _ADVICE:
        if re.search(pattern, text, re.IGNORECASE):
            return advice
    return "Look for the message in the server's log and in its driver's documentation."
