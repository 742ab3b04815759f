"""What releases of Celery and kombu require, as they declare it themselves (``data/requirements.json``)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def required(name: str, version: str, package: str, extras: frozenset[str] = frozenset()) -> tuple[SpecifierSet, ...]:
    """Return which versions of ``package`` a release of ``name`` admits, its ``extras`` included.

    For a release that is not on record these are what its two neighbours of the same minor say, each of which may be
    true; nothing where it has none, or where one of them says nothing of the package.

    >>> [str(one) for one in required("celery", "5.5.3", "kombu")]
    ['<5.6,>=5.5.2']
    >>> [str(one) for one in required("celery", "5.4.0", "redis", frozenset({"redis"}))]
    ['!=4.5.5,<6.0.0,>=4.5.2']
    >>> required("celery", "5.5.1", "redis", frozenset({"redis"}))
    ()
    """
    said = [_in(name, release, package, extras) for release in _near(name, Version(version))]
    return tuple(said) if all(str(one) for one in said) else ()


def _near(name: str, version: Version) -> list[str]:
    releases = [one for one in _recorded()[name] if Version(one).release[:2] == version.release[:2]]
    exact = [one for one in releases if Version(one) == version]
    below = [one for one in releases if Version(one) < version][-1:]
    above = [one for one in releases if Version(one) > version][:1]
    return exact or (below + above if below and above else [])


def _in(name: str, release: str, package: str, extras: frozenset[str]) -> SpecifierSet:
    wanted = SpecifierSet()
    for one in map(Requirement, _recorded()[name][release]):
        if one.name == package and (
            one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ):
            wanted &= one.specifier
    return wanted


def handed_on(version: str, extras: frozenset[str]) -> frozenset[str]:
    """Return the extras that a release of Celery asks of kombu where it is asked for ``extras`` itself.

    >>> handed_on("5.5.3", frozenset({"redis"})), handed_on("5.4.0", frozenset({"redis"}))
    (frozenset({'redis'}), frozenset())
    """
    asked = [
        {one for extra in extras for one in _kombu_extras(release, extra)}
        for release in _near("celery", Version(version))
    ]
    return frozenset(set.intersection(*asked)) if asked else frozenset()


def _kombu_extras(release: str, extra: str) -> set[str]:
    requirements = map(Requirement, _recorded()["celery"][release])
    return {
        name
        for one in requirements
        if one.name == "kombu" and one.marker is not None and one.marker.evaluate({"extra": extra})
        for name in one.extras
    }


@cache
def columns_of(version: str, *, extended: bool) -> frozenset[str]:
    """Return the columns that a Celery's database backend asks of its result table, by its own model.

    Those of the newest release on record that is not newer. ``extended``: with ``result_extended``.

    >>> sorted(columns_of("5.7.0", extended=False) - columns_of("5.6.3", extended=False))
    ['children']
    """
    text = (resources.files(__package__) / "data" / "columns.json").read_text("utf-8")
    recorded: Mapping[str, Mapping[str, list[str]]] = json.loads(text)
    below = [one for one in recorded if Version(one) <= Version(version)] or list(recorded)[:1]
    columns = recorded[below[-1]]
    return frozenset(columns["always"] + (columns["extended"] if extended else []))


@cache
def _recorded() -> Mapping[str, Mapping[str, list[str]]]:
    text = (resources.files(__package__) / "data" / "requirements.json").read_text("utf-8")
    recorded: Mapping[str, Mapping[str, list[str]]] = json.loads(text)
    return recorded
