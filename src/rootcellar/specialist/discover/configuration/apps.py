"""Apps: every Celery app of a project, with all that it is configured with, in the order in which Celery applies it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.app_changes import changes_of
from rootcellar.specialist.discover.configuration.app_uses import AppUses, app_uses
from rootcellar.specialist.discover.configuration.beat import added, scheduled
from rootcellar.specialist.discover.configuration.changes import Changes, Given, Source
from rootcellar.specialist.discover.configuration.creations import Creation, creations
from rootcellar.specialist.discover.configuration.django import django_settings
from rootcellar.specialist.discover.configuration.placed import Definition, Instance, plain_value
from rootcellar.specialist.discover.configuration.set_in_code import set_in_code
from rootcellar.specialist.discover.configuration.settings_files import filled_by
from rootcellar.specialist.discover.configuration.settings_names import (
    new_names,
    reads_old_names,
    setting_name,
    unread_name,
)
from rootcellar.specialist.discover.configuration.settings_object import Member, members, why_not
from rootcellar.specialist.discover.module_names import project_root
from rootcellar.specialist.profile import App, Call, Ref, Setting, Unknown, Unread, Value
from rootcellar.specialist.profile.profile import NEWEST

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Modules

#: Environment variables that Celery itself reads, before any configuration (``celery.app.utils.Settings``).
_VARIABLES = {
    "CELERY_BROKER_URL": "broker_url",
    "CELERY_BROKER_READ_URL": "broker_read_url",
    "CELERY_BROKER_WRITE_URL": "broker_write_url",
    "CELERY_RESULT_BACKEND": "result_backend",
}
_DJANGO = "django.conf:settings"
#: What a configuration's name can be; anything else is not shown.
_DOTTED = re.compile(r"[A-Za-z_][\w.]*(?::[A-Za-z_][\w.]*)?")
#: Keywords of ``Celery(...)`` that are called otherwise than the setting they set.
_KEYWORDS = {"backend": "result_backend", "broker": "broker_url"}
VersionOf = Callable[[str], str]


def find_apps(
    modules: "Modules", evaluator: "Evaluator", version_of: VersionOf | None = None
) -> tuple[list[App], list[Unread]]:
    """Return the project's apps, and what of them could not be read.

    ``version_of`` gives the Celery release that the code at a path runs on: releases differ in which of two settings
    wins (see :mod:`rootcellar.specialist.discover.configuration.settings_names`). Without it that is the newest one.
    """
    found: list[App] = []
    unread: list[Unread] = []
    made = list(creations(modules, evaluator))
    evaluator.memory["apps"] = Value(len(made))
    uses = app_uses(modules) if made else AppUses()
    seen: dict[tuple[str, str], int] = {}
    for creation in made:
        place = creation.module.place(creation.call)
        key = (creation.target, place.path)
        if key in seen:
            # ``if …: app = Celery(…) / else: app = Celery(…)``
            n = seen[key]
            why = f"the app is made in several places, also in line {place.line}"
            if place != found[n].place and why not in found[n].unknown:
                found[n] = replace(found[n], unknown=(*found[n].unknown, why))
            continue
        seen[key] = len(found)
        try:
            version = version_of(place.path) if version_of is not None else NEWEST
            found.append(_app(modules, evaluator, creation, version, uses))
        except RecursionError:
            del seen[key]
            unread.append(Unread(place, "the app's configuration is nested too deeply for this reader"))
    return found, unread


def _app(modules: "Modules", evaluator: "Evaluator", creation: Creation, version: str, uses: AppUses) -> App:
    changes = changes_of(modules, evaluator, creation, uses)
    namespace = changes.namespace
    configured: list[Setting] = []
    unread: list[Setting] = []
    sources: list[str] = []
    if not changes.sources:
        _from_variable(evaluator, creation, changes)
    for source in changes.sources:
        name = _read_source(evaluator, source, changes, version, configured, unread)
        sources.append(name)
    defaults = _settings(changes.defaults, namespace, version, unread)
    own = _settings(changes.own, namespace, version, unread)
    settings = _ordered(configured, defaults, own, namespace, version)
    settings += _environment(modules, evaluator, creation, settings)
    settings = [replace(one, value=plain_value(one.value)) for one in settings]
    place = creation.module.place(creation.call)
    app = App(
        target=creation.target,
        place=place,
        root=project_root(place.path, modules.tree),
        namespace=namespace,
        styles=tuple(dict.fromkeys(one.origin for one in settings)),
        settings=tuple(settings),
        unread_settings=tuple(replace(one, value=plain_value(one.value)) for one in unread),
        unknown=tuple(changes.unknown),
        config_source=", ".join(dict.fromkeys(name for name in sources if name)),
    )
    beat = scheduled(evaluator, app.get("beat_schedule")) + [added(evaluator, one) for one in changes.periodic]
    return replace(app, beat=tuple(beat))


def _from_variable(evaluator: "Evaluator", creation: Creation, changes: Changes) -> None:
    """Without a configuration object, Celery's loader imports the module that CELERY_CONFIG_MODULE names."""
    found = evaluator.environment.get("CELERY_CONFIG_MODULE", creation.module.path)
    if found is not None and found[0]:
        scope = evaluator.module_scope(creation.module)
        value = Value(found[0], variables=("CELERY_CONFIG_MODULE",), written_at=(found[1],))
        changes.sources.append(Source(value, scope, found[1]))


def _read_source(
    evaluator: "Evaluator",
    source: Source,
    changes: Changes,
    version: str,
    settings: list[Setting],
    unread: list[Setting],
) -> str:
    """Read a configuration object into ``settings``; return what it is called."""
    near = source.scope.module.path
    value, name, origin = source.value, "", "mapping"
    names: list[Member] = []
    is_django = isinstance(value.data, Ref) and value.data.name == "django.conf.settings"
    if isinstance(value.data, str):
        name = value.data if _DOTTED.fullmatch(value.data) else ""
        if not value.is_known:
            changes.know_not(f"the name of the configuration is not known: {value.why}")
            return name
        is_django = value.data in (_DJANGO, "django.conf.settings")
    if is_django:
        django = django_settings(evaluator.modules, evaluator, near)
        if django is None:
            changes.know_not("Django's settings: the module that DJANGO_SETTINGS_MODULE names is not in the project")
            return _DJANGO
        wanted = _wanted(changes.namespace, version)
        origin, name, names = "django", _DJANGO, django.members(evaluator, wanted)
        if why := filled_by(evaluator.modules, django.module):
            changes.know_not(f"Django's settings: {why}")
    else:
        value, name = _resolved(evaluator, value, near)
        why = why_not(value)
        is_module = isinstance(value.data, Ref) and evaluator.modules.is_module(value.data.name)
        if why and not is_module:
            what = name if _DOTTED.fullmatch(name) else ""
            missing = f"config_from_object() is given {what}, which is not in the project"
            changes.know_not(missing if what else f"config_from_object() is given something that is not known: {why}")
            return what
        origin = "module" if is_module else "class" if isinstance(value.data, (Definition, Instance)) else "mapping"
        names = members(evaluator, value, source.scope, _wanted(changes.namespace, version))
        mapping = evaluator.mapping(value)
        for one in mapping.unknown if mapping is not None else ():
            changes.know_not(one)
    given = [
        Given(
            one.name,
            one.value,
            one.place if one.place.path else source.place,
            origin,
            one.is_conditional or source.is_conditional,
            True,
        )
        for one in names
        if not (one.is_helper and _is_guess(one.name, changes.namespace, version))
    ]
    settings += _settings(given, changes.namespace, version, unread)
    return name


def _is_guess(written: str, namespace: str | None, version: str) -> bool:
    """Whether a name only looks like a setting, so that it may as well be a helper of the module's own code."""
    name = setting_name(written, namespace, version)
    return name is None or (name not in new_names() and not namespace)


def _resolved(evaluator: "Evaluator", value: Value, near: str) -> tuple[Value, str]:
    """Return the object that ``config_from_object`` gets at, and what it is called."""
    data = value.data
    if not isinstance(data, str):
        return value, data.name if isinstance(data, (Ref, Call)) else ""
    dotted = data.replace(":", ".").strip(".")
    folder = near.rpartition("/")[0]
    found = evaluator.resolve(dotted, near)
    if _is_found(evaluator, found):
        return found, data
    # The folder that the worker is started in comes first on the path: a module beside the app's, a package's own.
    module_name = evaluator.modules.name_of.get(near, "")
    for package in (module_name, module_name.rpartition(".")[0]):
        if package:
            found = evaluator.resolve(f"{package}.{dotted}", near)
            if _is_found(evaluator, found):
                return found, data
    beside = f"{folder}/{dotted.replace('.', '/')}.py".lstrip("/")
    if beside in evaluator.modules.name_of:
        return Value(Ref(evaluator.modules.name_of[beside])), data
    return Value(Unknown("it names nothing in the project")), data


def _is_found(evaluator: "Evaluator", value: Value) -> bool:
    return not why_not(value) or (isinstance(value.data, Ref) and evaluator.modules.is_module(value.data.name))


def _wanted(namespace: str | None, version: str) -> Callable[[str], bool]:
    def wanted(name: str) -> bool:
        return setting_name(name, namespace, version) is not None or unread_name(name, namespace) is not None

    return wanted


def _settings(given: list[Given], namespace: str | None, version: str, unread: list[Setting]) -> list[Setting]:
    """Name what is given; what Celery does not read goes to ``unread``."""
    found: list[Setting] = []
    for one in given:
        written = one.written
        known = _KEYWORDS.get(written) if one.origin == "keyword" else None
        name = known or setting_name(written, namespace, version, is_explicit=not one.is_wholesale)
        meant = unread_name(written, namespace)
        if (
            known is None
            and meant is not None
            and (name is None or (name == written.lower() and name not in new_names()))
        ):
            unread.append(Setting(meant, written, one.value, one.place, one.origin, one.is_conditional))
        elif name is not None:
            found.append(Setting(name, written, one.value, one.place, one.origin, one.is_conditional))
    unread[:] = [
        one for one in unread if not any(other.name == one.name and _value_is_of(other, one) for other in found)
    ]
    return found


def _value_is_of(setting: Setting, helper: Setting) -> bool:
    """Whether a name that is not read is but a step to one that is: ``CELERY_RESULT_BACKEND = RESULT_BACKEND``."""
    return bool(helper.value.written_at) and set(helper.value.written_at) <= set(setting.value.written_at)


def _ordered(
    configured: list[Setting], defaults: list[Setting], own: list[Setting], namespace: str | None, version: str
) -> list[Setting]:
    """Return all settings in Celery's order: what is given to the app itself wins over its configuration object.

    Up to Celery 5.6 a namespace changes that: a name with the prefix wins over one without it wherever they stand.
    """
    everything = [*_with_prefix_last(configured, namespace), *defaults, *_with_prefix_last(own, namespace)]
    if namespace and not reads_old_names(version):
        return _with_prefix_last(everything, namespace)
    return everything


def _with_prefix_last(settings: list[Setting], namespace: str | None) -> list[Setting]:
    if not namespace:
        return settings
    prefix = namespace.rstrip("_") + "_"
    return sorted(settings, key=lambda one: one.written.startswith(prefix))


def _environment(
    modules: "Modules", evaluator: "Evaluator", creation: Creation, settings: list[Setting]
) -> list[Setting]:
    """Return the settings that Celery takes from the environment, where they differ from what the code says."""
    path = creation.module.path
    found: list[Setting] = []
    for variable, name in _VARIABLES.items():
        said = evaluator.environment.of_processes(variable, path)
        if said is None and _is_env_file_loaded(modules, evaluator, path):
            said = evaluator.environment.of_files(variable, path)
        if said is not None and said[0]:
            value, place = Value(said[0], variables=(variable,), written_at=(said[1],)), said[1]
        else:
            in_code = set_in_code(modules, evaluator, variable)
            if in_code is None:
                continue
            value, place = in_code
        current = next((one for one in reversed(settings) if one.name == name), None)
        if current is not None and (variable in current.value.variables or current.value.data == value.data):
            continue
        found.append(Setting(name, variable, value, place, "environment"))
    return found


def _is_env_file_loaded(modules: "Modules", evaluator: "Evaluator", path: str) -> bool:
    """Whether something puts the variables of an env file into the environment of the app's process."""
    if modules.mentioning("load_dotenv", "read_env"):
        return True
    names = {one.rpartition("/")[2] for one in modules.tree.paths}
    return bool(names & {"Procfile", "Pipfile", ".envrc", "Procfile.dev"})
