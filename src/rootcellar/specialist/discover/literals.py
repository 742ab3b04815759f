"""Literals: secrets that stand in command lines and entries of deployment files."""

import re
from collections.abc import Iterable, Iterator

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.placeholder import has_password, looks_secret
from rootcellar.specialist.profile import Place, Variable

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>,]+")
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:[=:]\s*|\s)(\S.*)$")
#: an item of a list: ``- DATABASE_URL=postgresql://…``
_ITEM = re.compile(r"^([A-Za-z_][\w.-]*)=['\"]?([A-Za-z][\w+.-]*://\S+?)['\"]?$")
_LONG = re.compile(r"^--[A-Za-z][\w-]*$")
_ASSIGNED = re.compile(r"^(?:--?)?([A-Za-z_][\w.-]*)[=:](.+)$", re.DOTALL)


def in_entry(name: str, value: str, place: Place) -> Iterator[Variable]:
    """Yield the variable if it holds a secret; for a longer text, the secrets in it.

    A text of several lines is taken for a block, which begins in the line below ``place``, with an entry on each line.
    """
    item = _ITEM.match(value)
    if item is not None:
        name, value = item[1], item[2]
    if looks_secret(name, value):
        yield Variable(name, value, place)
    elif "\n" in value.strip():
        for offset, line in enumerate(lines_of(value), 1):
            pair = _LINE.match(line.rstrip())
            if pair is not None:
                yield from in_entry(pair[1], pair[2].strip("'\""), Place(place.path, place.line + offset))
    elif " " in value.strip():
        yield from in_words(((word, place) for word in value.split()), name)


def in_words(words: Iterable[tuple[str, Place]], name: str = "") -> Iterator[Variable]:
    """Yield the secrets in the words of a command line: ``--requirepass x``, ``NAME=x``, ``redis-cli -a x``, URLs."""
    option = program = ""
    for word, place in words:
        bare = word.strip("'\"")
        assigned = _ASSIGNED.match(bare)
        url = _URL.search(bare)
        if assigned is not None and "://" not in assigned[1] and looks_secret(assigned[1], assigned[2].strip("'\"")):
            yield Variable(assigned[1], assigned[2].strip("'\""), place)
        elif url is not None:
            if has_password(url[0]):
                yield Variable(name or "command", url[0], place)
        elif option and not bare.startswith("-") and looks_secret(option, bare):
            yield Variable(option, bare, place)
        elif program == "redis-cli" and option == "a" and looks_secret("password", bare):
            yield Variable("redis-cli -a", bare, place)
        # A short option may have its value, a password, right behind it: it is no name to show.
        option = bare.lstrip("-") if _LONG.match(bare) or bare == "-a" else ""
        program = bare if bare == "redis-cli" else program
