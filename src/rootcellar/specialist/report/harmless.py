"""What is harmless: words, numbers and parts of URLs that can be shown whatever file they are from."""

import re
from functools import cache
from importlib import resources

#: Stands for what is not shown.
HIDDEN = "…"

#: Names behind which nothing is shown, be it a number or a word that is harmless elsewhere.
SENSITIVE = re.compile(
    r"pass(?!ive)|secret|token|credential|private|salt|auth|pwd|(?:\b|_)pw(?:\b|_)|(?<!all)keys?(?![a-z])|login|user",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[\s_\-.,:/\[\]=<>~!;*%{}()+\"']+")
#: Names of what is measured or counted: a number behind them is one, however long it is.
_MEASURES = re.compile(
    r"expire|ttl|timeout|(?:\b|_)(?:max|min|time)|size|bytes|memory|limit|interval|seconds|lifetime|delay|retention|idle",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"[-+]?\d{1,5}(?:\.\d{1,6})?|\d{1,5}(?:[.:/]\d{1,5}){1,6}")
_LONG_NUMBER = re.compile(r"[-+]?[\d_]{1,12}(?:\.\d{1,6})?")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_NAME = re.compile(r"[A-Za-z_]+")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_WHERE = re.compile(r"([^/?#]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.DOTALL)
_MOST = 120


@cache
def vocabulary() -> frozenset[str]:
    """Return the known words, in lower case: parts of setting names, schemes, serializers, options and their values."""
    return frozenset((resources.files(__package__) / "vocabulary.txt").read_text("utf-8").split())


def is_harmless(text: str) -> bool:
    """Whether a text says nothing but known words and short numbers. A name such as ``REDIS_PASSWORD`` is one.

    >>> is_harmless("CELERY_RESULT_BACKEND"), is_harmless("redis:7-alpine"), is_harmless("127.0.0.1:6379:6379")
    (True, True, True)
    >>> is_harmless("hunter2"), is_harmless("redis-secret-1"), is_harmless("--"), is_harmless("8712-2231")
    (False, False, False, False)
    """
    if _NUMBERS.fullmatch(text):
        return True
    if len(text) > _MOST or (SENSITIVE.search(text) and not _NAME.fullmatch(text)):
        return False
    parts = [part for part in _PARTS.split(text) if part]
    words = [part for part in parts if not part.isdecimal()]
    return bool(words) and all(len(part) < 6 if part.isdecimal() else part.lower() in vocabulary() for part in parts)


def is_measure(name: str, number: str) -> bool:
    """Whether ``number`` can be shown behind ``name``: a long one may be a PIN, but not where a size or time is meant.

    >>> is_measure("result_expires", "2592000"), is_measure("pin", "2592000"), is_measure("pin", "259")
    (True, False, True)
    """
    if _NUMBERS.fullmatch(number):
        return True
    return bool(_LONG_NUMBER.fullmatch(number) and _MEASURES.search(name) and not SENSITIVE.search(name))


def is_name(text: str) -> bool:
    """Whether a text looks like the name of a setting, option or variable: an identifier with a known word in it.

    >>> is_name("SHOP_DB_HOST"), is_name("ssl_cert_reqs"), is_name("MIIEvQIBADANBgkq"), is_name("two words")
    (True, True, False, False)
    """
    if not _IDENTIFIER.fullmatch(text):
        return False
    words = [*_PARTS.split(text), *(word for word in _HUMPS.split(text) if len(word) > 2)]
    return any(word.lower() in vocabulary() for word in words)


def shown_text(text: str) -> str:
    """Return a text if it is harmless, a URL without what is not, and else ``…``; blanks around it stay.

    >>> shown_text("json"), shown_text("hunter2"), shown_text("redis://:hunter2@localhost:6379/0?db=1&x=y")
    ('json', '…', 'redis://…@localhost:6379/0?db=1&x=…')
    """
    bare = text.strip()
    if not bare or bare in ("*", ".", "/"):
        return text if text.isprintable() else " "
    return _shown_url(bare) if "://" in bare else bare if bare.isprintable() and is_harmless(bare) else HIDDEN


def _shown_url(url: str) -> str:
    found = _URL.fullmatch(url)
    if found is None or not is_harmless(found[1]):
        return HIDDEN
    _, at, rest = found[2].rpartition("@")
    where = _WHERE.fullmatch(rest)
    if where is None:  # never; but what cannot be taken apart is not shown
        return HIDDEN
    host, path, query, fragment = where.groups()
    shown = [found[1], "://", HIDDEN + "@" if at else "", _or_hidden(host)]
    if path:
        shown += ["/" * (len(path) - len(path.lstrip("/"))), _or_hidden(path.lstrip("/"))]
    if query:
        shown += ["?", "&".join(_shown_option(pair) for pair in query[1:].split("&"))]
    return "".join(shown) + ("#" + HIDDEN if fragment else "")


def _shown_option(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not is_harmless(name):
        return HIDDEN
    return name + equals + (HIDDEN if value and SENSITIVE.search(name) else _or_hidden(value))


def _or_hidden(text: str) -> str:
    return text if not text or (text.isprintable() and is_harmless(text)) else HIDDEN
