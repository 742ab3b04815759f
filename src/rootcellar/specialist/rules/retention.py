"""How long results are kept: options that look as if they said so, and values that do not do what they say."""

from collections.abc import Iterator

from rootcellar.specialist.profile import App, Task
from rootcellar.specialist.rules.durations import seconds_of
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: A message that is worth nothing after a minute is one; a "result" that expires after an hour is likely meant as one.
_LONG_S = 3600

#: Whose backends keep all results equally long.
_WITHOUT_RETENTION = ("celery", "django-celery-results")

_NEVER = "nothing is ever cleaned up, and results are kept until the store is full"
_NO_EXPIRY = "keys get no expiry, and Redis keeps them until its memory is full"

#: engine → what ``result_expires = 0`` does there
_ZERO = {
    "database": "beat schedules no clean-up, and any clean-up that runs deletes every finished result",
    "django-db": _NEVER,
    "mongodb": _NEVER,
    "filesystem": _NEVER,
    "redis": _NO_EXPIRY,
    "sentinel": _NO_EXPIRY,
    "rpc": "RabbitMQ refuses the reply queue (x-expires 0), and no task can be sent",
}
#: engine → what ``result_expires = None`` does there
_NONE = {
    "database": "beat schedules no clean-up, and one that is run raises TypeError: rows are kept for ever",
    "django-db": _NEVER,
    "mongodb": _NEVER,
    "filesystem": _NEVER,
    "redis": _NO_EXPIRY,
    "sentinel": _NO_EXPIRY,
}


@app_rule("RC212")
def task_expires_is_the_message(app: App, project: Project) -> Iterator[Finding]:
    """A task's option that says nothing of its result."""
    engine = project.engine(app)
    if engine.name == "disabled":
        return
    scheduled = {entry.task for entry in app.beat}
    for task in project.tasks(app):
        if task.ignores_result is True:
            continue
        place = task.option_places.get("result_expires", task.place)
        if "result_expires" in task.options and engine.owner in _WITHOUT_RETENTION:
            yield found(place, f"{task.name} has result_expires, which the {engine.name} backend does not read.")
        if _keeps_message_long(task) and task.name not in scheduled:
            yield found(
                task.option_places.get("expires", task.place),
                f"expires of {task.name} is when its message expires; its result expires after result_expires.",
            )


def _keeps_message_long(task: Task) -> bool:
    option = task.options.get("expires")
    seconds = seconds_of(option.data) if option is not None and option.is_known else None
    return seconds is not None and seconds >= _LONG_S


@app_rule("RC213")
def expires_zero(app: App, project: Project) -> Iterator[Finding]:
    """Zero, which means something else on each engine."""
    setting = app.get("result_expires")
    effect = _ZERO.get(project.engine(app).name)
    if setting and effect and setting.value.is_known and seconds_of(setting.value.data) == 0:
        yield found(setting.place, f"{setting.written} is 0: {effect}.")


@app_rule("RC214")
def expires_none(app: App, project: Project) -> Iterator[Finding]:
    """None, which is for ever, with more or less noise."""
    setting = app.get("result_expires")
    effect = _NONE.get(project.engine(app).name)
    if setting and effect and setting.value.is_known and setting.value.data is None:
        yield found(setting.place, f"{setting.written} is None: {effect}.")
