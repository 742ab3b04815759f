"""Words: numbers, names and times as a person says them."""

from collections.abc import Sequence

_MOST = 4


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "task"), counted(2_000, "task")
    ('1 task', '2,000 tasks')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def several(names: Sequence[str]) -> str:
    """Return names, a few of them.

    >>> several(["a", "b"]), several(["a", "b", "c", "d", "e", "f"])
    ('a, b', 'a, b, c, d and 2 more')
    """
    shown = ", ".join(names[:_MOST])
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown


def span(seconds: float) -> str:
    """Return a time.

    >>> span(59), span(7200), span(86400 * 40)
    ('59 seconds', '2.0 hours', '40.0 days')
    """
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size * 2:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
