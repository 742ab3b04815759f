"""Celery's settings: name, type, default and old names, release by release, read off Celery itself (see ``data/``)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from packaging.version import Version

#: Celery releases that the table knows, oldest first.
RELEASES: tuple[str, ...] = ("5.2.7", "5.3.6", "5.4.0", "5.5.3", "5.6.0", "5.6.3", "5.7.0")


@dataclass(frozen=True, slots=True)
class CelerySetting:
    """One setting of one release."""

    name: str
    #: Celery's own word: ``string``, ``int``, ``float``, ``bool``, ``dict``, ``list``, ``tuple``, ``bytes``, ``any``.
    #: Celery does not hold anybody to it: ``result_expires`` is a ``float`` and takes a ``timedelta`` too.
    type: str
    default: Any
    #: old upper-case names
    old: tuple[str, ...] = ()
    deprecated_by: str = ""
    remove_by: str = ""
    alt: str = ""
    #: read by Celery's code, and not among the settings it declares: it has no type and no old name
    is_undeclared: bool = False


@cache
def celery_settings(version: str) -> Mapping[str, CelerySetting]:
    """Return all settings of a Celery, by lower-case name: those of the nearest release that the table knows.

    That is the nearest one below ``version``, or the first one of its minor (``5.5.0`` has the names ``5.5.3`` has);
    below all of them, the first.

    >>> celery_settings("5.6.1")["result_expires"].default
    datetime.timedelta(days=1)
    >>> "database_create_tables_at_setup" in celery_settings("5.4.0")
    False
    """
    settings: dict[str, CelerySetting] = {}
    for release in _up_to(version):
        text = files(__package__).joinpath("data", f"celery-{release}.json").read_text(encoding="utf-8")
        for name, said in json.loads(text, object_hook=_decode).items():
            if said is None:
                settings.pop(name)
            else:
                settings[name] = CelerySetting(name, **{**said, "old": tuple(said.get("old", ()))})
    return MappingProxyType(settings)


def _up_to(version: str) -> list[str]:
    # 5.7.0rc1 has what 5.7.0 has, and a patch release hardly ever brings a setting.
    wanted = Version(version).release
    below = [release for release in RELEASES if Version(release).release <= wanted]
    if not below or Version(below[-1]).release[:2] != wanted[:2]:
        below += [release for release in RELEASES if Version(release).release[:2] == wanted[:2]][:1]
    return below or list(RELEASES[:1])


def _decode(value: dict[str, Any]) -> Any:
    match value:
        case {"$seconds": seconds}:
            return timedelta(seconds=seconds)
        case {"$float": text}:
            return float(text)
        case {"$tuple": members}:
            return tuple(members)
        case {"$set": members}:
            return set(members)
        case _:
            return value
