"""Lock files, conda environments and virtual environments: the versions that are exactly known."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import InvalidName, canonicalize_name

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.packaging.pyproject import load
from rootcellar.specialist.discover.packaging.requirements import Found, pinned, requirement
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Package, Place, Unread

#: uv.lock and poetry.lock of large projects are larger than other files, and flat.
_PACKAGE = re.compile(r"^\[\[package\]\]\s*$")
_CONDA_LINE = re.compile(
    r"^\s*-\s*[\"']?(?:[\w.-]+::)?([A-Za-z0-9._-]+)\s*(\[[\w,\s-]+\])?\s*([=<>!~][^\"'#]*)?[\"']?\s*(?:#.*)?$"
)
_VENV_NAMES = (".venv", "venv", "env", ".env", "virtualenv")
_DIST_INFO = re.compile(r"^(.+)-([^-]+)\.(?:dist-info|egg-info)$")


def read_toml(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what poetry.lock, uv.lock, pdm.lock or pylock.toml has locked."""
    loaded = load(tree, path)
    if loaded is None:
        return
    data, lines = loaded
    listed = data.get("package", data.get("packages"))
    heads = [number for number, line in enumerate(lines, 1) if re.match(r"^\[\[packages?\]\]\s*$", line)]
    for number, package in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(package, Mapping) and isinstance(package.get("name"), str):
            version = package.get("version")
            source = package.get("source")
            if isinstance(source, Mapping) and ("virtual" in source or source.get("editable") == "."):
                continue  # uv lists the project itself
            head = heads[number] if number < len(heads) else 0
            line = next(
                (at for at in range(head, min(head + 8, len(lines) + 1)) if at and _is_version(lines[at - 1])), head
            )
            found = _locked(package["name"], version, Place(path, line), _in_dev_only(package))
            if found is not None:
                yield found


def _is_version(line: str) -> bool:
    return re.match(r"^version\s*=", line) is not None


def _in_dev_only(package: Mapping[str, Any]) -> bool:
    groups = package.get("groups")
    if isinstance(groups, list) and groups:
        return not any(group in ("main", "default") for group in groups)
    return package.get("category") == "dev"


def read_pipfile_lock(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what Pipfile.lock has locked."""
    text = tree.text(path)
    if text is None:
        return
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        tree.unread.append(Unread(Place(path), "it is no well-formed JSON"))
        return
    lines = lines_of(text)
    at = {match[1]: number for number, line in enumerate(lines, 1) if (match := re.match(r'^\s*"([^"]+)":\s*\{', line))}
    for category, packages in data.items() if isinstance(data, dict) else ():
        if category == "_meta" or not isinstance(packages, dict):
            continue
        for name, details in packages.items():
            version = details.get("version", "") if isinstance(details, dict) else ""
            found = _locked(name, version, Place(path, at.get(name, 0)), category == "develop")
            if found is not None:
                yield found


def _locked(name: str, version: object, place: Place, development: bool) -> Found | None:
    if not isinstance(version, str) or not version:
        return None
    exact = version.lstrip("=")
    root = place.path.rpartition("/")[0]
    return Found(
        Package(canonicalize_name(name), place, "lock", f"=={exact}", exact, (), root, is_for_development=development)
    )


def read_conda(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a conda environment asks for, its ``pip:`` part too. Read by lines: PyYAML need not be there."""
    text = tree.text(path)
    if text is None or "dependencies:" not in text:
        return
    root = path.rpartition("/")[0]
    is_inside = False
    for number, line in enumerate(lines_of(text), 1):
        if re.match(r"^[\w-]+:", line):
            is_inside = line.startswith("dependencies:")
        match = _CONDA_LINE.match(line) if is_inside else None
        if match is None or match[1] in ("python", "pip"):
            continue
        specifier = (match[3] or "").strip()
        if re.match(r"^=[^=]", specifier):  # conda's own: a version, or its beginning; then a build behind another =
            wanted = specifier[1:].partition("=")[0]
            specifier = f"=={wanted}" if wanted.count(".") > 1 or wanted.endswith("*") else f"=={wanted}.*"
        one = requirement(f"{match[1]}{match[2] or ''}{specifier}", Place(path, number), root)
        if one is not None:
            yield one


def read_installed(tree: Tree, root: str) -> Iterator[Found]:
    """Yield what the virtual environment in a folder holds, by the names of its ``*.dist-info``."""
    for name in _VENV_NAMES:
        environment = tree.root / root / name
        try:
            if not (environment / "pyvenv.cfg").is_file():
                continue
            folders = sorted([*environment.glob("lib/python*/site-packages"), *environment.glob("Lib/site-packages")])
            for folder in folders:
                yield from _installed_in(folder, tree.root, root)
        except OSError:
            tree.unread.append(Unread(Place(f"{root}/{name}".lstrip("/")), "the virtual environment cannot be listed"))


def _installed_in(folder: Path, top: Path, root: str) -> Iterator[Found]:
    for entry in sorted(folder.iterdir()):
        match = _DIST_INFO.match(entry.name)
        if match is None:
            continue
        try:
            name = canonicalize_name(match[1], validate=True)
        except InvalidName:
            continue
        place = Place(entry.relative_to(top).as_posix())
        yield Found(Package(name, place, "installed", f"=={match[2]}", pinned(f"=={match[2]}"), (), root))
