"""Settings that are set twice, so that one of the two is not what counts."""

from collections.abc import Iterator

from rootcellar.specialist.profile import App, Setting, Variable
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: variable → setting: what Celery takes from the environment before it looks anywhere else
_VARIABLES = {"CELERY_RESULT_BACKEND": "result_backend", "CELERY_BROKER_URL": "broker_url"}
#: Where settings come from that stand in no code.
_OUTSIDE = frozenset({"environment", "live"})
#: How settings come from objects that are made to be laid over one another: base and production settings.
_LAYERED = frozenset({"module", "class", "django"})


@app_rule("RC230")
def environment_wins(app: App, project: Project) -> Iterator[Finding]:
    """A variable that beats what the code says."""
    for variable, name in _VARIABLES.items():
        in_code = next((one for one in reversed(list(app.all(name))) if one.origin not in _OUTSIDE), None)
        if in_code is None or not in_code.value.is_known or variable in in_code.value.variables:
            continue  # the code takes it from there itself, with a default
        place = next((one.place for one in _set(variable, app, project) if one.value != in_code.value.data), None)
        if place is not None:
            yield found(
                in_code.place,
                f"{variable} is set to another value in {place}, and Celery takes that one.",
                related=(place,),
            )


def _set(variable: str, app: App, project: Project) -> Iterator[Variable]:
    """Yield where a variable is set for an app: its env files, the processes that run it."""
    for file in project.profile.env_files:
        if not file.is_example and file.path.startswith(f"{app.root}/" if app.root else ""):
            yield from (one for one in file.variables if one.name == variable)
    for process in project.profile.processes:
        if project.runs(process, app):
            yield from (one for one in process.environment if one.name == variable)


@app_rule("RC231")
def set_twice(app: App, project: Project) -> Iterator[Finding]:
    """A value that a later one replaces."""
    written = [one for one in app.settings if one.origin not in _OUTSIDE and not one.is_conditional]
    for position, setting in enumerate(written):
        later = next((one for one in written[position + 1 :] if one.name == setting.name), None)
        if later and _differ(setting, later) and not _is_layer(setting, later):
            yield found(
                setting.place,
                f"{setting.written} is set again in {later.place}, to another value, and that one counts.",
                related=(later.place,),
            )


def _differ(one: Setting, other: Setting) -> bool:
    """Whether both values are known, and not the same."""
    return one.value.is_known and other.value.is_known and one.value.data != other.value.data


def _is_layer(setting: Setting, later: Setting) -> bool:
    """Whether replacing it is what the later object is there for: another module, a subclass."""
    if setting.origin == later.origin == "class":
        return True
    return {setting.origin, later.origin} <= _LAYERED and setting.place.path != later.place.path
