"""The diff of what mending changes. Its lines are shown as all lines are, without what may be a secret."""

from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.mending.mended import Change
from rootcellar.specialist.report.source_line import SourceFile

_CONTEXT = 2


def shown_diff(changes: Iterable[Change], hide: Callable[[str], str]) -> str:
    """Return a unified diff, empty if nothing changes. It is to be read, and not to be applied: texts are hidden."""
    return "\n".join(line for change in changes for line in _lines(change, hide))


def _lines(change: Change, hide: Callable[[str], str]) -> Iterator[str]:
    before, after = _cut(change.before), _cut(change.after)
    old, new = SourceFile(change.path, change.before), SourceFile(change.path, change.after)

    def shown(sign: str, lines: list[str], file: SourceFile, numbers: range) -> Iterator[str]:
        for number in numbers:
            line = lines[number]
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            yield f"{sign}{indent}{hide(file.shown(number + 1))}".rstrip()

    yield f"--- {change.path}"
    yield f"+++ {change.path}"
    # Only what lies between is compared: line by line that takes the square of their number where many are the same.
    skipped = max(0, _same(before, after) - _CONTEXT)
    left = max(0, _same(before[:skipped:-1], after[:skipped:-1]) - _CONTEXT)
    compared = SequenceMatcher(None, before[skipped : len(before) - left], after[skipped : len(after) - left])
    for group in compared.get_grouped_opcodes(_CONTEXT):
        yield f"@@ -{skipped + group[0][1] + 1} +{skipped + group[0][3] + 1} @@"
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from shown(" ", before, old, range(skipped + start, skipped + end))
                continue
            yield from shown("-", before, old, range(skipped + start, skipped + end))
            yield from shown("+", after, new, range(skipped + new_start, skipped + new_end))


def _same(one: list[str], other: list[str]) -> int:
    """Return how many lines at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _cut(text: str) -> list[str]:
    """Return a text's lines, without the empty one behind the last end of a line."""
    lines = lines_of(text)
    return lines[:-1] if not lines[-1] else lines
