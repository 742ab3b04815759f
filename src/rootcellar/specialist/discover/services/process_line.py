"""The command line of a process: what it starts, and with which pool."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TypedDict

from rootcellar.specialist.discover.services.interpolation import interpolated
from rootcellar.specialist.profile.address import is_hole

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})
_BREAKS = frozenset({"&&", "||", ";", "|", "&", "\n", "(", ")", ";;", "|&"})
_WORKER = frozenset({"worker", "multi"})
_SUBCOMMANDS = _WORKER | {"beat", "flower"}
_WEB = frozenset(
    {"gunicorn", "uvicorn", "daphne", "hypercorn", "granian", "uwsgi", "waitress-serve", "runserver", "runserver_plus"}
)
#: Celery's options that take a value; the others are flags.
_SHORT_WITH_VALUE = frozenset("AbcPnQXIsSlfOFxt")
_LONG_WITH_VALUE = frozenset(
    """--app --broker --result-backend --loader --config --workdir --concurrency --pool --hostname --statedb --loglevel
    --prefetch-multiplier --queues --exclude-queues --include --schedule --scheduler --autoscale --max-tasks-per-child
    --max-memory-per-child --time-limit --soft-time-limit --logfile --pidfile --uid --gid --umask --executable
    --optimization --max-interval""".split()  # noqa: SIM905 - a list of words
)
_RANK = ("worker", "beat", "flower", "web", "other")
_DEEPEST = 4
#: Characters of a command line; the time that its splitting takes grows with their square.
_LONGEST = 50_000


class ProcessLine(TypedDict):
    """What a command line says; the fields are those of :class:`~rootcellar.specialist.profile.Process`."""

    role: str
    app: str
    pool: str
    concurrency: int | None
    has_beat: bool
    replicas: int


def process_of(command: Sequence[str] | str) -> ProcessLine:
    """Read a command line. A script that starts a worker and beat is a worker that has beat.

    >>> process_of("celery -A shop worker -P gevent -c 100 -B")
    {'role': 'worker', 'app': 'shop', 'pool': 'gevent', 'concurrency': 100, 'has_beat': True, 'replicas': 1}
    """
    found = [_read(words) for words in commands_in(command)]
    best = min(found, key=lambda one: _RANK.index(one["role"]), default=_line("other"))
    if any(one["has_beat"] for one in found):
        best["has_beat"] = True
    return best


def commands_in(command: Sequence[str] | str, depth: int = 0) -> Iterator[list[str]]:
    """Yield the simple commands of a command line, those of ``sh -c`` scripts instead of the shell."""
    words = split_line(command) if isinstance(command, str) else [word for word in command if isinstance(word, str)]
    one: list[str] = []
    for word in [*words, ";"]:
        if word not in _BREAKS:
            one.append(word)
            continue
        if one:
            script = _script(one)
            if script is not None and depth < _DEEPEST:
                yield from commands_in(script, depth + 1)
            else:
                yield one
        one = []


def split_line(text: str) -> list[str]:
    """Split a command line as a shell would; its operators are words of their own, unknown variables become holes."""
    filled = interpolated(text.strip().replace("\\\n", " ").replace("\n", " ; "), bare=True)
    return words_of(filled, punctuation=";&|()")


def words_of(text: str, punctuation: str = "") -> list[str]:
    """Split a text at blanks that are not quoted; letters of ``punctuation`` are words of their own.

    One with a quote that is not closed, or that is far too long, is split at all blanks.
    """
    if len(text) > _LONGEST:
        return text.split()
    lexer = shlex.shlex(text, posix=True, punctuation_chars=punctuation)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return text.split()


def is_shell(word: str) -> bool:
    """Whether a word starts a shell: ``sh``, ``/bin/bash``."""
    return word.rpartition("/")[2] in _SHELLS


def _script(words: list[str]) -> str | None:
    """Return the script of ``sh -c "…"``, whatever stands before the shell."""
    for at, word in enumerate(words):
        if is_shell(word):
            for following, option in enumerate(words[at + 1 :], at + 1):
                if not option.startswith("-"):
                    break
                if not option.startswith("--") and option.endswith("c"):
                    return words[following + 1] if following + 1 < len(words) else None
            return None
    return None


def _read(words: list[str]) -> ProcessLine:
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if " " in word and "celery" in word and at:  # watchfiles "celery …", su -c "celery …"
            inner = process_of(word)
            if inner["role"] != "other":
                return inner
        if name == "celery.__main__.main":
            return _celery(split_line(_option(words[at + 1 :], ("--args",)))) or _line("other")
        if name in ("celery", "celery.exe", "{CELERY_BIN}", "{CELERY}"):
            celery = _celery(words[at + 1 :])
            if celery is not None:
                return celery
        elif name in ("celeryd", "celerybeat"):
            return _celery(["worker" if name == "celeryd" else "beat", *words[at + 1 :]]) or _line("other")
        elif name == "flower" and at == 0:
            return _line("flower")
        elif name in _WEB or (name in ("flask", "fastapi") and words[at + 1 : at + 2] in (["run"], ["dev"])):
            return _line("web", concurrency=_number(_option(words[at + 1 :], ("-w", "--workers", "-p", "--processes"))))
    return _line("other")


def _celery(arguments: list[str]) -> ProcessLine | None:
    options: dict[str, str] = {}
    positional: list[str] = []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        following = arguments[at] if at < len(arguments) else ""
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if not equals and name in _LONG_WITH_VALUE:
                value = following
                at += 1
            options[name] = value
        elif word.startswith("-") and len(word) > 1:
            at += _short(word[1:], following, options)
        else:
            positional.append(word)
    subcommand = next((word for word in positional if word in _SUBCOMMANDS), None)
    if subcommand is None:
        return None
    if subcommand == "multi" and not {"start", "restart"} & set(positional):
        return None
    role = "worker" if subcommand in _WORKER else subcommand
    autoscale = options.get("--autoscale", "").partition(",")[0]
    concurrency = _number(autoscale) if autoscale else _number(options.get("-c", options.get("--concurrency", "")))
    return _line(
        role,
        app=_known(options.get("-A", options.get("--app", ""))),
        pool=_known(options.get("-P", options.get("--pool", ""))) if role == "worker" else "",
        concurrency=concurrency if role == "worker" else None,
        has_beat=role == "beat" or "-B" in options or "--beat" in options,
        replicas=_nodes(positional) if subcommand == "multi" else 1,
    )


def _short(letters: str, following: str, options: dict[str, str]) -> int:
    """Read ``-Pgevent``, ``-BE``, ``-c`` ``8``; return how many further words that took."""
    for at, letter in enumerate(letters):
        if letter in _SHORT_WITH_VALUE:
            rest = letters[at + 1 :]
            # `celery multi` also has -c:name, for one node.
            options[f"-{letter}"] = rest.removeprefix("=") if rest and not rest.startswith(":") else following
            return 0 if rest and not rest.startswith(":") else 1
        options[f"-{letter}"] = ""
    return 0


def _nodes(positional: list[str]) -> int:
    """Return how many workers ``multi start 3``, or ``multi start one two``, starts."""
    at = next((n for n, word in enumerate(positional) if word in ("start", "restart")), len(positional))
    nodes = positional[at + 1 :]
    return int(nodes[0]) if len(nodes) == 1 and _number(nodes[0]) else max(1, len(nodes))


def _option(words: list[str], names: Sequence[str]) -> str:
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else "".join(words[at + 1 : at + 2])
        short = re.match(r"^(-[a-z])(\d+)$", word)
        if short is not None and short[1] in names:
            return short[2]
    return ""


def _known(text: str) -> str:
    return "" if is_hole(text) else text


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _line(
    role: str,
    *,
    app: str = "",
    pool: str = "",
    concurrency: int | None = None,
    has_beat: bool = False,
    replicas: int = 1,
) -> ProcessLine:
    return ProcessLine(role=role, app=app, pool=pool, concurrency=concurrency, has_beat=has_beat, replicas=replicas)
