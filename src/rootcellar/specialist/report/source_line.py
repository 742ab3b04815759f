"""The source line: a line of a project's file as it can be shown to anybody, whatever is in it.

Names and punctuation of Python stay; comments are dropped; of texts and numbers only what is known to be harmless is
shown. Of other files the key is shown, if it is made of known words, and the value under the same rule.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.report.harmless import HIDDEN, SENSITIVE, is_harmless, is_measure, shown_text
from rootcellar.specialist.report.plain_line import shown_plain

_QUOTES = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')")
_ASSIGNED = re.compile(r"(\s*)([A-Za-z_]\w*)(\s*[=:])")
_LONGEST = 200

#: Of Python 3.12 on an f-string is no token any more, but these around it.
_OPENS = {getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)}
_CLOSES = {getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)}


class SourceFile:
    """A file's lines, made safe. Lines count from 1."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = lines_of(text)
        self._is_python = path.endswith((".py", ".pyi"))
        self._tokens: list[Sequence[tokenize.TokenInfo]] | None = None
        if self._is_python:
            self._tokens = _by_line(text, len(self._lines))

    def shown(self, line: int) -> str:
        """Return a line without its indentation; empty if there is no such line."""
        if not 0 < line <= len(self._lines):
            return ""
        if not self._is_python:
            text = shown_plain(self._lines[line - 1])
        elif self._tokens is None:
            text = _shown_unparsed(self._lines[line - 1])
        else:
            text = "".join(_pieces(self._tokens[line - 1], line))
        text = text.strip()
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + HIDDEN

    def skeleton(self, line: int) -> str:
        """Return what a line is recognised by after changes elsewhere: its names, without any text or number."""
        if not 0 < line <= len(self._lines):
            return ""
        if not self._is_python:
            return shown_plain(self._lines[line - 1], with_value=False).strip()
        if self._tokens is None:
            return _shown_unparsed(self._lines[line - 1]).strip()
        kept = (token.string if token.type in (tokenize.NAME, tokenize.OP) else "0" for token in self._tokens[line - 1])
        return " ".join(kept)


def _by_line(text: str, lines: int) -> list[Sequence[tokenize.TokenInfo]] | None:
    """Return the tokens on each line; ``None`` where the text is no Python.

    A text that does not parse may still have tokens, but with what was meant as text taken for names.
    """
    found: list[list[tokenize.TokenInfo]] = [[] for _ in range(lines)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        for token in _whole_strings(text):
            for line in range(token.start[0], min(token.end[0], lines) + 1):
                found[line - 1].append(token)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return list(found)


def _whole_strings(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield names, operators, numbers and strings; an f-string is one string, with all that is in it."""
    depth = 0
    opened: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines_of(text)) + "\n").readline):
        if token.type in _OPENS:
            opened = token if depth == 0 else opened
            depth += 1
        elif token.type in _CLOSES:
            depth -= 1
            if depth == 0 and opened is not None:
                yield tokenize.TokenInfo(
                    tokenize.STRING, f"{opened.string}{HIDDEN}{token.string}", opened.start, token.end, ""
                )
        elif depth == 0 and token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            yield token
        elif token.type == tokenize.ERRORTOKEN and token.string.strip():
            raise tokenize.TokenError("no Python")


def _pieces(tokens: Sequence[tokenize.TokenInfo], line: int) -> Iterator[str]:
    is_sensitive = any(
        token.type in (tokenize.NAME, tokenize.STRING) and SENSITIVE.search(token.string) for token in tokens
    )
    names = " ".join(token.string for token in tokens if token.type in (tokenize.NAME, tokenize.STRING))
    column = 0
    for at, token in enumerate(tokens):
        if token.start[0] == line and token.start[1] > column:
            yield " "
        column = token.end[1] if token.end[0] == line else 0
        if token.type == tokenize.STRING:
            yield _shown_string(token, line, is_bare=is_sensitive and not _is_name(tokens, at))
        elif token.type == tokenize.NUMBER:
            yield token.string if not is_sensitive and is_measure(names, token.string) else HIDDEN
        else:
            yield token.string


def _is_name(tokens: Sequence[tokenize.TokenInfo], at: int) -> bool:
    """Whether a string stands where a name does: a key of a mapping, an index, the first argument of a call."""
    after = tokens[at + 1].string if at + 1 < len(tokens) else ""
    before = tokens[at - 1].string if at else ""
    return after == ":" or (before in ("(", "[") and after in (")", "]", ","))


def _shown_string(token: tokenize.TokenInfo, line: int, *, is_bare: bool) -> str:
    """``is_bare``: nothing of it is shown, unless it is a URL, of which a password is never shown anyway."""
    quotes = _QUOTES.match(token.string)
    if quotes is None:
        return HIDDEN
    prefix, quote = quotes.groups()
    if token.start[0] != token.end[0]:
        start = prefix + quote if token.start[0] == line else ""
        return start + HIDDEN + (quote if token.end[0] == line else "")
    content = token.string[quotes.end() : -len(quote)]
    if not content:
        return token.string
    is_formatted = "f" in prefix.lower() or "t" in prefix.lower()
    is_hidden = is_formatted or (is_bare and "://" not in content)
    return prefix + quote + (HIDDEN if is_hidden else shown_text(content)) + quote


def _shown_unparsed(line: str) -> str:
    """What can be shown of a line that may stand in the middle of a text."""
    found = _ASSIGNED.match(line)
    return f"{found[1]}{found[2]}{found[3]} {HIDDEN}" if found and is_harmless(found[2]) else HIDDEN
