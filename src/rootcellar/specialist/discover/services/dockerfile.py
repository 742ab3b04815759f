"""Dockerfiles: what they run, and the secrets in their ENV and ARG."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rootcellar.specialist.discover.lines import joined_lines, lines_of
from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.discover.services.images import Word, kind_of
from rootcellar.specialist.discover.services.interpolation import interpolated
from rootcellar.specialist.discover.services.process_line import process_of, split_line
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Process, Server, Variable

_FILE = re.compile(r"^(?:Dockerfile|Containerfile)(?:[._-].+)?$|^.+\.(?:Dockerfile|Containerfile)$", re.IGNORECASE)
_INSTRUCTION = re.compile(r"^\s*(FROM|ENV|ARG|CMD|ENTRYPOINT|RUN)\s+(.*)$", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(r"""([A-Za-z_][\w.-]*)=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'])*)""")


@dataclass
class Stage:
    """A build stage, what it inherits from an earlier one of the file included."""

    image: str
    place: Place
    environment: dict[str, Variable] = field(default_factory=dict)
    entrypoint: list[Word] = field(default_factory=list)
    command: list[Word] = field(default_factory=list)

    @property
    def words(self) -> list[Word]:
        """What it starts."""
        return self.entrypoint + self.command


def find(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the process that each Dockerfile's last stage starts, no servers, and the secrets in all stages."""
    processes: list[Process] = []
    literals: list[Variable] = []
    for path in tree.paths:
        if not is_dockerfile(path):
            continue
        text = tree.text(path) or ""
        literals.extend(_literals(text, path))
        stages = _stages(text, path)
        last = stages[-1] if stages else None
        if last is not None and last.words and not kind_of(last.image):
            command = tuple(word for word, _ in last.words)
            place = last.words[-1][1]
            environment = tuple(last.environment.values())
            processes.append(
                Process(
                    path, place, command=command, origin="dockerfile", environment=environment, **process_of(command)
                )
            )
    return processes, [], literals


def is_dockerfile(path: str) -> bool:
    """Whether a path is a Dockerfile's."""
    name = path.rpartition("/")[2]
    return _FILE.match(name) is not None and not name.endswith((".dockerignore", ".md", ".py"))


def last_stage(tree: Tree, path: str) -> Stage | None:
    """Return the last stage of a Dockerfile; ``None`` if the project has no such file, or it is empty."""
    stages = _stages(tree.text(path) or "", path) if path in tree.paths else []
    return stages[-1] if stages else None


def _instructions(text: str, path: str) -> Iterator[tuple[str, str, Place]]:
    lines = lines_of(text)
    is_comment = [line.lstrip().startswith("#") for line in lines]
    # A comment between the lines of an instruction does not end it; one before it is not where it begins.
    uncommented = "\n".join("\\" if comment else line for line, comment in zip(lines, is_comment, strict=True))
    for number, line in joined_lines(uncommented):
        match = _INSTRUCTION.match(line)
        if match is not None:
            begun = number
            while begun < len(lines) and is_comment[begun - 1]:
                begun += 1
            yield match[1].upper(), match[2].strip(), Place(path, begun)


def _stages(text: str, path: str) -> list[Stage]:
    found: list[Stage] = []
    names: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    for instruction, rest, place in _instructions(text, path):
        if instruction == "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            base = interpolated(words[0] if words else "", arguments, bare=True)
            under = names.get(base.lower())
            stage = Stage(under.image if under else base, place)
            if under is not None:
                stage.environment.update(under.environment)
                stage.entrypoint, stage.command = list(under.entrypoint), list(under.command)
            found.append(stage)
            if len(words) > 2 and words[1].lower() == "as":
                names[words[2].lower()] = stage
        elif instruction == "ARG":
            name, equals, value = rest.partition("=")
            if equals:
                arguments[name.strip()] = value.strip().strip("\"'")
        elif not found:
            continue
        elif instruction == "ENV":
            for name, value in _pairs(rest):
                found[-1].environment[name] = Variable(name, interpolated(value, arguments, bare=True), place)
        elif instruction == "ENTRYPOINT":
            found[-1].entrypoint, found[-1].command = _words(rest, place), []
        elif instruction == "CMD":
            found[-1].command = _words(rest, place)
    return found


def _words(rest: str, place: Place) -> list[Word]:
    """Read the exec form, a JSON list, or the shell form."""
    if rest.startswith("["):
        try:
            return [(str(word), place) for word in json.loads(rest)]
        except ValueError:
            pass
    return [(word, place) for word in split_line(rest)]


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    """Yield ``A=b C="d e"``, or the old ``A b``."""
    if "=" not in rest.split(" ", 1)[0]:
        name, _, value = rest.partition(" ")
        yield name, value.strip()
        return
    for match in _PAIR.finditer(rest):
        yield match[1], re.sub(r"\\(.)", r"\1", match[2].replace('"', "").replace("'", ""))


def _literals(text: str, path: str) -> Iterator[Variable]:
    for instruction, rest, place in _instructions(text, path):
        if instruction in ("ENV", "ARG"):
            for name, value in _pairs(rest):
                yield from in_entry(name, interpolated(value, bare=True), place)
        elif instruction in ("CMD", "ENTRYPOINT", "RUN"):
            yield from in_words(_words(rest, place))
