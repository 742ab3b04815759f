"""The table: its rows, and what is asked of them."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rootcellar.specialist.engines.engine import Driver, Engine
from rootcellar.specialist.engines.rows_celery import CACHE, DISABLED, FILESYSTEM, MONGODB, OTHER, RPC, UNKNOWN
from rootcellar.specialist.engines.rows_cellar import CELLAR_POSTGRESQL, CELLAR_REDIS, CELLAR_SQLITE
from rootcellar.specialist.engines.rows_database import DATABASE, DJANGO_CACHE, DJANGO_DB
from rootcellar.specialist.engines.rows_redis import CLUSTER, REDIS, SENTINEL

ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        row.name: row
        for row in (
            REDIS,
            SENTINEL,
            CLUSTER,
            DATABASE,
            DJANGO_DB,
            DJANGO_CACHE,
            MONGODB,
            RPC,
            FILESYSTEM,
            CACHE,
            DISABLED,
            OTHER,
            CELLAR_REDIS,
            CELLAR_POSTGRESQL,
            CELLAR_SQLITE,
            UNKNOWN,
        )
    }
)

#: every setting that some engine reads: one that is here and that an engine does not honour is ignored by it
RESULT_SETTINGS: frozenset[str] = frozenset(name for row in ENGINES.values() for name in row.settings) | {
    # Celery has had them for ever, and no engine reads them any more.
    "result_exchange",
    "result_exchange_type",
}

_HOLE = re.compile(r"\{[^{}]*\}")
_SCHEMES = {scheme: row for row in ENGINES.values() for scheme in row.schemes}
_CLASSES = {path: row for row in ENGINES.values() for path in row.classes}


def engine_of(url: str | None) -> Engine:
    """Return the engine of a ``result_backend``: ``disabled`` for none set (empty), ``unknown`` for ``None``.

    A text that may have holes (``{NAME}``), a bare name, or the path of a class: what Celery takes. It is ``unknown``
    where the hole hides the engine, for a class of the project's own, and for what Celery would not know either;
    Celery tells ``REDIS`` from ``redis``.

    >>> engine_of("redis://:{PASSWORD}@{HOST}/0").name, engine_of("{REDIS_URL}").name
    ('redis', 'unknown')
    >>> engine_of("db+postgresql://db/x").name, engine_of("postgresql://db/x").name
    ('database', 'unknown')
    >>> engine_of("celery.backends.rpc:RPCBackend").name, engine_of("").name
    ('rpc', 'disabled')
    """
    if url is None:
        return UNKNOWN
    scheme, separator, _ = url.partition("://")
    if not scheme:
        return UNKNOWN if separator else DISABLED
    if not separator and scheme.replace(":", ".") in _CLASSES:
        return _CLASSES[scheme.replace(":", ".")]
    if scheme.startswith("cellar+"):
        scheme = scheme.lower()  # rootcellar takes any case, Celery none but its own
    elif _HOLE.search(scheme.partition("+")[0]):
        return UNKNOWN
    if scheme in _SCHEMES and not scheme.endswith("+"):
        return _SCHEMES[scheme]
    beginnings = (one for one in _SCHEMES if one.endswith("+") and scheme.startswith(one) and separator)
    return next((_SCHEMES[one] for one in beginnings), UNKNOWN)


def honours(engine: Engine, setting: str, version: Version) -> bool:
    """Whether this engine, under this Celery, reads a setting. An unknown engine may read anything."""
    return engine is UNKNOWN or holds(engine.settings.get(setting, ""), version)


def holds(versions: str, version: Version) -> bool:
    """Whether a specifier of the table (``>=5.7``; empty: none) holds for a Celery; a pre-release counts as released.

    >>> holds(">=5.7", Version("5.7.0rc1")), holds("", Version("5.7.0"))
    (True, False)
    """
    return bool(versions) and _specifier(versions).contains(Version(version.base_version))


_specifier = cache(SpecifierSet)


def drivers_of(engine: Engine, url: str) -> tuple[Driver, ...]:
    """Return the drivers that a ``result_backend`` needs: of each, one package.

    >>> [driver.packages for driver in drivers_of(DATABASE, "db+mysql+pymysql://db/x")]
    [('sqlalchemy',), ('pymysql',)]
    """
    return tuple(one for one in engine.drivers if not one.schemes or url.startswith(one.schemes))
