"""Celery's own names, by the dotted names under which they can be imported."""

APP_CLASSES = frozenset({"celery.Celery", "celery.app.Celery", "celery.app.base.Celery"})
TASK_CLASSES = frozenset(
    {
        "celery.Task",
        "celery.app.Task",
        "celery.app.task.Task",
        "celery.task.Task",
        "celery.contrib.abortable.AbortableTask",
        "celery.contrib.django.task.DjangoTask",
    }
)
RESULT_CLASSES = frozenset(
    {"celery.result.AsyncResult", "celery.app.base.AsyncResult", "celery.contrib.abortable.AbortableAsyncResult"}
)
GROUP_RESULT_CLASSES = frozenset({"celery.result.GroupResult", "celery.result.ResultSet"})
RESTORERS = frozenset({"celery.result.GroupResult.restore", "celery.result.result_from_tuple"})
CURRENT_APPS = frozenset(
    {
        "celery.current_app",
        "celery._state.current_app",
        "celery.app.default_app",
        "celery.app.current_app",
    }
)
APP_GETTERS = frozenset(
    {
        "celery.app.app_or_default",
        "celery._state.get_current_app",
        "celery.app.get_current_app",
        "celery.current_app._get_current_object",
    }
)
CURRENT_TASKS = frozenset({"celery.current_task", "celery._state.current_task", "celery._state.get_current_task"})
SHARED_TASKS = frozenset(
    {
        "celery.shared_task",
        "celery.app.shared_task",
        "celery.task.task",
        "celery.task.periodic_task",
        "celery.task.base.periodic_task",
        "celery.decorators.task",
        "celery.decorators.periodic_task",
    }
)
GROUPS = frozenset({"celery.group", "celery.canvas.group"})
CHAINS = frozenset({"celery.chain", "celery.canvas.chain"})
CHORDS = frozenset({"celery.chord", "celery.canvas.chord"})
CHUNKS = frozenset({"celery.chunks", "celery.canvas.chunks"})
SIGNATURES = frozenset(
    {
        "celery.signature",
        "celery.subtask",
        "celery.Signature",
        "celery.maybe_signature",
        "celery.canvas.signature",
        "celery.canvas.subtask",
        "celery.canvas.Signature",
        "celery.canvas.maybe_signature",
        "celery.xmap",
        "celery.xstarmap",
        "celery.canvas.xmap",
        "celery.canvas.xstarmap",
    }
)
ALLOW_JOINS = frozenset({"celery.result.allow_join_result"})

#: methods of a result that wait for it, by the kind of use
WAITS = {
    "get": "get",
    "wait": "get",
    "join": "join",
    "join_native": "join",
    "collect": "join",
    "iterate": "join",
    "iter_native": "join",
    "get_leaf": "join",
}
#: and those that only look
LOOKS = frozenset({"ready", "successful", "failed", "exists", "waiting", "completed_count", "maybe_throw", "throw"})
READS = frozenset({"result", "info", "state", "status", "traceback", "children", "date_done", "graph"})
EXTENDED = frozenset({"args", "kwargs", "name", "worker", "queue", "retries"})
#: what a loop that polls asks for
POLLED = frozenset({"ready", "state", "status", "successful", "failed", "result", "info"})
#: names of positional arguments of a wait
WAIT_ARGUMENTS = ("timeout", "propagate", "interval")

SENDS = frozenset({"delay", "apply_async", "delay_on_commit", "apply_async_on_commit"})
TASK_METHODS = SENDS | {"s", "si", "signature", "subtask", "map", "starmap", "chunks", "AsyncResult"}
APP_METHODS = frozenset(
    {
        "task",
        "send_task",
        "register_task",
        "AsyncResult",
        "GroupResult",
        "ResultSet",
        "signature",
        "tasks",
        "Task",
        "setup_security",
    }
)
#: hooks of a class-based task that a worker runs
TASK_HOOKS = frozenset({"run", "__call__", "before_start", "after_return", "on_success", "on_failure", "on_retry"})
#: what ``from celery import *`` brings
PUBLIC = frozenset(
    {
        "Celery", "shared_task", "Task", "current_app", "current_task", "maybe_signature", "chain", "chord", "chunks",
        "group", "signature", "subtask", "Signature", "xmap", "xstarmap",
    }
)  # fmt: skip
#: our own functions that are given a result or an id, by the kind of use
OURS = {
    "rootcellar.aio.get": "get",
    "rootcellar.aio.gather": "join",
    "rootcellar.aio.as_completed": "join",
    "rootcellar.aio.watch": "read",
    "rootcellar.aio.state": "read",
    "rootcellar.aio.meta": "read",
    "rootcellar.aio.progress": "read",
    "rootcellar.exists": "read",
    "rootcellar.progress": "read",
    "rootcellar.results.exists": "read",
    "rootcellar.results.progress": "read",
    "rootcellar.contrib.django.stream": "read",
    "rootcellar.contrib.fastapi.stream": "read",
    "rootcellar.contrib.sse.events": "read",
}
