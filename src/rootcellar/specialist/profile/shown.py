"""Showing: what of a setting's value may be printed. Whatever is not known to be harmless is hidden.

Nothing here knows which texts are secret: it knows which are not. Numbers, flags, words of Celery's own vocabulary and
the parts of a URL that name a place are shown; any other text is ``"…"``.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from importlib import resources
from typing import Any

from rootcellar.specialist.profile.address import Address, address_of, is_hole
from rootcellar.specialist.profile.value import Call, Ref, Unknown, Value
from rootcellar.urls import SECRET_NAME

HIDDEN = "***"
#: a text that is not shown, though it need not be secret
SOME_TEXT = "…"

#: Texts that settings take and that are nobody's secret.
VOCABULARY = frozenset(
    line
    for line in (resources.files(__package__) / "vocabulary.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
)

#: Settings and options whose texts are names that somebody gave to a thing, and are shown if they look it.
_NAMES = re.compile(
    r"master_name|global_keyprefix|result_exchange(_type)?|result_queue|task(_default_queue)?|group|task_default_exchange"
    r"|timezone|include|imports|database|taskmeta_collection|groupmeta_collection|bind_host|host"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z_.:/-]{0,63}")
_SCHEME = re.compile(r"[a-z][a-z+._-]{0,40}")
_HOST = re.compile(r"[A-Za-z0-9._\[\]:-]{1,253}")
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
    if SECRET_NAME.search(name) and data not in (None, "", True, False):
        return HIDDEN
    if data is None or isinstance(data, (bool, int, float)):
        return data
    if isinstance(data, timedelta):
        return f"{data.total_seconds():g} s"
    if isinstance(data, str):
        return _text(name, data)
    if isinstance(data, Mapping):
        return {_key(key): shown(str(key), value) for key, value in data.items()}
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
    scheme = address.scheme if _SCHEME.fullmatch(re.sub(r"\d", "", address.scheme)) else SOME_TEXT
    if address.is_cut or not _is_plain(address):
        return f"{scheme}://{HIDDEN}"
    login = _login(address, url)
    hosts = ",".join((f"{address.host}:{address.port}" if address.port else address.host, *address.more_hosts))
    path = "/" + address.path if address.path or url.partition("://")[2].partition("?")[0].endswith("/") else ""
    query = "&".join(f"{_key(name)}={_option(name, value)}" for name, value in address.options.items())
    return f"{scheme}://{login}{hosts}{path}" + (f"?{query}" if query else "")


def _is_plain(address: Address) -> bool:
    hosts = (address.host, *address.more_hosts)
    return (
        all(not host or is_hole(host) or _HOST.fullmatch(host) for host in hosts)
        and (not address.port or address.port.isdigit() or is_hole(address.port))
        and (is_hole(address.path) or bool(_PATH.fullmatch(address.path)))
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
    if SECRET_NAME.search(name):
        return HIDDEN
    return (
        value if value in VOCABULARY or re.fullmatch(r"-?\d{1,9}(\.\d+)?", value) or _is_only_hole(value) else SOME_TEXT
    )


def _text(name: str, text: str) -> str:
    if not text or text in VOCABULARY or _is_only_hole(text):
        return text
    if "://" in text:
        return shown_url(text)
    return text if _NAMES.fullmatch(name) and _NAME.fullmatch(text) else SOME_TEXT


def _key(key: object) -> str:
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", text) else SOME_TEXT
