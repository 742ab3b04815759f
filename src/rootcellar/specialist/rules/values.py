"""Values that a task returns and that nobody gets back as they were."""

from collections.abc import Iterator, Mapping

from packaging.version import Version

from rootcellar.specialist.engines.table import holds
from rootcellar.specialist.profile import App, Task
from rootcellar.specialist.profile.task import Returned
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: Nothing can carry these, not even pickle.
_NOWHERE = {
    "types.GeneratorType": "a generator",
    "io.IOBase": "an open file",
    "types.LambdaType": "a function",
}
#: kind → what it is called; JSON carries none of them
_NOT_IN_JSON = {
    "builtins.set": "a set",
    "builtins.frozenset": "a frozenset",
    "builtins.bytearray": "a bytearray",
    "builtins.complex": "a complex number",
    "builtins.range": "a range",
    "builtins.map": "an iterator",
    "builtins.filter": "an iterator",
    "builtins.zip": "an iterator",
    "builtins.enumerate": "an iterator",
    "builtins.reversed": "an iterator",
    "builtins.iterator": "an iterator",
    "builtins.memoryview": "a memoryview",
    "builtins.object": "an object",
    "datetime.timedelta": "a timedelta",
    "django.model": "a model instance",
    "django.queryset": "a queryset",
    "numpy.ndarray": "a NumPy array",
    "pandas.DataFrame": "a DataFrame",
    "pandas.Series": "a Series",
}
#: JSON carries these since kombu 5.3, which came with Celery 5.3; before, they arrive as text, or not at all.
_TYPED = {
    "datetime.datetime": "a datetime",
    "datetime.date": "a date",
    "datetime.time": "a time",
    "decimal.Decimal": "a Decimal",
    "uuid.UUID": "a UUID",
    "builtins.bytes": "bytes",
}
_CARRIED = frozenset({"unknown", "None", "builtins.None", "types.NoneType"}) | {
    f"builtins.{name}" for name in ("NoneType", "bool", "int", "float", "str", "dict", "list", "tuple")
}
_IN_YAML = frozenset({"builtins.set", "datetime.datetime", "datetime.date", "builtins.bytes"})
_TYPED_FROM = Version("5.3")


@app_rule("RC226")
def value_does_not_round_trip(app: App, project: Project) -> Iterator[Finding]:
    """A value that the result serializer refuses, or changes."""
    engine, version = project.engine(app), project.version(app)
    if engine.name in ("disabled", "other") or app.is_unknown("result_serializer"):
        return
    serializer = str(app.known("result_serializer", "json"))
    if holds(engine.abilities.pickles, version) or (engine.name == "unknown" and version < Version("5.7")):
        serializer = "pickle"
    refused = _refused_by(serializer, project, version)
    for task in project.tasks(app):
        if task.ignores_result or (task.ignores_result is None and app.known("task_ignore_result") is True):
            continue
        for returned in task.returns:
            what = next(filter(None, (_named(kind, refused, serializer, task) for kind in _kinds(returned))), "")
            if what:
                yield found(returned.place, f"{task.name} returns {what}, which {_effect(serializer, what)}.")


def _kinds(returned: Returned) -> tuple[str, ...]:
    return (returned.kind, *returned.inside)


def _refused_by(serializer: str, project: Project, version: Version) -> Mapping[str, str]:
    if serializer == "pickle":
        return _NOWHERE
    if serializer == "yaml":
        everything = {**_NOWHERE, **_NOT_IN_JSON, **_TYPED}
        return {kind: what for kind, what in everything.items() if kind not in _IN_YAML}
    if serializer == "json":
        typed = {} if _kombu(project, version) >= _TYPED_FROM else _TYPED
        return {**_NOWHERE, **_NOT_IN_JSON, **typed}
    return {}


def _kombu(project: Project, version: Version) -> Version:
    """Return kombu's version where the project says it; else that of the Celery, which came out with its own kombu."""
    named = (one.version for one in project.profile.packages if one.name == "kombu" and one.version)
    return Version(next(named, str(version)))


def _named(kind: str, refused: Mapping[str, str], serializer: str, task: Task) -> str:
    """Say what a kind is, if the serializer refuses it."""
    if kind in refused:
        return refused[kind]
    is_own_class = "." in kind and kind not in _CARRIED and kind not in {**_NOT_IN_JSON, **_TYPED, **_NOWHERE}
    if serializer not in ("json", "yaml") or not is_own_class or kind.startswith(("builtins.", "celery.")):
        return ""
    if "pydantic" in task.options:
        return ""  # Celery dumps the model itself
    return f"a {kind.rpartition('.')[2]}"


def _effect(serializer: str, what: str) -> str:
    if serializer == "json" and what in _TYPED.values() and what != "bytes":
        return "this JSON turns into text"
    return f"{serializer} cannot carry: the task ends as a FAILURE (EncodeError)"
