"""The Celery version: which one each part of a project runs on."""

import re
from collections.abc import Iterable, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rootcellar.specialist.profile import CeleryVersion, Package

#: The last releases of the lines before those that are known in detail.
_EARLIER = ("3.1.26", "4.0.2", "4.1.1", "4.2.2", "4.3.1", "4.4.7", "5.0.5", "5.1.2")
_LONG_NUMBER = re.compile(r"\d{6}")


def versions_of(packages: Iterable[Package], releases: Sequence[str]) -> list[CeleryVersion]:
    """Return the version for each folder that says something of Celery; nothing if none does.

    It is what is locked there, else what is pinned there, else what a folder above has locked if that is allowed here,
    else the newest of ``releases`` that is allowed.
    """
    celery = [one for one in packages if one.name == "celery" and one.origin in ("requirement", "lock")]
    roots = sorted({one.root for one in celery})
    return [_version_for(root, celery, releases) for root in roots]


def _version_for(root: str, celery: Sequence[Package], releases: Sequence[str]) -> CeleryVersion:
    here = sorted((one for one in celery if one.root == root), key=lambda one: one.is_for_development)
    for origin, said in (("lock", "locked"), ("requirement", "pinned")):
        exact = [one for one in here if one.origin == origin and _is_version(one.version)]
        if exact:
            # Of several in one file (one for each Python) the newest counts.
            same = [one for one in exact if one.place.path == exact[0].place.path]
            chosen = max(same, key=lambda one: Version(one.version))
            return CeleryVersion(Version(chosen.version).public, said, chosen.place, root)
    wanted = next((one for one in here if one.specifier), here[0])
    above = [
        one
        for one in celery
        if one.origin == "lock"
        and root.startswith(f"{one.root}/" if one.root else "")
        and _is_version(one.version)
        and _allowed(wanted.specifier, [one.version])
    ]
    if above:
        nearest = max(above, key=lambda one: len(one.root))
        return CeleryVersion(Version(nearest.version).public, "locked", nearest.place, root)
    if not wanted.specifier:
        return CeleryVersion(max(releases, key=Version), "newest", wanted.place, root)
    return CeleryVersion(_newest(wanted.specifier, releases), "allowed", wanted.place, root)


def _newest(specifier: str, releases: Sequence[str]) -> str:
    """Return the newest release that a specifier allows, one that the specifier itself names (``<=5.3.4``) included."""
    named = []
    try:
        for one in SpecifierSet(specifier):
            version = one.version.removesuffix(".*")
            if one.operator in ("<=", "~=", "==", ">=") and _is_version(version):
                named.append(version)
    except InvalidSpecifier:
        return max(releases, key=Version)
    known = _allowed(specifier, [*releases, *_EARLIER])
    exact = _allowed(specifier, [version for version in named if version.count(".") > 1])
    return max([*known, *exact] or named or releases, key=Version)


def _allowed(specifier: str, versions: Iterable[str]) -> list[str]:
    try:
        return list(SpecifierSet(specifier).filter(versions, prereleases=True))
    except InvalidSpecifier:
        return []


def _is_version(text: str) -> bool:
    """Whether it can be a version of Celery: ``20231107`` is one of something else, or no version at all."""
    try:
        return not _LONG_NUMBER.search(Version(text).public)
    except InvalidVersion:
        return False
