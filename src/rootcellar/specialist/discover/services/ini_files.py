"""INI files: sections, with the lines of all that is in them, as supervisord and systemd have them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.profile import Place


@dataclass
class Section:
    """A section; a name may be set several times."""

    name: str
    place: Place
    entries: list[tuple[str, str, Place]] = field(default_factory=list)

    def all(self, name: str) -> Iterator[tuple[str, Place]]:
        """Yield each value of a name."""
        return ((value, place) for key, value, place in self.entries if key == name)

    def last(self, name: str) -> str:
        """Return the last value of a name; empty if there is none."""
        return next((value for key, value, _ in reversed(self.entries) if key == name), "")


def sections_of(text: str, path: str) -> list[Section]:
    """Return the sections. A value goes on in lines that are indented, or behind a backslash."""
    found: list[Section] = []
    goes_on = False
    for number, line in enumerate(lines_of(text), 1):
        stripped = line.strip()
        header = re.match(r"^\[([^\]]+)\]", stripped)
        if header is not None:
            found.append(Section(header[1].strip(), Place(path, number)))
            goes_on = False
            continue
        if not stripped or stripped[0] in "#;":
            continue
        entries = found[-1].entries if found else []
        if entries and (goes_on or line[:1].isspace()):
            name, value, place = entries[-1]
            entries[-1] = (name, f"{value.removesuffix(chr(92)).rstrip()} {stripped}".strip(), place)
        elif found and "=" in stripped:
            name, _, value = stripped.partition("=")
            entries.append((name.strip(), value.strip(), Place(path, number)))
        goes_on = stripped.endswith("\\")
    for section in found:
        section.entries = [(name, value.removesuffix("\\").strip(), place) for name, value, place in section.entries]
    return found
