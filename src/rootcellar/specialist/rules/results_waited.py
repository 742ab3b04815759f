"""Waiting for results where it blocks, deadlocks or never ends."""

from collections.abc import Iterator

from rootcellar.specialist.profile import App, Unknown, Use
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: Their workers do not check, and a greenlet that waits keeps nothing from the others.
_UNCHECKED_POOLS = frozenset({"gevent", "eventlet"})


@app_rule("RC218")
def get_inside_task(app: App, project: Project) -> Iterator[Finding]:
    """A task that waits for another one."""
    pools = {worker.pool or app.known("worker_pool", "prefork") for worker in project.workers(app)}
    if pools and pools <= _UNCHECKED_POOLS:
        return
    for use in project.uses(app, "get", "join"):
        if use.inside_task and not _is_allowed(use, app, project):
            yield found(
                use.place, f"{_call(use)} inside the task {use.inside_task}: Celery raises RuntimeError in a worker."
            )


def _is_allowed(use: Use, app: App, project: Project) -> bool:
    """Whether the code switches the check off, which RC233 reports."""
    option = use.arguments.get("disable_sync_subtasks")
    if option is not None and (not option.is_known or option.data is False):
        return True
    return any(one.function == use.function and one.place.path == use.place.path for one in _allowing(app, project))


def _allowing(app: App, project: Project) -> tuple[Use, ...]:
    return project.uses(app, "allow_join")


@app_rule("RC233")
def sync_subtasks_allowed(app: App, project: Project) -> Iterator[Finding]:
    """The check against waiting inside a task, switched off."""
    for use in _allowing(app, project):
        if use.inside_task:
            yield found(
                use.place,
                f"The task {use.inside_task} keeps its slot while it waits: with all slots taken by tasks that wait, "
                "none is left for what they wait for.",
            )


@app_rule("RC219")
def get_without_timeout(app: App, project: Project) -> Iterator[Finding]:
    """A wait without an end."""
    for use in project.uses(app, "get", "join"):
        if use.inside_task or use.is_in_coroutine or use.is_ready or _has_timeout(use):
            continue
        yield found(use.place, f"{_call(use)} without a timeout waits for ever where the result never comes.")


def _has_timeout(use: Use) -> bool:
    """Whether it has one, or what it was given may be one."""
    timeout = use.arguments.get("timeout")
    return timeout is not None and (isinstance(timeout.data, Unknown) or timeout.data is not None)


@app_rule("RC232")
def get_in_coroutine(app: App, project: Project) -> Iterator[Finding]:
    """A wait that holds up an event loop."""
    for use in project.uses(app, "get", "join"):
        if use.is_in_coroutine and not use.inside_task and not use.is_ready:
            yield found(
                use.place,
                f"{_call(use)} in a coroutine blocks the event loop: nothing else runs in it until the result is here.",
            )


def _call(use: Use) -> str:
    return f"{use.attribute or use.kind}()"
