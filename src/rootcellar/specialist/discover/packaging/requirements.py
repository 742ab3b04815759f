"""Requirements files: ``requirements*.txt`` and ``.in``, with what they include."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from rootcellar.specialist.discover.lines import joined_lines
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Package, Place

_FILE = re.compile(r"(?:^|[-_.])(?:requirements?|reqs?|requires)(?:[-_.]|$)", re.IGNORECASE)
_FOLDER = re.compile(r"^(?:requirements?|reqs?|deps|dependencies)$", re.IGNORECASE)
_CONSTRAINTS = re.compile(r"(?:^|[-_.])constraints?(?:[-_.]|$)", re.IGNORECASE)
_DEVELOPMENT = re.compile(
    r"(?:^|[-_./])(?:dev|devel|develop|development|tests?|testing|lint|linting|docs?|ci|typing|types|mypy|local|build|"
    r"bench|benchmarks?|quality|style)(?:[-_./]|$)",
    re.IGNORECASE,
)
_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[\w./]))(.+)$")
# `pkg @ url` is PEP 508's; pip's own older form is `git+https://…#egg=pkg`.
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)(?:\[([\w,\s-]*)\])?")
_TAG = re.compile(r"@v?(\d+(?:\.\d+)+(?:(?:a|b|rc)\d+)?)(?=#|$)")
_OPTION = re.compile(r"\s+--?(?:hash|config-settings?|global-option|install-option)\b.*$")
_SPECIFIER = re.compile(r"^[\w.-]+\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A package, and whether its environment marker lets it be installed on Linux with this Python."""

    package: Package
    holds: bool = True


def is_for_development(name: str) -> bool:
    """Whether a file's or group's name says that it is for developing or testing only.

    >>> is_for_development("requirements-dev.txt"), is_for_development("requirements/production.txt")
    (True, False)
    """
    return _DEVELOPMENT.search(name.rpartition(".")[0] if name.endswith((".txt", ".in")) else name) is not None


def is_requirements_file(path: str) -> bool:
    """Whether a path is one of a requirements file, constraints files left out."""
    folder, _, name = path.rpartition("/")
    stem, _, ending = name.rpartition(".")
    if ending not in ("txt", "in", "pip") or _CONSTRAINTS.search(stem):
        return False
    return _FILE.search(stem) is not None or _FOLDER.match(folder.rpartition("/")[2]) is not None


def root_of(path: str) -> str:
    """Return the folder a requirements file is for: the one it is in, or the one above ``requirements/``.

    >>> root_of("api/requirements/base.txt"), root_of("requirements.txt")
    ('api', '')
    """
    folder = path.rpartition("/")[0]
    return folder.rpartition("/")[0] if _FOLDER.match(folder.rpartition("/")[2]) else folder


def read(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a requirements file asks for, the files that it includes read with it."""
    known = set(tree.paths)
    yield from _read(tree, path, root_of(path), known, {path}, is_for_development(path))


def _read(tree: Tree, path: str, root: str, known: set[str], met: set[str], development: bool) -> Iterator[Found]:
    text = tree.text(path)
    if text is None:
        return
    constraints: list[str] = []
    names: set[str] = set()
    for line, written in joined_lines(text):
        stripped = re.sub(r"(?:^|\s)#(?!egg=).*$", "", written).strip()
        include = _INCLUDE.match(stripped)
        if include is not None:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), include[1].strip()))
            if other not in known or other in met or len(met) > _DEEPEST:
                continue
            met.add(other)
            if stripped.startswith(("-c", "--constraint")):
                constraints.append(other)
                continue
            for found in _read(tree, other, root, known, met, development):
                names.add(found.package.name)
                yield found
        elif stripped:
            one = requirement(_OPTION.sub("", stripped), Place(path, line), root, development=development)
            if one is not None:
                names.add(one.package.name)
                yield one
    for other in constraints:
        yield from _constrained(tree, other, root, names)


def _constrained(tree: Tree, path: str, root: str, names: set[str]) -> Iterator[Found]:
    """Yield what a constraints file pins, of the packages that are asked for: it is a lock of a kind."""
    for line, written in joined_lines(tree.text(path) or ""):
        one = requirement(_OPTION.sub("", re.sub(r"(?:^|\s)#.*$", "", written).strip()), Place(path, line), root)
        if one is not None and one.package.version and one.package.name in names:
            package = one.package
            yield Found(Package(package.name, package.place, "lock", package.specifier, package.version, root=root))


def requirement(text: str, place: Place, root: str, *, development: bool = False) -> Found | None:
    """Read one requirement: PEP 508, a URL, a wheel's path; ``None`` for options and what is none."""
    text = text.strip()
    editable = re.match(r"(?:-e|--editable)(?:\s*=\s*|\s+)(.+)$", text)
    if editable is not None:
        text = editable[1].strip()
    if not text or text.startswith("-"):
        return None
    if "://" in text.partition(" @ ")[0] or text.startswith((".", "/")) or text.endswith(".whl"):
        return _from_url(text, place, root, development)
    try:
        read_one = Requirement(text)
    except InvalidRequirement:
        return None
    written = _SPECIFIER.match(text)
    specifier = re.sub(r"\s", "", written[1]) if written is not None and read_one.url is None else ""
    version = pinned(specifier) or (_tag(read_one.url) if read_one.url else "")
    extras = tuple(sorted(read_one.extras))
    name = canonicalize_name(read_one.name)
    package = Package(name, place, "requirement", specifier, version, extras, root, development)
    return Found(package, read_one.marker is None or _holds(read_one.marker))


def _from_url(text: str, place: Place, root: str, development: bool) -> Found | None:
    egg = _EGG.search(text)
    if egg is not None:
        extras = tuple(sorted(extra.strip() for extra in (egg[2] or "").split(",") if extra.strip()))
        name = canonicalize_name(re.split(r"[=<>]", egg[1])[0])
        return Found(Package(name, place, "requirement", "", _tag(text), extras, root, development))
    try:
        wheel, version, _, _ = parse_wheel_filename(text.partition("#")[0].rpartition("/")[2])
    except InvalidWheelFilename:
        return None
    return Found(Package(wheel, place, "requirement", f"=={version}", str(version), (), root, development))


def _tag(url: str) -> str:
    tag = _TAG.search(url)
    return tag[1] if tag is not None else ""


def pinned(specifier: str) -> str:
    """Return the version that a specifier leaves as the only one; empty if there is none.

    >>> pinned("==5.3.6"), pinned("==5.3.*"), pinned(">=5.3"), pinned("===5.3.6")
    ('5.3.6', '', '', '5.3.6')
    """
    try:
        exact = [one for one in SpecifierSet(specifier) if one.operator in ("==", "===") and "*" not in one.version]
    except InvalidSpecifier:
        return ""
    return exact[0].version if exact else ""


def marker_holds(text: str) -> bool:
    """Whether an environment marker holds on Linux with the running Python; one that is malformed does."""
    try:
        return _holds(Marker(text))
    except InvalidMarker:
        return True


def _holds(marker: Marker) -> bool:
    try:
        return marker.evaluate({"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": ""})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True
