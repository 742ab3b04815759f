"""Env files: ``.env`` and its like, as python-dotenv, compose and direnv read them."""

import re
from collections.abc import Iterator

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.repository import Repository
from rootcellar.specialist.discover.services.interpolation import interpolated
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import EnvFile, Place, Unread, Variable

_NAME = re.compile(r"^(?:\.?env(?:[._-].*)?|\.envrc|.+\.env|\.flaskenv|env)$", re.IGNORECASE)
_FOLDERS = frozenset({"env", "envs", ".env", ".envs"})
_EXAMPLE = re.compile(
    r"(?:^|[._-])(?:example|examples|sample|template|tmpl|tpl|dist|j2|jinja2?)(?:[._-]|$)", re.IGNORECASE
)
#: Endings of files that are something else, or that only a key opens.
_OTHER = re.compile(
    r"\.(?:py|pyi|ya?ml|json|jsx?|tsx?|toml|md|rst|cfg|ini|go|rb|php|lua|html?|css|conf|sql|gpg|age|enc|vault|keys|lock|"
    r"zip|gz|png|svg|d\.ts)$",
    re.IGNORECASE,
)
_BEGIN = re.compile(r"^\s*(?:export\s+|set\s+-x\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*(.*)$", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}
#: Lines that a quoted value may go on for: a private key has about fifty.
_MOST_LINES = 200


def is_env_file(path: str) -> bool:
    """Whether a path is that of an env file.

    >>> [is_env_file(path) for path in (".env", "api/.env.local", "prod.env", ".envs/.production/.django", "env.py")]
    [True, True, True, True, False]
    """
    *folders, name = path.split("/")
    if _OTHER.search(name):
        return False
    if _NAME.match(name):
        return True
    return not _FOLDERS.isdisjoint(folders[-2:]) and ("." not in name.lstrip(".")) and not name.startswith("README")


def is_example(path: str) -> bool:
    """Whether an env file shows what to put into the real one.

    >>> is_example(".env.example"), is_example("sample.env"), is_example(".env.production")
    (True, True, False)
    """
    return _EXAMPLE.search(path.rpartition("/")[2]) is not None


def find_env_files(tree: Tree, repository: Repository | None) -> list[EnvFile]:
    """Return all env files, by path. Without a repository nothing is said of git."""
    paths = [path for path in tree.paths if is_env_file(path)]
    if repository is not None:
        repository.look_up(paths)
    found = []
    for path in paths:
        text = tree.text(path)
        if text is None:
            continue
        if "\0" in text:
            tree.unread.append(Unread(Place(path), "it is no text"))
            continue
        found.append(
            EnvFile(
                path,
                tuple(variables_of(text, path)),
                is_example(path),
                repository.tracked(path) if repository is not None else None,
                repository.ignored(path) if repository is not None else None,
            )
        )
    return found


def variables_of(text: str, path: str) -> Iterator[Variable]:
    """Yield the variables of an env file. What is not known of a value stands as ``{NAME}`` in it."""
    lines = lines_of(text)
    known: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line, begun = lines[number], number
        number += 1
        match = None if line.lstrip().startswith("#") else _BEGIN.match(line)
        if match is None:
            continue
        name, rest = match[1], match[2].strip()
        quote = rest[:1]
        if quote and quote in "\"'`":
            inside, number = _quoted(rest[1:], quote, lines, number)
            value = inside if quote == "'" else interpolated(_unescaped(inside), known)
        else:
            while rest.endswith("\\") and number < len(lines):
                rest = rest[:-1] + lines[number].strip()
                number += 1
            value = interpolated(re.sub(r"(?:^|\s)#.*$", "", rest).strip(), known)
        known[name] = value
        yield Variable(name, value, Place(path, begun + 1))


def _quoted(rest: str, quote: str, lines: list[str], number: int) -> tuple[str, int]:
    """Return what stands between the quotes, and the line to go on with; a quote that is never closed ends its line."""
    pieces = [rest]
    following = number
    while (end := _end_of_quote(text := "\n".join(pieces), quote)) < 0:
        if following >= len(lines) or following - number > _MOST_LINES:
            return rest, number
        pieces.append(lines[following])
        following += 1
    return text[:end], following


def _end_of_quote(text: str, quote: str) -> int:
    at = 0
    while at < len(text):
        if text[at] == "\\" and quote == '"':
            at += 1
        elif text[at] == quote:
            return at
        at += 1
    return -1


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text, flags=re.DOTALL)
