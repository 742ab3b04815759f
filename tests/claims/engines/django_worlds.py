"""The two places of django-celery-results. They need a Django that is set up: see ``django_observer.py``."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from claims.engines.worlds import Place, about

_TABLE = "django_celery_results_taskresult"


def set_up(path: Path) -> None:
    """Set up Django with an empty SQLite database at ``path`` and two caches in memory."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.configure(
        INSTALLED_APPS=["django_celery_results"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}},
        CACHES={name: {"BACKEND": memory, "LOCATION": name} for name in ("default", "other")},
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


class DjangoDatabase(Place):
    """Django's database: SQLite, looked into without Django."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def conf(self) -> dict[str, Any]:
        from django.db import connection

        connection.execute_wrappers.clear()
        self._execute(f"DELETE FROM {_TABLE}")
        self._execute(f"DELETE FROM sqlite_sequence WHERE name = '{_TABLE}'")
        return {"result_backend": "django-db"}

    def _execute(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(statement, values)

    def stored(self, backend: Any, task_id: str) -> Any:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.row_factory = sqlite3.Row
            row = connection.execute(f"SELECT * FROM {_TABLE} WHERE task_id = ?", [task_id]).fetchone()
        return row and dict(row)

    def remove(self, backend: Any, task_id: str) -> None:
        self._execute(f"DELETE FROM {_TABLE} WHERE task_id = ?", task_id)

    def age(self, backend: Any, task_id: str) -> None:
        self._execute(f"UPDATE {_TABLE} SET date_done = datetime(date_done, '-1 hour') WHERE task_id = ?", task_id)

    def break_down(self, backend: Any) -> None:
        from django.db import InterfaceError, connection

        def refuse(*args: Any) -> Any:
            raise InterfaceError("connection already closed")

        connection.execute_wrappers.append(refuse)


class DjangoCache(Place):
    """Django's caches, in memory."""

    def conf(self) -> dict[str, Any]:
        from django.core.cache import caches

        for name in ("default", "other"):
            caches[name].__dict__.pop("get", None)
            caches[name].clear()
        return {"result_backend": "django-cache"}

    def _found(self, task_id: str) -> tuple[str, Any, str] | None:
        from django.core.cache import caches

        places = ((name, caches[name], key) for name in ("default", "other") for key in list(caches[name]._cache))
        return next((place for place in places if place[2].endswith("-" + task_id)), None)

    def stored(self, backend: Any, task_id: str) -> Any:
        if (found := self._found(task_id)) is None:
            return None
        name, cache, key = found
        ttl = about(cache._expire_info[key] - time.time())
        return {"cache": name, "key": key, "value": cache._cache[key], "ttl": ttl}

    def remove(self, backend: Any, task_id: str) -> None:
        if found := self._found(task_id):
            del found[1]._cache[found[2]]

    def break_down(self, backend: Any) -> None:
        def refuse(key: str) -> Any:
            raise ConnectionRefusedError

        backend.cache_backend.get = refuse
