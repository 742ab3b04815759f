"""Settings whose values are of the wrong type, or in the wrong unit."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rootcellar.specialist.engines import CelerySetting, celery_settings
from rootcellar.specialist.profile import App, Setting
from rootcellar.specialist.rules.durations import DAY_S, seconds_of
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: Celery declares one type and takes others too: what Celery's own code does with them says so.
_TAKES_MORE = {
    "broker_failover_strategy": (str,),
    "broker_read_url": (str, list, tuple),
    "broker_url": (str, list, tuple),
    "broker_use_ssl": (bool, dict),
    "broker_write_url": (str, list, tuple),
    "cassandra_auth_kwargs": (str, dict),
    "cassandra_port": (str, int),
    "imports": (str, list, tuple, set),
    "include": (str, list, tuple, set),
    "security_key_password": (str, bytes),
    "task_queues": (dict, list, tuple, set),
    "worker_autoscaler": (str,),
}
#: Celery converts text itself.
_CONVERTED = frozenset({"redis_port", "redis_db", "redis_socket_timeout", "redis_socket_connect_timeout"})
#: setting → from how many seconds on it can only be meant in another unit
_ABSURD_S = {
    "result_expires": 3650 * DAY_S,
    "redis_socket_timeout": 1000,
    "redis_socket_connect_timeout": 1000,
    "redis_backend_health_check_interval": 10 * DAY_S,
    "broker_connection_timeout": 1000,
    "result_chord_join_timeout": 100_000,
    "result_chord_retry_interval": 10_000,
}
_NUMBERS = (int, float)
_SEQUENCES = (list, tuple, set)


@app_rule("RC202")
def wrong_type(app: App, project: Project) -> Iterator[Finding]:
    """Celery never converts what a configuration gives it."""
    known = celery_settings(str(project.version(app)))
    for setting in app.settings:
        declared = known.get(setting.name)
        if declared is None or setting.origin == "live":
            continue
        data = setting.value.data if setting.value.is_known or setting.value.holes else None
        wanted = _wanted(declared, data)
        if wanted:
            yield found(setting.place, f"{setting.written} is {_kind(data)}, and Celery needs {wanted}.")


def _wanted(declared: CelerySetting, data: Any) -> str:
    """Return what would be right; empty where ``data`` is right, or cannot be judged."""
    if declared.name in _TAKES_MORE:
        plain = isinstance(data, (str, bytes, dict, *_NUMBERS, *_SEQUENCES))
        return "" if not plain or isinstance(data, _TAKES_MORE[declared.name]) else _needed(declared.type)
    if declared.name in _CONVERTED and isinstance(data, str):
        return ""
    return _needed(declared.type) if isinstance(data, _refused(declared.type)) and _matters(declared.type, data) else ""


def _refused(type_: str) -> tuple[type, ...]:
    """Return the types of data that a setting of a type cannot be."""
    containers = (dict, *_SEQUENCES)
    if type_ in ("int", "float"):
        return (str, *containers)
    if type_ == "bool":
        return (str, *containers, timedelta)
    if type_ == "dict":
        return (str, *_NUMBERS, *_SEQUENCES)
    if type_ in ("list", "tuple"):
        return (str, *_NUMBERS, dict)
    return containers if type_ in ("string", "str") else ()


def _matters(type_: str, data: Any) -> bool:
    """Whether the wrong type does harm: nothing (``""``, ``0``, ``[]``) stands for nothing, whatever its type."""
    return bool(data) or type_ in ("int", "float")


def _needed(type_: str) -> str:
    names = {"int": "a whole number", "float": "a number", "bool": "True or False", "dict": "a dictionary"}
    return names.get(type_, "a list" if type_ in ("list", "tuple") else "text")


def _kind(data: Any) -> str:
    if isinstance(data, bool):
        return str(data)
    if isinstance(data, str):
        return "text"
    kinds = {dict: "a dictionary", list: "a list", tuple: "a tuple", set: "a set", timedelta: "a timedelta"}
    return kinds.get(type(data), "a number")


@app_rule("RC203")
def wrong_unit(app: App, project: Project) -> Iterator[Finding]:
    """A number of seconds that makes sense in milliseconds only."""
    for name, limit in _ABSURD_S.items():
        setting = app.get(name)
        seconds = seconds_of(setting.value.data) if setting is not None and setting.value.is_known else None
        if setting is not None and seconds is not None and seconds >= limit:
            yield found(setting.place, f"{setting.written} is {_shown(setting)}: {_long(seconds)}.")


def _shown(setting: Setting) -> str:
    data = setting.value.data
    return "a timedelta" if isinstance(data, timedelta) else f"{data} seconds"


def _long(seconds: float) -> str:
    """Say a time in the unit in which it is short.

    >>> _long(5000), _long(864000000), _long(315360000)
    ('83 minutes', '27 years', '10 years')
    """
    units = ((365 * DAY_S, "years"), (DAY_S, "days"), (3600, "hours"), (60, "minutes"))
    size, word = next(((size, word) for size, word in units if seconds >= 2 * size), (1, "seconds"))
    return f"{seconds / size:.0f} {word}"
