"""Projects as files by name, in which a line that ends with ``# <- RC231`` is one where that rule finds something."""

import re
from collections.abc import Mapping
from pathlib import Path

from rootcellar.specialist.check import check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project

_MARKS = re.compile(r" *# <- ((?:RC\d{3} ?)+)$")


def marked_in(files: Mapping[str, str], root: Path) -> list[tuple[str, str]]:
    """Write the files without their marks, and return the marks: ``(path:line, rule)``."""
    marked = []
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        lines = text.lstrip("\n").splitlines()
        for number, line in enumerate(lines, 1):
            if match := _MARKS.search(line):
                marked += [(f"{name}:{number}", rule) for rule in match[1].split()]
        (root / name).write_text("\n".join(_MARKS.sub("", line) for line in lines) + "\n", "utf-8")
    return sorted(marked)


def findings_in(root: Path, *selected: str) -> list[Finding]:
    """Return what the rules with these prefixes find, none of them having failed."""
    report = check(Project(profile_of(root)), all_rules(), Configuration(Selection(selected)))
    assert not report.failures
    return list(report.findings)


def found_in(root: Path, *selected: str) -> list[tuple[str, str]]:
    """Return the same as :func:`marked_in` does, as it was found."""
    return sorted({(str(one.place), one.rule) for one in findings_in(root, *selected)})
