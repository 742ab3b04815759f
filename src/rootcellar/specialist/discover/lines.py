"""Lines: text cut as editors count it, and finding in which line something stands."""

from collections.abc import Iterable, Sequence


def lines_of(text: str) -> list[str]:
    r"""Cut at ``\n``, ``\r\n`` and ``\r`` only; :meth:`str.splitlines` also cuts at form feeds and the like.

    >>> lines_of("a\r\nb\x0cc\n")
    ['a', 'b\x0cc', '']
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def line_with(lines: Sequence[str], words: Iterable[str], *, start: int = 1, end: int | None = None) -> int:
    """Return the number of the first line, of those from ``start`` up to ``end``, that holds all ``words``.

    Where there is none it is ``start``.
    """
    wanted = tuple(words)
    for number in range(start, min(len(lines), end or len(lines)) + 1):
        if all(word in lines[number - 1] for word in wanted):
            return number
    return start


def joined_lines(text: str) -> list[tuple[int, str]]:
    """Return ``(number of its first line, line)``, with lines that end with a backslash joined to the next one.

    Numbers count from 1; comments and empty lines are left in.
    """
    found: list[tuple[int, str]] = []
    begun = 0
    pieces: list[str] = []
    for number, line in enumerate(lines_of(text), 1):
        begun = begun or number
        if line.rstrip().endswith("\\"):
            pieces.append(line.rstrip()[:-1])
            continue
        found.append((begun, " ".join([*pieces, line.strip() if pieces else line])))
        begun, pieces = 0, []
    if pieces:
        found.append((begun, " ".join(pieces)))
    return found
