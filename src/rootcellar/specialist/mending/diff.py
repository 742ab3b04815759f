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
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_CONTEXT):
        yield f"@@ -{group[0][1] + 1} +{group[0][3] + 1} @@"
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from shown(" ", before, old, range(start, end))
                continue
            yield from shown("-", before, old, range(start, end))
            yield from shown("+", after, new, range(new_start, new_end))


def _cut(text: str) -> list[str]:
    """Return a text's lines, without the empty one behind the last end of a line."""
    lines = lines_of(text)
    return lines[:-1] if not lines[-1] else lines
