"""The live configuration: what a loaded app is really configured with, and where that is not what its files say."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

from rootcellar.specialist.engines import CelerySetting, celery_settings
from rootcellar.specialist.profile import App, Place, Profile
from rootcellar.specialist.profile.shown import shown

#: Beginnings of the settings that are compared: those that bear on results.
_CONCERNED = (
    "result_",
    "redis_",
    "database_",
    "mongodb_",
    "cache_",
    "cellar_",
    "broker_url",
    "broker_use_ssl",
    "accept_content",
    "task_ignore_result",
    "task_store_errors_even_if_ignored",
    "task_track_started",
    "worker_concurrency",
    "worker_pool",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not, live, what the files say; ``read`` and ``live`` are as they may be shown."""

    setting: str
    app: str
    read: Any
    live: Any
    place: Place | None


def live_settings(app: Any) -> dict[str, Any]:
    """Return the settings of a loaded Celery app that bear on results, by Celery's lower-case names."""
    names = {name for name in (*celery_settings(_version()), *(str(key) for key in app.conf)) if _is_concerned(name)}
    return {name: app.conf.get(name) for name in sorted(names)}


def app_of(profile: Profile, app_name: str, loaded: Any) -> App | None:
    """Return which of a project's apps was loaded, by ``-A app_name`` or otherwise; ``None``: none of them."""
    module = app_name.partition(":")[0]
    wanted = (app_name, f"{module}:app", f"{module}:celery", f"{module}.celery:app", f"{module}.celery:celery")
    by_target = {one.target: one for one in profile.apps}
    return next((by_target[target] for target in (*_targets_of(loaded), *wanted) if target in by_target), None)


def _targets_of(loaded: Any) -> list[str]:
    """Return every ``module:variable`` that holds a loaded app."""
    modules = [(name, module) for name, module in sys.modules.items() if isinstance(module, ModuleType)]
    return [f"{name}:{key}" for name, module in modules for key, value in list(vars(module).items()) if value is loaded]


def differences(app: App, live: Mapping[str, Any]) -> list[Difference]:
    """Return where the live settings are not those read from the files, and what they are where that is unknown."""
    defaults = celery_settings(_version())
    found = []
    for name, value in live.items():
        setting = app.get(name)
        if setting is not None:
            if not setting.value.is_known or not _is_same(setting.value.data, value):
                read = shown(name, setting.value.data)
                found.append(Difference(name, app.target, read, shown(name, value), setting.place))
        elif value is not None and not _is_default(name, value, defaults):
            found.append(Difference(name, app.target, "not set", shown(name, value), None))
    return found


def _is_concerned(name: str) -> bool:
    return name.startswith(_CONCERNED) and not name.isupper()


def _is_same(read: Any, live: Any) -> bool:
    if isinstance(read, (list, tuple, set, frozenset)) and isinstance(live, (list, tuple, set, frozenset)):
        return sorted(map(repr, read)) == sorted(map(repr, live))
    return bool(read == live)


def _is_default(name: str, value: Any, defaults: Mapping[str, CelerySetting]) -> bool:
    if name == "result_expires":  # a timedelta that Celery makes at run time
        return bool(value == timedelta(days=1))
    default = defaults[name].default if name in defaults else None
    return _is_same(default, value) or (not default and not value)


def _version() -> str:
    import celery

    return str(celery.__version__)
