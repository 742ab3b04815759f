"""Security of what is read: serializers that run code, and signatures that nobody can make."""

import re
from collections.abc import Iterator
from typing import Any

from rootcellar.specialist.profile import App, Call, Called, Ref, Setting, Unknown, Value
from rootcellar.specialist.rules.code_paths import is_in_tests
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found, project_rule

_PICKLE = ("pickle", "application/x-python-serialize")
_SIGNED = "auth"
_ACCEPTED = ("accept_content", "result_accept_content")
_SERIALIZERS = ("result_serializer", "task_serializer")
_KEYS = ("security_key", "security_certificate", "security_cert_store")

_REGISTER = frozenset({"kombu.serialization.register", "kombu.serialization.registry.register", "kombu.register"})
_ENABLE = frozenset({"kombu.enable_insecure_serializers", "kombu.serialization.enable_insecure_serializers"})
#: decoder → what it does with bytes from anybody
_EXECUTING = {
    "eval": "runs any expression",
    "builtins.eval": "runs any expression",
    "yaml.load": "makes any object, unless it is told to use SafeLoader",
    "yaml.unsafe_load": "makes any object",
    "yaml.full_load": "ran code until PyYAML 5.4, and still makes more than plain data",
    "yaml.load_all": "makes any object, unless it is told to use SafeLoader",
    "ruamel.yaml.load": "makes any object, unless it is told to use SafeLoader",
    "jsonpickle.decode": "makes any object",
    "jsonpickle.loads": "makes any object",
    "jsonpickle.unpickler.decode": "makes any object",
    "marshal.loads": "is not made for data from others: it crashes, or worse",
    "kombu.serialization.unpickle": "runs whatever the pickle says",
    "kombu.serialization.pickle_loads": "runs whatever the pickle says",
    "joblib.load": "runs whatever the pickle says",
    "torch.load": "runs whatever the pickle says",
} | {
    f"{module}.{name}": "runs whatever the pickle says"
    for module in ("pickle", "_pickle", "cPickle", "pickle5", "dill", "cloudpickle")
    for name in ("load", "loads", "Unpickler")
}


@app_rule("RC111")
def pickle_accepted(app: App, project: Project) -> Iterator[Finding]:
    """A reader that unpickles what it is given."""
    for name in _ACCEPTED:
        setting = app.get(name)
        if setting is not None and not {*_PICKLE}.isdisjoint(_texts(setting.value.data)):
            yield found(
                setting.place,
                f"{name} holds pickle: whoever can write a message can run code in whatever reads it.",
                edit=_without_pickle(app, setting, project),
            )


def _without_pickle(app: App, setting: Setting, project: Project) -> Edit | None:
    """Return the edit that takes pickle out, where JSON stays and nothing of the project is still written as pickle."""
    kept = [one for one in setting.value.data if one not in _PICKLE]
    written = (*_SERIALIZERS, "event_serializer")
    is_written = any(
        other.is_unknown(one) or other.known(one) in _PICKLE for other in project.profile.apps for one in written
    ) or any(_may_be_pickled(task.options.get("serializer")) for task in project.profile.tasks)
    is_plain = all(isinstance(one, str) and re.fullmatch(r"[\w./+-]+", one) for one in kept)
    if is_written or not is_plain or {"json", "application/json"}.isdisjoint(kept):
        return None
    return Edit("set", setting.place, setting.name, "[" + ", ".join(f'"{one}"' for one in kept) + "]")


def _may_be_pickled(serializer: Value | None) -> bool:
    return serializer is not None and (not serializer.is_known or serializer.data in _PICKLE)


@app_rule("RC112")
def pickle_results(app: App, project: Project) -> Iterator[Finding]:
    """Results that are pickles."""
    if app.known("result_serializer") in _PICKLE:
        yield found(
            app.where("result_serializer"),
            "Results are stored as pickles: whoever can write to the store can run code in whatever reads a result.",
        )


@project_rule("RC113")
def insecure_serializers_enabled(project: Project) -> Iterator[Finding]:
    """kombu's lock on pickle and YAML, taken off."""
    for called in _calls(project, _ENABLE):
        choices = _argument(called, 0, "choices")
        if choices is _MISSING or not {*_PICKLE}.isdisjoint(_texts(choices)):
            yield found(
                called.place,
                "enable_insecure_serializers() lets all readers in this process unpickle what they are sent.",
            )


@project_rule("RC114")
def serializer_executes(project: Project) -> Iterator[Finding]:
    """A serializer of one's own that runs what it reads."""
    for called in _calls(project, _REGISTER):
        name = _decoding(_argument(called, 2, "decoder"))
        if name in _EXECUTING:
            yield found(called.place, f"A serializer is registered that decodes with {name}, which {_EXECUTING[name]}.")


def _decoding(decoder: Any) -> str:
    """Return the name of what decodes; empty if it is not known, or is told to be safe."""
    if isinstance(decoder, Ref):
        return decoder.name
    if not isinstance(decoder, Call):
        return ""
    # What a function of the project calls, or what ``functools.partial`` does.
    is_partial = decoder.name in ("functools.partial", "partial")
    given = list(decoder.args[1:]) if is_partial else list(decoder.args)
    loaders = [*given, *decoder.kwargs.values()]
    if any(isinstance(one, Ref) and "Safe" in one.name for one in loaders) or isinstance(
        decoder.kwargs.get("Loader"), Unknown
    ):
        return ""
    if not is_partial:
        return decoder.name
    return decoder.args[0].name if decoder.args and isinstance(decoder.args[0], Ref) else ""


@app_rule("RC115")
def signing_key_missing(app: App, project: Project) -> Iterator[Finding]:
    """Signed messages without what they are signed with."""
    setting = next((name for name in _SERIALIZERS if app.known(name) == _SIGNED), "")
    setting = setting or next((name for name in _ACCEPTED if _SIGNED in _texts(app.known(name))), "")
    if not setting or any(app.is_unknown(name) for name in _KEYS) or _is_set_up_with_keys(project):
        return
    missing = [name for name in _KEYS if (one := app.get(name)) is None or one.value.data in (None, "")]
    if missing:
        yield found(app.where(setting), f"{setting} asks for auth, and nothing sets {', '.join(missing)}.")


def _is_set_up_with_keys(project: Project) -> bool:
    """Whether ``app.setup_security()`` is given keys of its own."""
    set_up = (called for called in project.profile.calls if called.name == "celery.Celery.setup_security")
    return any(len(called.args) > 1 or called.kwargs for called in set_up)


def _texts(data: Any) -> tuple[str, ...]:
    """Return the texts of a list, whatever else is in it."""
    several = data if isinstance(data, (list, tuple, set, frozenset)) else ()
    return tuple(one for one in several if isinstance(one, str))


_MISSING = object()


def _calls(project: Project, names: frozenset[str]) -> Iterator[Called]:
    return (one for one in project.profile.calls if one.name in names and not is_in_tests(one.place.path))


def _argument(called: Called, position: int, name: str) -> Any:
    """Return the data of an argument, or ``_MISSING``."""
    if name in called.kwargs:
        return called.kwargs[name].data
    return called.args[position].data if len(called.args) > position else _MISSING
