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
_NUMBERS = re.compile(r"[-+]?\d{1,9}(?:\.\d{1,6})?|\d{1,5}(?:[.:/]\d{1,5}){1,6}")
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
