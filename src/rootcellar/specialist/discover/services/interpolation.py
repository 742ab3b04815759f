"""Interpolation: ``${NAME}`` and its relatives, as shells, compose files and env files have them."""

from collections.abc import Mapping

_DEEPEST = 8
#: Characters between the braces.
_LONGEST = 500
#: Characters of what comes out; variables that are made of two others each grow fast.
_MOST = 100_000


def interpolated(text: str, known: Mapping[str, str] | None = None, *, bare: bool = False, depth: int = 0) -> str:
    """Fill in variables; one that is not known becomes a hole, ``{NAME}``. With ``bare``, ``$NAME`` and ``$$`` too.

    >>> interpolated("redis://:${PW}@${HOST:-db}:${PORT-6379}/0", {"PORT": "6380"})
    'redis://:{PW}@db:6380/0'
    >>> interpolated("$HOST costs $$5, ${A:-${B:-c}}", {"HOST": "db"}, bare=True)
    'db costs $5, c'
    """
    known = known or {}
    pieces = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        pieces.append(text[at:dollar])
        at = dollar + 1
        following = text[at : at + 1]
        if following == "{" and depth < _DEEPEST and (end := _closing(text, at)) > 0:
            pieces.append(_expanded(text[at + 1 : end], known, bare=bare, depth=depth + 1))
            at = end + 1
        elif bare and following == "$":
            pieces.append("$")
            at += 1
        elif bare and (following.isalpha() or following == "_"):
            end = at
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            pieces.append(known.get(text[at:end], "{" + text[at:end] + "}"))
            at = end
        else:
            pieces.append("$")
    pieces.append(text[at:])
    is_absurd = sum(map(len, pieces)) > max(_MOST, len(text))
    return text if is_absurd else "".join(pieces)


def _closing(text: str, opening: int) -> int:
    furthest = min(len(text), opening + _LONGEST)
    if text.find("}", opening, furthest) < 0:
        return -1
    level = 0
    for at in range(opening, furthest):
        if text[at] == "{":
            level += 1
        elif text[at] == "}":
            level -= 1
            if not level:
                return at
    return -1


def _expanded(inside: str, known: Mapping[str, str], *, bare: bool, depth: int) -> str:
    length = next((n for n, letter in enumerate(inside) if not (letter.isalnum() or letter == "_")), len(inside))
    name, rest = inside[:length], inside[length:]
    if not name:
        return "${" + inside + "}"
    value = known.get(name)
    operator = rest[:2] if rest.startswith(":") else rest[:1]
    other = rest[len(operator) :]
    if operator in (":-", "-", ":=", "="):
        takes_default = value is None or (operator.startswith(":") and not value)
        return interpolated(other, known, bare=bare, depth=depth) if takes_default else value or ""
    if operator in (":+", "+"):
        return interpolated(other, known, bare=bare, depth=depth) if value else ""
    return value if value is not None else "{" + name + "}"
