"""The names of settings: read as the release reads them."""

from pathlib import Path

import pytest

from reading_apps import CELERY, one_app
from rootcellar.specialist.profile import App


def read_and_unread(app: App) -> tuple[dict[str, str], dict[str, str]]:
    return {one.written: one.name for one in app.settings}, {one.written: one.name for one in app.unread_settings}


NAMES: dict[str, tuple[str, str | None, str, dict[str, str], dict[str, str]]] = {
    "new names": (
        'result_backend = "r"\nredis_url = 1\nlogger = 2',
        None,
        "5.7.0",
        {"result_backend": "result_backend", "redis_url": "redis_url"},
        {},
    ),
    "a helper": (
        'redis_url = "r"\nresult_backend = redis_url',
        None,
        "5.7.0",
        {"result_backend": "result_backend"},
        {},
    ),
    "old names": (
        (
            'BROKER_URL = "b"\nCELERY_RESULT_BACKEND = "r"\nCELERY_TASK_RESULT_EXPIRES = 1\n'
            "CELERYD_CONCURRENCY = 2\nCELERYBEAT_SCHEDULE = {}\nDEBUG = 1"
        ),
        None,
        "5.7.0",
        {
            "BROKER_URL": "broker_url",
            "CELERY_RESULT_BACKEND": "result_backend",
            "CELERY_TASK_RESULT_EXPIRES": "result_expires",
            "CELERYD_CONCURRENCY": "worker_concurrency",
            "CELERYBEAT_SCHEDULE": "beat_schedule",
        },
        {},
    ),
    "prefixed names without a namespace": (
        'CELERY_BROKER_URL = "b"',
        None,
        "5.7.0",
        {},
        {"CELERY_BROKER_URL": "broker_url"},
    ),
    "a prefixed name that Celery does not have": (
        "CELERY_NONSENSE = 1",
        None,
        "5.7.0",
        {"CELERY_NONSENSE": "celery_nonsense"},
        {},
    ),
    "a namespace": (
        'CELERY_RESULT_BACKEND = "r"\nCELERY_NONSENSE = 1\nCELERY_TASK_RESULT_EXPIRES = 1\nDEBUG = 1\nREDIS_HOST = "h"',
        "CELERY",
        "5.7.0",
        {
            "CELERY_RESULT_BACKEND": "result_backend",
            "CELERY_NONSENSE": "nonsense",
            "CELERY_TASK_RESULT_EXPIRES": "result_expires",
        },
        {},
    ),
    "names without the prefix": (
        'RESULT_BACKEND = "r"\nTASK_SERIALIZER = "json"',
        "CELERY",
        "5.7.0",
        {},
        {"RESULT_BACKEND": "result_backend", "TASK_SERIALIZER": "task_serializer"},
    ),
    "a step to a prefixed name": (
        'RESULT_BACKEND = "r"\nCELERY_RESULT_BACKEND = RESULT_BACKEND',
        "CELERY",
        "5.7.0",
        {"CELERY_RESULT_BACKEND": "result_backend"},
        {},
    ),
    "old names with a namespace, from 5.7 on": (
        'BROKER_URL = "b"',
        "CELERY",
        "5.7.0",
        {"BROKER_URL": "broker_url"},
        {},
    ),
    "old names with a namespace, before 5.7": ('BROKER_URL = "b"', "CELERY", "5.6.3", {}, {"BROKER_URL": "broker_url"}),
    "a lower-case name with a namespace": (
        'result_backend = "b"',
        "CELERY",
        "5.6.3",
        {"result_backend": "result_backend"},
        {},
    ),
    "a lower-case namespace": (
        'celery_result_backend = "b"',
        "celery",
        "5.7.0",
        {"celery_result_backend": "result_backend"},
        {},
    ),
    "another namespace": (
        "SHOP_RESULT_EXPIRES = 1\nCELERY_RESULT_EXPIRES = 2",
        "SHOP_",
        "5.7.0",
        {"SHOP_RESULT_EXPIRES": "result_expires"},
        {"CELERY_RESULT_EXPIRES": "result_expires"},
    ),
}


@pytest.mark.parametrize(("code", "namespace", "version", "read", "unread"), NAMES.values(), ids=NAMES.keys())
def test_names_are_read_as_the_release_reads_them(
    tmp_path: Path, code: str, namespace: str | None, version: str, read: dict[str, str], unread: dict[str, str]
) -> None:
    app_code = CELERY + f'app = Celery("x")\napp.config_from_object("conf", namespace={namespace!r})'
    app = one_app(tmp_path, {"app.py": app_code, "conf.py": code}, version=version)
    assert read_and_unread(app) == (read, unread)
    assert app.namespace == namespace
