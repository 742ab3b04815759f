"""Results that are used, and that nobody stores."""

from collections.abc import Iterator

from rootcellar.specialist.engines import honours
from rootcellar.specialist.profile import App, Task, Use
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: What needs a result to be there.
_READS = ("get", "join", "read", "extended", "poll", "then")
#: How a use is called that has no name of its own.
_NEEDING = {"chord": "A chord", "lookup": "A result looked up by its id"}
#: Engines that count a chord's members as they return, with the value itself: nothing need be stored for that.
_COUNTING = frozenset({"redis", "sentinel"})


@app_rule("RC215")
def result_used_but_ignored(app: App, project: Project) -> Iterator[Finding]:
    """A task that stores no result, and one who asks for it."""
    ignoring = {task.name: task for task in project.tasks(app) if task.ignores_result is True}
    yield from _used(app, project, ignoring, "has ignore_result=True")


@app_rule("RC216")
def results_ignored_globally(app: App, project: Project) -> Iterator[Finding]:
    """An app whose tasks store no results unless they say so."""
    if app.known("task_ignore_result") is not True:
        return
    ignoring = {task.name: task for task in project.tasks(app) if task.ignores_result is None}
    seen: set[str] = set()
    yield from _used(app, project, ignoring, "stores no result, as task_ignore_result is set", seen)


def _used(
    app: App, project: Project, ignoring: dict[str, Task], why: str, seen: set[str] | None = None
) -> Iterator[Finding]:
    """Yield a finding for each use of one of these tasks' results; with ``seen``, only for the first of each task."""
    for use in project.uses(app, *_READS, "chord"):
        tasks = [ignoring[name] for name in use.tasks if name in ignoring]
        if not tasks or (seen is not None and tasks[0].name in seen) or _is_asked_for(use, app, project):
            continue
        if use.kind == "chord":
            engine = project.engine(app)
            if engine.name in _COUNTING | {"unknown", "rpc", "disabled"} or engine.owner == "rootcellar":
                continue
            effect = f"The {engine.name} backend waits for the results of a chord's members."
        elif use.kind in ("get", "join"):
            effect = f"{use.attribute or use.kind}() returns None at once."
        else:
            effect = "The state stays PENDING."
        if seen is not None:
            seen.add(tasks[0].name)
        yield found(use.place, f"{tasks[0].name} {why}. {effect}", related=(tasks[0].place,))


def _is_asked_for(use: Use, app: App, project: Project) -> bool:
    """Whether the call itself says ``ignore_result=False``."""
    sends = (
        one
        for one in project.uses(app, "send")
        if one.function == use.function and one.place.path == use.place.path and set(one.tasks) & set(use.tasks)
    )
    return any("ignore_result" in one.arguments for one in (use, *sends))


@app_rule("RC217")
def backend_disabled_but_used(app: App, project: Project) -> Iterator[Finding]:
    """Results without a place to lie."""
    if project.engine(app).name != "disabled" or app.unknown:
        return
    seen: set[str] = set()
    for use in project.uses_results(app):
        if use.place.path not in seen and not _is_anothers(use, app, project):
            seen.add(use.place.path)
            what = _NEEDING.get(use.kind, f"{use.attribute or use.kind} of a result")
            yield found(use.place, f"{what} needs a result backend, and {app.target} has none.", related=(app.place,))


def _is_anothers(use: Use, app: App, project: Project) -> bool:
    """Whether the tasks concerned are of another app only."""
    own = {task.name for task in project.tasks(app) if task.app in ("", app.target)}
    others = {task.name for task in project.profile.tasks if task.app not in ("", app.target)}
    return bool(use.tasks) and not own & set(use.tasks) and bool(others & set(use.tasks))


@app_rule("RC236")
def extended_fields_unread(app: App, project: Project) -> Iterator[Finding]:
    """What a result knows only with ``result_extended``."""
    engine = project.engine(app)
    if engine.name in ("disabled", "unknown", "other") or app.is_unknown("result_extended"):
        return
    is_on = bool(app.known("result_extended", False))
    if is_on and honours(engine, "result_extended", project.version(app)):
        return
    why = f"the {engine.name} backend stores no such field" if is_on else "result_extended is not set"
    for use in project.uses(app, "extended"):
        yield found(use.place, f".{use.attribute} of a result is None: {why}.")
