"""Figures as people read them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from benchmarks.comparison import Comparison, Target, Unit


def format_figure(value: float | None, unit: Unit) -> str:
    """Return a rate, a time or a size with three digits that mean something.

    >>> format_figure(12345.6, "/s"), format_figure(0.00061, "s"), format_figure(7.3, "s")
    ('12,346/s', '0.61 ms', '7,300 ms')
    >>> format_figure(7345.6, "B"), format_figure(None, "s")
    ('7.3 kB', '-')
    """
    if value is None:
        return "-"
    if unit == "B":
        return f"{value / 1000:,.1f} kB"
    if unit == "/s":
        return f"{value:,.0f}/s"
    value_ms = value * 1000
    digits = 2 if value_ms < 10 else 1 if value_ms < 100 else 0
    return f"{value_ms:,.{digits}f} ms"


def format_ratio(ratio: float | None) -> str:
    """Return how many times better; nothing where there is no other side.

    >>> format_ratio(0.934), format_ratio(2.26), format_ratio(178.4)
    ('0.93x', '2.3x', '178x')
    """
    if ratio is None:
        return ""
    digits = 2 if ratio < 2 else 1 if ratio < 10 else 0
    return f"{ratio:,.{digits}f}x"


def format_target(target: Target) -> str:
    """Return what is asked.

    >>> format_target(Target(150, limit_s=0.003)), format_target(Target())
    ('≥ 150x, ≤ 3 ms', '')
    """
    parts = []
    if target.ratio is not None:
        parts.append(f"≥ {target.ratio:g}x")
    if target.limit_s is not None:
        parts.append(f"≤ {target.limit_s * 1000:g} ms")
    if target.limit_bytes is not None:
        parts.append(f"≤ {target.limit_bytes / 1000:g} kB")
    return ", ".join(parts)


#: What the first figure of a section is; in the others it is Celery's own backend.
_THEIRS: Mapping[str, str] = {"share of the bare driver": "bare driver", "four writers": "without notifying"}


def theirs_of(section: str) -> str:
    """Return the name of the side that ours is compared with."""
    return _THEIRS.get(section, "Celery")


def sections(comparisons: Iterable[Comparison]) -> Sequence[tuple[str, str, Sequence[Comparison]]]:
    """Return ``(section, name of the other side, comparisons)`` for each section, in the order they came."""
    return [
        (section, theirs_of(section), list(group)) for section, group in groupby(comparisons, lambda one: one.section)
    ]
