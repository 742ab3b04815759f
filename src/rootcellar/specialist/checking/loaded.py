"""The loaded project: its apps with what they are really configured with, where that is known (``-A``)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rootcellar.specialist.live import differences
from rootcellar.specialist.profile import App, Setting, Value
from rootcellar.specialist.rules.project import Project


def as_loaded(project: Project) -> Project:
    """Return the project with the live settings behind those of the files, where they are not the same.

    They have the origin ``live`` and stand where the file sets them, else where the app is made. Of an app that was
    loaded nothing is unknown.
    """
    if not project.live:
        return project
    apps = tuple(
        replace(app, settings=(*app.settings, *_live(app, project.live[app.target])), unknown=())
        if app.target in project.live
        else app
        for app in project.profile.apps
    )
    return replace(project, profile=replace(project.profile, apps=apps))


def _live(app: App, live: Mapping[str, Any]) -> Iterator[Setting]:
    differing = {one.setting for one in differences(app, live)}
    for name, value in live.items():
        setting = app.get(name)
        is_unread = setting is not None and not setting.value.is_known
        if is_unread or name in differing:
            written = setting.written if setting is not None else name
            yield Setting(name, written, Value(value), app.where(name), "live")
