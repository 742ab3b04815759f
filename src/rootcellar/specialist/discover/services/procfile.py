"""Procfiles: Heroku's, Honcho's, Foreman's."""

import re

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.literals import in_words
from rootcellar.specialist.discover.services.process_line import process_of, split_line
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Process, Server, Variable

_FILE = re.compile(r"^(?:Procfile(?:[._-].+)?|.+\.procfile)$", re.IGNORECASE)
_LINE = re.compile(r"^([\w.-]+)\s*:\s*(\S.*)$")


def find(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the processes of all Procfiles, no servers, and the secrets in their lines."""
    processes: list[Process] = []
    literals: list[Variable] = []
    for path in tree.paths:
        if not _FILE.match(path.rpartition("/")[2]) or path.endswith((".py", ".md")):
            continue
        for number, line in enumerate(lines_of(tree.text(path) or ""), 1):
            match = None if line.lstrip().startswith("#") else _LINE.match(line.strip())
            if match is not None:
                place, words = Place(path, number), split_line(match[2])
                processes.append(
                    Process(match[1], place, command=tuple(words), origin="procfile", **process_of(match[2]))
                )
                literals.extend(in_words((word, place) for word in words))
    return processes, [], literals
