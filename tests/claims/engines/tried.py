"""Which engines are tried here, and why the others are not."""

from collections.abc import Mapping
from typing import Any

import pytest

_MARKS: Mapping[str, tuple[Any, ...]] = {
    "redis": (pytest.mark.redis,),
    "sentinel": (pytest.mark.sentinel,),
    "mongodb": (pytest.mark.mongodb,),
    "database on PostgreSQL": (pytest.mark.postgresql,),
    "database on MariaDB": (pytest.mark.mariadb,),
    "rpc": (pytest.mark.rabbitmq,),
}

TRIED = (
    "redis",
    "sentinel",
    "database",
    "django-db",
    "django-cache",
    "mongodb",
    "rpc",
    "filesystem",
    "cache",
    "disabled",
)

NOT_TRIED: Mapping[str, str] = {
    "redis-cluster": "Celery has no such backend",
    "other": "their servers cannot be started here; that Celery's source names their settings is tested",
    "cellar-redis": "what rootcellar honours is its own tests' business; that it reads these settings is tested",
    "cellar-postgresql": "as cellar-redis",
    "cellar-sqlite": "as cellar-redis",
    "unknown": "it is nothing",
}


def each(*engines: str) -> list[Any]:
    """Return parameters: engines, with the marks of their servers."""
    return [of(engine) for engine in engines or TRIED]


def of(engine: str, *values: Any) -> Any:
    """Return one parameter set that begins with an engine."""
    return pytest.param(engine, *values, marks=_MARKS.get(engine, ()), id=" ".join((engine, *map(str, values))))
