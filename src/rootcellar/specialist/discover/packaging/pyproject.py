"""pyproject.toml and Pipfile: what a project's TOML files require, and in which lines."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rootcellar.specialist.discover.lines import line_with, lines_of
from rootcellar.specialist.discover.packaging.requirements import (
    Found,
    is_for_development,
    marker_holds,
    pinned,
    requirement,
)
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Package, Place, Unread

_QUOTED = re.compile(r"""\"((?:[^"\\]|\\.)*)\"|'([^']*)'""")


def load(tree: Tree, path: str) -> tuple[Mapping[str, Any], list[str]] | None:
    """Parse a TOML file; return its data and lines. What is no TOML is noted in ``tree.unread``."""
    text = tree.text(path)
    if text is None:
        return None
    try:
        return tomllib.loads(text), lines_of(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        at = re.search(r"at line (\d+)", str(exc))
        why = "it is nested too deeply" if isinstance(exc, RecursionError) else "it is no well-formed TOML"
        tree.unread.append(Unread(Place(path, int(at[1]) if at else 0), why))
        return None


def read(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a pyproject.toml requires: PEP 621 and 735, Poetry, PDM, Hatch, uv."""
    loaded = load(tree, path)
    if loaded is None:
        return
    data, lines = loaded
    root = path.rpartition("/")[0]
    texts = _texts(lines)
    project, tool = table(data, "project"), table(data, "tool")
    yield from _listed(project.get("dependencies"), path, texts, root)
    for name, extra in table(project, "optional-dependencies").items():
        yield from _listed(extra, path, texts, root, development=is_for_development(name))
    groups = [(name, group) for name, group in table(data, "dependency-groups").items()]
    groups.extend(table(table(tool, "pdm"), "dev-dependencies").items())
    groups.append(("dev", table(tool, "uv").get("dev-dependencies")))
    for name, group in groups:
        # A group of PEP 735 is not part of the package, and "worker" or "prod" may still be what is deployed.
        yield from _listed(group, path, texts, root, development=is_for_development(name))
    for name, environment in table(table(tool, "hatch"), "envs").items():
        for key in ("dependencies", "extra-dependencies"):
            listed = environment.get(key) if isinstance(environment, Mapping) else None
            yield from _listed(listed, path, texts, root, development=name != "default" or is_for_development(name))
    yield from _poetry(table(tool, "poetry"), path, lines, root)


def read_pipfile(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a Pipfile requires."""
    loaded = load(tree, path)
    if loaded is None:
        return
    data, lines = loaded
    root = path.rpartition("/")[0]
    for category, packages in data.items():
        if category in ("source", "requires", "pipenv", "scripts") or not isinstance(packages, Mapping):
            continue
        development = category == "dev-packages" or is_for_development(category)
        yield from _named(packages, path, lines, root, (category,), development=development)


def _poetry(poetry: Mapping[str, Any], path: str, lines: list[str], root: str) -> Iterator[Found]:
    yield from _named(table(poetry, "dependencies"), path, lines, root, ("tool", "poetry", "dependencies"))
    old = table(poetry, "dev-dependencies")
    yield from _named(old, path, lines, root, ("tool", "poetry", "dev-dependencies"), development=True)
    for name, group in table(poetry, "group").items():
        packages = table(group, "dependencies") if isinstance(group, Mapping) else {}
        where = ("tool", "poetry", "group", name, "dependencies")
        yield from _named(packages, path, lines, root, where, development=is_for_development(name))


def _named(
    packages: Mapping[str, Any],
    path: str,
    lines: list[str],
    root: str,
    where: Iterable[str],
    *,
    development: bool = False,
) -> Iterator[Found]:
    """Yield what a table says whose keys are packages: ``celery = {version = "^5.3", extras = ["redis"]}``."""
    start = _table_line(lines, where)
    for name, wanted in packages.items():
        if name == "python":
            continue
        line = _key_line(lines, name, start)
        for one in wanted if isinstance(wanted, list) else [wanted]:
            details = one if isinstance(one, Mapping) else {"version": one}
            written = details.get("version", "")
            specifier = from_poetry(written) if isinstance(written, str) else ""
            extras = details.get("extras", ())
            package = Package(
                canonicalize_name(name),
                Place(path, line),
                "requirement",
                specifier,
                pinned(specifier) or str(details.get("tag", "")).removeprefix("v"),
                tuple(sorted(str(extra) for extra in extras)) if isinstance(extras, list) else (),
                root,
                development,
            )
            marker = details.get("markers")
            yield Found(package, not isinstance(marker, str) or marker_holds(marker))


def _listed(
    listed: object, path: str, lines: Mapping[str, int], root: str, *, development: bool = False
) -> Iterator[Found]:
    """Yield what a list of PEP 508 texts says; ``lines`` are those of the file's texts."""
    for text in listed if isinstance(listed, list) else ():
        if isinstance(text, str):
            one = requirement(text, Place(path, lines.get(text, 0)), root, development=development)
            if one is not None:
                yield one


def _texts(lines: list[str]) -> dict[str, int]:
    """Return the quoted texts of a file, each with the first line it stands in."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        for double, single in _QUOTED.findall(line):
            found.setdefault(double.replace('\\"', '"') or single, number)
    return found


def table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a table; an empty one where there is none."""
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _table_line(lines: list[str], where: Iterable[str]) -> int:
    dotted = ".".join(where)
    header = re.compile(rf"^\s*\[\s*{re.escape(dotted)}\s*\]")
    return next((number for number, line in enumerate(lines, 1) if header.match(line.replace('"', ""))), 1)


def _key_line(lines: list[str], name: str, start: int) -> int:
    key = re.compile(rf"^\s*(?:\[.*\.)?[\"']?{re.escape(name)}[\"']?\s*(?:=|\.|\])")
    for number in range(start, len(lines) + 1):
        if key.match(lines[number - 1]):
            return number
    return line_with(lines, [name], start=start)


def from_poetry(text: str) -> str:
    """Turn a constraint of Poetry's or Pipenv's into a PEP 440 specifier; empty where it allows everything.

    >>> [from_poetry(text) for text in ("^5.3", "~5.3.1", "5.3.6", "*", ">=5.2,<5.4", "5.3.*", "^0.2.3", "^5.3 || ^6")]
    ['>=5.3,<6', '>=5.3.1,<5.4', '==5.3.6', '', '>=5.2,<5.4', '==5.3.*', '>=0.2.3,<0.3', '>=5.3']
    """
    alternatives = [part.strip() for part in text.split("||")]
    if len(alternatives) > 1:
        # PEP 440 has no "or": what all of them together begin at is as near as it gets.
        starts = [from_poetry(part).split(",")[0] for part in alternatives]
        return min((start for start in starts if start.startswith(">")), key=_low, default="")
    parts = re.sub(r"([<>=!~^]+)\s+", r"\1", alternatives[0]).replace(",", " ").split()
    return ",".join(filter(None, map(_from_poetry_part, parts)))


def _from_poetry_part(text: str) -> str:
    if text in ("*", ""):
        return ""
    if text.startswith("^"):
        return _up_to(text[1:], _caret(text[1:]))
    if text.startswith("~") and not text.startswith("~="):
        return _up_to(text[1:], 2 if "." in text else 1)
    if text[0].isdigit():
        return f"=={text}"
    return f"={text}" if text.startswith("=") and not text.startswith("==") else text


def _caret(version: str) -> int:
    """Return how many numbers stay the same: those up to the first that is not 0."""
    numbers = version.split(".")
    return next((n for n, number in enumerate(numbers, 1) if number != "0"), len(numbers))


def _up_to(version: str, kept: int) -> str:
    try:
        release = list(Version(version).release)
    except InvalidVersion:
        return ""
    release = (release + [0] * kept)[:kept]
    release[-1] += 1
    return f">={version},<{'.'.join(map(str, release))}"


def _low(specifier: str) -> Version:
    try:
        return Version(specifier.lstrip(">="))
    except InvalidVersion:
        return Version("0")
