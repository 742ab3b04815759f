"""Showing: what of a setting's value may be printed. Whatever is not known to be harmless is hidden.

Nothing here knows which texts are secret: it knows which are not. Flags, numbers that are short or measure something,
known words and the parts of a URL that name a place are shown; any other text is ``"…"``.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import available_timezones

from rootcellar.specialist.profile.address import Address, address_of
from rootcellar.specialist.profile.value import Call, Ref, Unknown, Value
from rootcellar.specialist.report.harmless import SENSITIVE, is_harmless, is_measure, is_name

HIDDEN = "***"
#: a text, or a long number, that is not shown, though it need not be secret
SOME_TEXT = "…"

#: Texts that settings take and that are nobody's secret.
VOCABULARY = frozenset(
    line
    for line in (resources.files(__package__) / "vocabulary.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
)

_HOLES = re.compile(r"\{\w*\}")
#: Schemes of URLs that name no database: a path there may be anything.
_WEB = re.compile(r"https?|wss?|ftps?|file")
_HOST = re.compile(r"[A-Za-z0-9._\[\]:-]{1,253}")
_VERSION = r"\s*(?:[=~!<>]=?|==)?\s*v?\d{1,5}(?:\.\d{1,5}){0,5}(?:\.?(?:a|b|rc|post|dev)\d{0,4})*(?:\.\*)?\s*"
_VERSIONS = re.compile(rf"{_VERSION}(?:,{_VERSION})*")
_PORT = re.compile(r"\d{1,5}")
_PATH = re.compile(r"[\w./:-]{0,128}")


def shown(name: str, data: Any) -> Any:
    """Return JSON-ready data that may be printed, for a setting's or option's ``data`` (see :class:`.Value`).

    >>> shown("result_expires", timedelta(days=1)), shown("redis_password", "hunter2")
    ('86400 s', '***')
    >>> shown("result_backend", "redis://:hunter2@db:6379/0")
    'redis://:***@db:6379/0'
    """
    if isinstance(data, Unknown):
        return {"unknown": data.why}
    if SENSITIVE.search(name) and data not in (None, "", True, False):
        return HIDDEN
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, (int, float)):
        return data if is_measure(name, f"{data}") else SOME_TEXT
    if isinstance(data, timedelta):
        return f"{data.total_seconds():g} s"
    if isinstance(data, str):
        return _text(name, data)
    if isinstance(data, Mapping):
        return {shown_name(str(key)): shown(str(key), value) for key, value in data.items()}
    if isinstance(data, (list, tuple, set, frozenset)):
        return [
            shown(name, value) for value in (sorted(data, key=repr) if isinstance(data, (set, frozenset)) else data)
        ]
    if isinstance(data, Ref):
        return {"object": data.name}
    if isinstance(data, Call):
        return {"call": data.name}
    return {"object": type(data).__name__}


def shown_value(name: str, value: Value) -> Any:
    """Return what may be printed of a value."""
    return shown(name, value.data)


def shown_name(text: str) -> str:
    """Return the name of an option or a variable as it may be printed: what is no such name may be anything.

    >>> shown_name("SHOP_DB_HOST"), shown_name("MIIEvQIBADANBgkq")
    ('SHOP_DB_HOST', '…')
    """
    return text if is_name(text) else SOME_TEXT


def shown_version(text: str) -> str:
    """Return a version, or a specifier of versions, as it may be printed.

    >>> shown_version(">=5.3,<6"), shown_version("5.4.0rc1"), shown_version("==1.0+hunter2"), shown_version("===x")
    ('>=5.3,<6', '5.4.0rc1', '…', '…')
    """
    return text if not text or _VERSIONS.fullmatch(text) else SOME_TEXT


def shown_url(url: str) -> str:
    """Return a URL without its login and without options that are not known to be harmless.

    >>> shown_url("db+postgresql://u:{DB_PASSWORD}@db.example.org/results?sslmode=require&application_name=x9")
    'db+postgresql://***:{DB_PASSWORD}@db.example.org/results?sslmode=require&application_name=…'
    >>> shown_url("redis://:pa/ss@db/0")
    'redis://***'
    """
    address = address_of(url)
    if "://" not in url:
        return address.scheme if address.scheme in VOCABULARY else SOME_TEXT
    scheme = address.scheme if is_harmless(address.scheme) else SOME_TEXT
    if address.is_cut or not _is_plain(address):
        return f"{scheme}://{HIDDEN}"
    login = _login(address, url)
    hosts = ",".join((f"{address.host}:{address.port}" if address.port else address.host, *address.more_hosts))
    path = "/" + address.path if address.path or url.partition("://")[2].partition("?")[0].endswith("/") else ""
    if _WEB.fullmatch(scheme) and not is_harmless(path) and path != "/":
        path = f"/{SOME_TEXT}" * bool(path)
    query = "&".join(f"{shown_name(name)}={_option(name, value)}" for name, value in address.options.items())
    return f"{scheme}://{login}{hosts}{path}" + (f"?{query}" if query else "")


def _is_plain(address: Address) -> bool:
    hosts = (address.host, *address.more_hosts)
    return (
        all(not host or _HOST.fullmatch(_HOLES.sub("x", host)) for host in hosts)
        and (not address.port or bool(_PORT.fullmatch(_HOLES.sub("1", address.port))))
        and bool(_PATH.fullmatch(_HOLES.sub("x", address.path)))
    )


def _login(address: Address, url: str) -> str:
    if "@" not in url:
        return ""
    user = address.username if _is_only_hole(address.username) or not address.username else HIDDEN
    if not address.password:
        return f"{user}@"
    return f"{user}:{address.password if _is_only_hole(address.password) else HIDDEN}@"


def _is_only_hole(text: str) -> bool:
    return re.fullmatch(r"(\{\w*\})+", text) is not None


def _option(name: str, value: str) -> str:
    if SENSITIVE.search(name):
        return HIDDEN
    return value if value in VOCABULARY or is_measure(name, value) or _is_only_hole(value) else SOME_TEXT


def _text(name: str, text: str) -> str:
    if not text or text in VOCABULARY or _is_only_hole(text):
        return text
    if "://" in text:
        return shown_url(text)
    if name == "timezone":
        return text if text in _zones() else SOME_TEXT
    return text if is_harmless(text) or is_measure(name, text) else SOME_TEXT


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
