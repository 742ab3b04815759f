"""What else starts processes: supervisord, systemd, shell scripts and Makefiles."""

import re
from collections.abc import Iterator

from rootcellar.specialist.discover.lines import joined_lines
from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.discover.services.ini_files import Section, sections_of
from rootcellar.specialist.discover.services.process_line import process_of, split_line
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Process, Server, Variable

_SUPERVISOR = re.compile(r"\.(?:conf|ini|supervisor)(?:\.j2|\.tmpl|\.template)?$", re.IGNORECASE)
_UNIT = re.compile(r"\.service(?:\.j2|\.tmpl|\.template)?$", re.IGNORECASE)
_SCRIPT = re.compile(
    r"\.(?:sh|bash|mk)$|^(?:GNU)?[Mm]akefile$|^[Jj]ustfile$|^(?:start|run|entrypoint|worker|beat|celery|flower)[\w-]*$"
)
_PAIR = re.compile(r"""([A-Za-z_]\w*)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,\s"']*)""")
_CELERY = re.compile(r"celery\S*\s")
_SUBCOMMAND = re.compile(r"\b(?:worker|beat|flower|multi)\b")
_DAEMON = re.compile(r"\bcelery(?:d|beat)\b")


def find(tree: Tree) -> tuple[list[Process], list[Server], list[Variable]]:
    """Return the processes, no servers, and the secrets in what starts them."""
    processes: list[Process] = []
    literals: list[Variable] = []
    for path in tree.paths:
        name = path.rpartition("/")[2]
        if _SUPERVISOR.search(name):
            text = tree.text(path) or ""
            found = _programs(text, path) if "[program:" in text else []
        elif _UNIT.search(name):
            found = _units(tree.text(path) or "", path)
        elif _SCRIPT.search(name):
            found = list(_script(tree.text(path) or "", path))
        else:
            continue
        for process in found:
            processes.append(process)
            literals.extend(
                one
                for variable in process.environment
                for one in in_entry(variable.name, variable.value, variable.place)
            )
            literals.extend(in_words((word, process.place) for word in process.command))
    return processes, [], literals


def _programs(text: str, path: str) -> list[Process]:
    """Read supervisord's ``[program:x]`` sections."""
    found = []
    for section in sections_of(text, path):
        kind, _, name = section.name.partition(":")
        command = section.last("command")
        if kind == "program" and command:
            environment = tuple(
                Variable(pair[1], pair[2].strip("\"'"), place)
                for value, place in section.all("environment")
                for pair in _PAIR.finditer(value)
            )
            number = section.last("numprocs")
            replicas = int(number) if number.isdigit() and len(number) < 6 else 1
            found.append(_process(name.strip(), section.place, command, "supervisor", environment, replicas))
    return found


def _units(text: str, path: str) -> list[Process]:
    """Read a systemd unit's ``[Service]`` section."""
    found = []
    for section in sections_of(text, path):
        started = list(section.all("ExecStart"))
        if section.name == "Service" and started:
            command, place = started[-1]
            name = path.rpartition("/")[2].partition(".service")[0]
            environment = tuple(_unit_environment(section))
            # Of `-`, `@`, `:`, `+` and `!` in front of a command, none is part of it.
            found.append(_process(name, place, command.lstrip("-@:+!"), "systemd", environment, 1))
    return found


def _unit_environment(section: Section) -> Iterator[Variable]:
    for value, place in section.all("Environment"):
        for word in split_line(value.replace("$", "$$")):
            name, equals, text = word.partition("=")
            if equals:
                yield Variable(name, text, place)


def _script(text: str, path: str) -> Iterator[Process]:
    """Yield a process for each line that starts a worker, beat or Flower."""
    if "celery" not in text:
        return
    for number, line in joined_lines(text):
        stripped = line.strip().lstrip("@-")
        if stripped.startswith(("#", "echo ", "printf ")) or not _starts_celery(stripped):
            continue
        process = _process(path, Place(path, number), stripped, "script", (), 1)
        if process.role in ("worker", "beat", "flower"):
            yield process


def _starts_celery(line: str) -> bool:
    celery = _CELERY.search(line)
    starts = celery is not None and _SUBCOMMAND.search(line, celery.end()) is not None
    return starts or _DAEMON.search(line) is not None


def _process(
    name: str, place: Place, command: str, origin: str, environment: tuple[Variable, ...], replicas: int
) -> Process:
    line = process_of(command)
    line["replicas"] *= replicas
    return Process(name, place, command=tuple(split_line(command)), origin=origin, environment=environment, **line)
