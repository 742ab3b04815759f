"""The address: a broker's or result backend's URL taken apart, tolerant of what is wrong or unknown in it."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

_HOLE = re.compile(r"\{[^{}]*\}")
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "host.docker.internal"})
_NEIGHBOUR_ENDINGS = (".local", ".svc", ".internal", ".svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL's parts; texts are percent-decoded. An unknown part stands as ``{NAME}`` (see :attr:`is_hole`)."""

    #: lower-case, whatever stands before ``://``: ``redis``, ``db+postgresql+psycopg``, ``cellar+redis``; for a bare
    #: name (``rpc``, ``django-db``) that name
    scheme: str = ""
    host: str = ""
    port: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    #: behind the host, without the leading ``/``: a database's name or number, a file's path
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: of several, the other hosts
    more_hosts: tuple[str, ...] = ()
    #: an unescaped ``@``, ``/``, ``#``, ``?`` or ``:`` cuts the password short
    is_cut: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it never leaves the machine: no host (a file, a socket), or a loop-back one."""
        if not self.host or self.host.lower() in _LOCAL_NAMES or "socket" in self.scheme:
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def is_neighbour(self) -> bool:
        """Whether it is a name that only resolves next door: a compose service's, a Kubernetes service's."""
        host = self.host.lower()
        if self.is_local or is_hole(host):
            return False
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return "." not in host or host.endswith(_NEIGHBOUR_ENDINGS)
        return False


def is_hole(text: str) -> bool:
    """Whether a text is unknown, in whole or in part.

    >>> is_hole("{REDIS_PASSWORD}"), is_hole("secret")
    (True, False)
    """
    return _HOLE.search(text) is not None


def address_of(url: str) -> Address:
    """Take a URL apart. Never raises; what cannot be read is left empty.

    >>> one = address_of("redis://:{PW}@cache.example.org:6380/1?ssl_cert_reqs=none")
    >>> one.scheme, one.host, one.port, one.password, one.path, dict(one.options)
    ('redis', 'cache.example.org', '6380', '{PW}', '1', {'ssl_cert_reqs': 'none'})
    >>> address_of("db+sqlite:////var/lib/results.db").path
    '/var/lib/results.db'
    >>> address_of("sentinel://a:26379;sentinel://b:26379").more_hosts
    ('b:26379',)
    >>> address_of("redis://:p/w@db:1/0").is_cut
    True
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        return Address(scheme=scheme.rstrip(":").lower())
    rest, *others = re.split(r";(?=[a-z+]+://)", rest)
    login, at, where = rest.rpartition("@")
    username, colon, password = login.partition(":")
    is_cut = bool(at) and bool(re.search(r"[@/#?]", login) or (":" in password))
    where, _, query = where.partition("?")
    hosts, _, path = where.partition("/")
    host, *more = hosts.split(",")
    more.extend(other.partition("://")[2].rpartition("@")[2].partition("/")[0] for other in others)
    name, port = _split_port(host)
    return Address(
        scheme=scheme.lower(),
        host=name,
        port=port,
        username=unquote(username),
        password=unquote(password) if colon else "",
        path=unquote(path.partition("#")[0]),
        options=dict(parse_qsl(query, keep_blank_values=True)),
        more_hosts=tuple(more),
        is_cut=is_cut,
    )


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if not colon or (host.startswith("[") and host.endswith("]")):
        return host, ""
    return name, port
