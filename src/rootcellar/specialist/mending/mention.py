"""The mention: where else in a project's Python files a setting's name stands, so that it cannot just go."""

import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from rootcellar.specialist.discover.tree import Tree, tree_of
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.mending.spot import Spot, spots_in
from rootcellar.specialist.profile import Place

_QUOTES = re.compile(r"(?s)([A-Za-z]*)('''|\"\"\"|'|\")(.*)\2")


class Mentions:
    """The names in a project's Python files."""

    def __init__(self, root: Path) -> None:
        self._tree: Tree = tree_of(root)
        self._found: dict[str, Place | None] = {}

    def first_use(self, names: Iterable[str]) -> Place | None:
        """Return where one of the names is used otherwise than to set it, comments aside; ``None``: nowhere."""
        for name in sorted(names):
            if name not in self._found:
                self._found[name] = next(self._uses(name), None)
            if self._found[name] is not None:
                return self._found[name]
        return None

    def _uses(self, name: str) -> Iterator[Place]:
        word = re.compile(rf"\b{re.escape(name)}\b")
        for path in self._tree.paths:
            if not path.endswith((".py", ".pyi")):
                continue
            raw = self._tree.raw(path)
            text = self._tree.text(path) if raw is not None and name.encode() in raw else None
            if text is None or not word.search(text):
                continue
            yield from (Place(path, line) for line in _lines(text, name, word))


def _lines(text: str, name: str, word: re.Pattern[str]) -> Iterator[int]:
    """Yield the lines of a Python file that use a name; all that hold it, where it is no Python."""
    try:
        setting = {_start(text, spot) for spot in spots_in(text) if spot.name == name}
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (NotMended, tokenize.TokenError, SyntaxError):
        yield from (number for number, line in enumerate(text.splitlines(), 1) if word.search(line))
        return
    for token in tokens:
        if token.start not in setting and _is_use(token, name, word):
            yield token.start[0]


def _is_use(token: tokenize.TokenInfo, name: str, word: re.Pattern[str]) -> bool:
    if token.type == tokenize.NAME:
        return token.string == name and not keyword.iskeyword(name)
    if token.type != tokenize.STRING:
        return False
    quoted = _QUOTES.fullmatch(token.string)
    if quoted is None:
        return False
    # A text that is a sentence only speaks of it.
    return quoted[3] == name or ("f" in quoted[1].lower() and word.search(quoted[3]) is not None)


def _start(text: str, spot: Spot) -> tuple[int, int]:
    """Return line and column of a spot's name, as :mod:`tokenize` counts them."""
    before = text.encode()[: spot.name_span[0]].decode()
    # As Python's own reading does it: each end of a line is one character.
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1])
