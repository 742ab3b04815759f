"""A store's URL: taking it apart, and showing it without its secrets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from rootcellar.errors import ConfigurationError, did_you_mean

PREFIX = "cellar+"

#: URL scheme → engine, for what this version can open.
ENGINES: Mapping[str, str] = {
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "socket": "redis",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
}

#: Schemes that belong to engines rootcellar has not built yet.
PLANNED = frozenset({"sentinel", "redis-cluster", "mysql", "mariadb", "mongodb", "mongodb+srv", "rpc"})

#: Names of options and settings whose values are never shown.
SECRET_NAME = re.compile(r"pass|secret|token|credential|key$", re.IGNORECASE)
_HIDDEN = "***"
_LONG_ENOUGH = 4
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_UNESCAPED = re.compile(r"[@/?#]")
_OPTION = re.compile(r"([?&#])([^=&#]*)=[^&#]*")
_HALF_ESCAPE = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
# Sentinel's URLs stand in a row; a ; elsewhere belongs to a password.
_NEXT_URL = re.compile(r";(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoreURL:
    """A parsed store URL. ``str()`` and ``repr()`` of it never show the password."""

    scheme: str
    engine: str
    host: str | None
    port: int | None
    username: str | None
    password: str | None = field(repr=False)
    #: what follows the host, percent-decoded: ``/0`` of ``redis://h/0``, ``/results.db`` of ``sqlite:///results.db``
    path: str
    options: Mapping[str, str] = field(repr=False)
    #: the URL as it was given, without ``cellar+``; holds the password
    raw: str = field(repr=False)

    def __str__(self) -> str:
        return redact(PREFIX + self.raw)


def parse(url: str) -> StoreURL:
    """Take a store URL apart; a leading ``cellar+`` is accepted and dropped.

    Raises:
        ConfigurationError: not a URL, an unknown scheme (the nearest known one is named), or a port that is none.
    """
    raw = url.removeprefix(PREFIX)
    shown = redact(PREFIX + raw) if "://" in raw else redact(url)
    scheme = raw.partition("://")[0]
    if not _SCHEME.match(raw):
        raise ConfigurationError(
            f"result_backend {shown!r} is not a URL. Write it as {PREFIX}ENGINE://..., for example "
            f"{PREFIX}redis://localhost:6379/0 or {PREFIX}sqlite:///results.db."
        )
    engine = _engine(scheme.lower(), shown)
    try:
        parts = urlsplit("x" + raw[len(scheme) :])
        _check_escapes(raw, parts)
        # Several hosts, as libpq takes them, have a port each: the driver reads those.
        several = "," in parts.netloc.rpartition("@")[2]
        host, port = (None, None) if several else (parts.hostname, parts.port)
        if host:
            host.encode("idna")
    except ValueError as exc:
        raise ConfigurationError(
            f"result_backend {shown!r} cannot be read: {_reason(exc)}. The form is "
            f"{PREFIX}{scheme}://user:password@host:port/name; characters such as @ : / # % in a user name or password "
            "must be percent-encoded (urllib.parse.quote)."
        ) from None
    return StoreURL(
        scheme=scheme.lower(),
        engine=engine,
        host=host,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        path=unquote(parts.path),
        options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        raw=raw,
    )


def _engine(scheme: str, shown: str) -> str:
    if scheme in ENGINES:
        return ENGINES[scheme]
    bare = scheme.removeprefix("db+").partition("+")[0]
    if bare in ENGINES:
        raise ConfigurationError(
            f"result_backend {shown!r} uses SQLAlchemy's spelling {scheme!r}. rootcellar opens {bare!r} with its own "
            f"driver: write {PREFIX}{bare}://..."
        )
    if scheme in PLANNED:
        raise ConfigurationError(
            f"result_backend {shown!r}: this version of rootcellar has no store for {scheme!r} yet. Take {PREFIX!r} "
            f"away to use Celery's own backend, or use one of: {', '.join(sorted(ENGINES))}."
        )
    raise ConfigurationError(
        f"result_backend {shown!r}: {scheme!r} is no engine rootcellar knows.{did_you_mean(scheme, ENGINES)} "
        f"It opens: {', '.join(sorted(ENGINES))}."
    )


class _BadPart(ValueError):
    """What is wrong with a URL, in words that can be shown."""


def _check_escapes(raw: str, parts: SplitResult) -> None:
    if "#" in raw:
        raise _BadPart("'#' begins a fragment, which a store has none of")
    if "@" in parts.path + parts.query:
        raise _BadPart("there is an '@' behind the host")
    if _HALF_ESCAPE.search(raw):
        raise _BadPart("a '%' is not followed by two hexadecimal digits")


def _reason(exc: ValueError) -> str:
    text = str(exc)
    if isinstance(exc, _BadPart):
        return text
    if isinstance(exc, UnicodeError):
        return "the host is no name a host can have"
    if "out of range" in text.lower():
        return "the port must be between 0 and 65535"
    return "the port is not a number" if "port" in text.lower() else "host or port is malformed"


def redact(url: str) -> str:
    """Return ``url`` with its password, and the value of every secret-looking option, replaced by ``***``.

    Never raises, and errs on the side of hiding: it works on malformed URLs too, which are the ones shown in errors.

    >>> redact("cellar+redis://:hunter2@db:6379/0?password=x&db=1")
    'cellar+redis://:***@db:6379/0?password=***&db=1'
    >>> redact("postgresql://u:p@ss/w@db/x")
    'postgresql://u:***@db/x'
    >>> redact("sentinel://:a@one:26379;sentinel://:b@two:26379")
    'sentinel://:***@one:26379;sentinel://:***@two:26379'
    """
    return ";".join(_redact_one(part) for part in _NEXT_URL.split(url))


def _redact_one(url: str) -> str:
    scheme = _SCHEME.match(url)
    head = scheme[0] if scheme else ""
    # The last @ of all, and not only that of a well-formed login: a password may hold any character unescaped.
    login, at, where = url[len(head) :].rpartition("@")
    if at:
        user, colon, _ = login.partition(":")
        if not head or _UNESCAPED.search(user):
            user = _HIDDEN
        login = f"{user}{colon}{_HIDDEN if colon else ''}"
    where = _OPTION.sub(lambda m: f"{m[1]}{m[2]}={_HIDDEN}" if SECRET_NAME.search(m[2]) else m[0], where)
    return f"{head}{login}{at}{where}"


def said(exc: BaseException, url: StoreURL, *others: object) -> str:
    """Return what a driver said: one line, no full stop, the URL's secrets and ``others`` blotted out."""
    secrets = [url.password, *(value for name, value in url.options.items() if SECRET_NAME.search(name)), *others]
    text = hide(str(exc), (secret for secret in secrets if isinstance(secret, str)))
    return " ".join(text.split()).rstrip(".")


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` with each of ``secrets`` replaced by ``***``, also where it stands percent-encoded.

    A very short one is replaced only where it stands alone: inside words it would blot out half the message.

    >>> hide("port 5432 refused p", ["p"]), hide("login with s3cret/ failed: s3cret%2F", ["s3cret/"])
    ('port 5432 refused ***', 'login with *** failed: ***')
    """
    found = {form for secret in secrets if secret for form in (secret, quote(secret, safe="", errors="surrogatepass"))}
    for secret in sorted(found, key=len, reverse=True):
        if len(secret) >= _LONG_ENOUGH:
            text = text.replace(secret, _HIDDEN)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _HIDDEN, text)
    return text
