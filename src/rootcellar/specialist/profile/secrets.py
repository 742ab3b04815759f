"""The profile's secrets: everything in it that nobody may see, so that it can be taken out of any text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rootcellar.specialist.profile.app import App
from rootcellar.specialist.profile.profile import Profile
from rootcellar.specialist.profile.service import Process, Server
from rootcellar.specialist.profile.task import Task
from rootcellar.specialist.profile.value import Call, Value
from rootcellar.urls import SECRET_NAME


def secrets_of(profile: Profile) -> frozenset[str]:
    """Return the URLs with a login, and the bare secrets, that stand anywhere in a profile.

    :func:`rootcellar.specialist.secrets.blot_out` takes both as they are.
    """
    return frozenset(_all(profile))


def names_in(profile: Profile) -> str:
    """Return the names that a report cannot do without, each on a line: the apps' and the paths of files."""
    things: tuple[App | Task | Process | Server, ...]
    things = (*profile.apps, *profile.tasks, *profile.processes, *profile.servers)
    paths = [*(one.place.path for one in things), *(one.path for one in profile.env_files)]
    return "\n".join(dict.fromkeys([*(app.target for app in profile.apps), *paths]))


def _all(profile: Profile) -> Iterator[str]:
    for app in profile.apps:
        for setting in (*app.settings, *app.unread_settings):
            yield from _in_value(setting.name, setting.value)
    for task in profile.tasks:
        for name, value in task.options.items():
            yield from _in_value(name, value)
    for called in profile.calls:
        for value in called.args:
            yield from _in_value(called.assigned_to or called.name, value)
        for name, value in called.kwargs.items():
            yield from _in_value(name, value)
    variables = [one for file in profile.env_files for one in file.variables]
    variables += [one for process in profile.processes for one in process.environment]
    variables += [one for server in profile.servers for one in server.environment]
    for variable in (*variables, *profile.literals):
        yield from _in_data(variable.name, variable.value)
    for process in profile.processes:
        yield from _in_data("", list(process.command))
    for server in profile.servers:
        yield from _in_data("", dict(server.options))


def _in_value(name: str, value: Value) -> Iterator[str]:
    yield from _in_data(name, value.data)


def _in_data(name: str, data: Any) -> Iterator[str]:
    if isinstance(data, bytes):
        data = data.decode("latin-1")
    if isinstance(data, str):
        if data and (SECRET_NAME.search(name) or ("://" in data and "@" in data)):
            yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _in_data(str(key), value)
    elif isinstance(data, Call):
        yield from _in_data(name, data.args)
        yield from _in_data(name, data.kwargs)
    elif isinstance(data, Iterable):
        for value in data:
            yield from _in_data(name, value)
