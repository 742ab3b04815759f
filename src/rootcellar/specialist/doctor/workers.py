"""Examinations of the workers: are there any, do they take the tasks, and where and how do they store results?"""

from collections import Counter
from typing import Any

from packaging.version import InvalidVersion, Version

from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case, kept_s
from rootcellar.specialist.doctor.fleet import Worker
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains, NotExamined, examination
from rootcellar.specialist.doctor.words import counted, several
from rootcellar.specialist.profile.address import Address, address_of
from rootcellar.specialist.profile.shown import shown_url


@examination("broker-away", "The broker does not answer", patience=10)
def broker_away(case: Case) -> Answer:
    """The tasks never leave the client, or never reach a worker."""
    try:
        fleet = case.fleet
    except Absent as exc:
        return Explains(_sentence(exc), exc.mend) if exc.is_proven else NotExamined(str(exc))
    return Cleared(f"the broker answers, and {counted(len(fleet.workers), 'worker')}")


@examination("no-worker", "No worker answers", needs=("fleet",))
def no_worker(case: Case) -> Answer:
    """Nobody runs the tasks."""
    fleet = case.fleet
    if fleet.workers:
        return Cleared(f"{counted(len(fleet.workers), 'worker')}: {fleet.names}")
    waiting = _waiting(case)
    return Explains(
        f"No worker answered a ping on this broker ({shown_url(case.broker_url)}).{waiting}",
        "Start a worker on this broker and virtual host or database number (celery -A APP worker). If one runs, it "
        "is on another broker, has its remote control off (worker_enable_remote_control), or is a solo pool, which "
        "answers only between tasks.",
        # A ping is not answered by a worker whose remote control is off; messages that pile up show that none is there.
        place=case.where("broker_url"),
    )


@examination("queue-not-consumed", "No worker consumes the queue of a task", needs=("workers",))
def queue_not_consumed(case: Case) -> Answer:
    """The message lies in a queue that nobody takes from."""
    fleet = case.fleet
    names = case.task_names
    if not names:
        return NotExamined("which tasks are sent is not known: name the app with -A")
    lost = {name: queue for name in names if (queue := case.queue_of(name)) not in fleet.queues}
    if not lost:
        queues = sorted({case.queue_of(name) for name in names})
        return Cleared(f"{counted(len(names), 'task')}, to queues that are consumed: {several(queues)}")
    queue, number = Counter(lost.values()).most_common(1)[0]
    tasks = sorted(name for name, its in lost.items() if its == queue)
    waiting = f"; {counted(fleet.waiting[queue], 'message')} in it" if fleet.waiting.get(queue) else ""
    return Explains(
        f"{several(tasks)} {'goes' if number == 1 else 'go'} to the queue {queue!r}, and the workers consume "
        f"{several(sorted(fleet.queues))} only{waiting}.",
        f"Let a worker consume it (celery worker -Q {queue}), or route the task elsewhere (task_routes, "
        "task_default_queue, the task's queue).",
        place=case.where("task_routes" if case.settings.get("task_routes") else "task_default_queue"),
    )


@examination("task-not-registered", "No worker knows the task", needs=("workers",))
def task_not_registered(case: Case) -> Answer:
    """A worker that does not know a task throws its message away."""
    fleet = case.fleet
    names = case.task_names
    if not names:
        return NotExamined("which tasks are sent is not known: name the app with -A")
    consuming = {name: [one for one in fleet.workers if case.queue_of(name) in one.queues] for name in names}
    unknown = [name for name, workers in consuming.items() if workers and not any(name in one.tasks for one in workers)]
    if not unknown:
        return Cleared(f"{counted(len(names), 'task')}, registered at workers that take them")
    workers = ", ".join(one.name for one in consuming[unknown[0]][:3])
    return Explains(
        f"{several(unknown)} {'is' if len(unknown) == 1 else 'are'} not registered at {workers}, which would take "
        f"{'it' if len(unknown) == 1 else 'them'}: Celery drops such a message ('Received unregistered task').",
        "Let the worker import the task's module (imports, include, autodiscover_tasks), deploy the same code to it, "
        "and restart it.",
    )


@examination("worker-elsewhere", "The workers store results in another place", needs=("workers",))
def worker_elsewhere(case: Case) -> Answer:
    """What they store there the client never sees."""
    fleet = case.fleet
    if not case.url:
        return NotExamined("the client's result_backend is not known: name the app with -A")
    doubtful = ""
    for worker in fleet.workers:
        difference, is_certain = _difference(case, worker)
        if difference and is_certain:
            return Explains(
                f"{worker.name} {difference}.",
                "Give worker and client the same result_backend and result_backend_transport_options; restart both.",
                place=case.where("result_backend"),
            )
        doubtful = doubtful or (f"{worker.name} {difference}" if difference else "")
    if doubtful:
        return Explains(
            f"{doubtful}. These may be two names of one server.",
            "Make sure that worker and client mean the same server in result_backend.",
            is_certain=False,
            place=case.where("result_backend"),
        )
    return Cleared(f"{counted(len(fleet.workers), 'worker')}, storing where the client reads: {shown_url(case.url)}")


@examination("worker-ignores-results", "The workers store no results", needs=("workers",))
def worker_ignores_results(case: Case) -> Answer:
    """A task that ignores its result stores nothing when it succeeds."""
    fleet = case.fleet
    for worker in fleet.workers:
        if worker.ignores_results:
            keeping = [name for name, its in worker.tasks.items() if its.get("ignore_result") == "False"]
            return Explains(
                f"{worker.name} runs with task_ignore_result=True"
                + (f"; only {several(sorted(keeping))} keep theirs." if keeping else "."),
                "Take task_ignore_result off where the worker is configured, or set ignore_result=False on the tasks "
                "whose results are needed.",
                place=case.where("task_ignore_result"),
            )
    wanted = _results_wanted(case)
    ignoring = sorted(
        name
        for worker in fleet.workers
        for name, its in worker.tasks.items()
        if name in wanted and its.get("ignore_result") == "True"
    )
    if ignoring:
        return Explains(
            f"{several(list(dict.fromkeys(ignoring)))} has ignore_result=True at the workers, and its result is used.",
            "Take ignore_result=True off the task, or send it with apply_async(..., ignore_result=False).",
        )
    return Cleared("task_ignore_result is off at the workers, and no task whose result is used ignores it")


@examination("worker-disabled", "The workers have no result backend", needs=("workers",))
def worker_disabled(case: Case) -> Answer:
    """They throw every result away."""
    fleet = case.fleet
    for worker in fleet.workers:
        if _is_disabled(worker):
            return Explains(
                f"{worker.name} runs without a result backend.",
                "Set result_backend where the worker is configured (its environment, if it comes from there), and "
                "restart it.",
                place=case.where("result_backend"),
            )
    return Cleared("every worker has a result backend")


@examination("worker-serializer", "The workers store in another form than the client reads", needs=("workers",))
def worker_serializer(case: Case) -> Answer:
    """Celery decodes a result with the reader's serializer, whatever it was stored with."""
    fleet = case.fleet
    own = str(case.settings.get("result_serializer") or "json")
    for worker in fleet.workers:
        its = str(worker.settings.get("result_serializer") or "json")
        if its != own:
            return Explains(
                f"{worker.name} stores results as {its}; the client reads {own}.",
                "Set one result_serializer for workers and clients (json, unless there is a reason), and let "
                "result_accept_content accept it. Results stored before stay as they are until they expire.",
                place=case.where("result_serializer"),
            )
    return Cleared(f"workers and client both use {own}")


@examination("versions-apart", "Workers and client are of versions that do not read one another", needs=("workers",))
def versions_apart(case: Case) -> Answer:
    """kombu 5.3 began to write dates, UUIDs, decimals and bytes as marked JSON, which older ones do not restore."""
    fleet = case.fleet
    if case.loaded is None:
        return NotExamined("which kombu the client runs is not known: name the app with -A")
    import kombu

    marks = Version("5.3")
    for worker in fleet.workers:
        its = _version(worker.versions.get("kombu", ""))
        if its is not None and (its < marks) != (Version(kombu.__version__) < marks):
            return Explains(
                f"{worker.name} has kombu {its}, the client {kombu.__version__}: one of them marks dates, UUIDs, "
                "decimals and bytes in JSON, and the other does not know the marks.",
                "Bring workers and clients to the same side of kombu 5.3 (Celery 5.3).",
            )
    versions = sorted({worker.versions.get("celery", "?") for worker in fleet.workers})
    return Cleared(f"workers run Celery {several(versions)}, and read what the client reads")


@examination(
    "worker-expires-early", "The workers let results expire earlier than the client expects", needs=("workers",)
)
def worker_expires_early(case: Case) -> Answer:
    """Whoever stores a result decides how long it is kept."""
    fleet = case.fleet
    own = case.expires_s
    for worker in fleet.workers:
        if "result_expires" not in worker.settings:
            continue
        its = kept_s(worker.settings["result_expires"])
        if its is not None and (own is None or its < own):
            kept = f"{own:g} s" if own is not None else "for ever"
            return Explains(
                f"{worker.name} stores results for {its:g} s (its result_expires); the client's settings say {kept}.",
                "Set the same result_expires for workers and clients, and restart the workers: it is they who set it.",
                place=case.where("result_expires"),
            )
    return Cleared("the workers keep results as long as the client's settings say")


@examination("workers-behind", "The workers do not keep up", needs=("workers",))
def workers_behind(case: Case) -> Answer:
    """A task that waits for its turn is PENDING."""
    fleet = case.fleet
    waiting = {queue: number for queue, number in fleet.waiting.items() if number and queue in fleet.queues}
    reserved = sum(one.where == "reserved" for one in fleet.in_hand)
    if not waiting:
        return Cleared(f"no messages wait in the queues; the workers hold {reserved} more in reserve")
    queue, number = max(waiting.items(), key=lambda one: one[1])
    active = Counter(one.name for one in fleet.in_hand if one.where == "active")
    busy = f" They run {', '.join(f'{name} ({count})' for name, count in active.most_common(3))}." if active else ""
    return Explains(
        f"{counted(number, 'message')} in the queue {queue!r}, from which {fleet.names} takes.{busy}",
        "Give the workers more concurrency, start more of them, or send long tasks to a queue of their own.",
    )


def _difference(case: Case, worker: Worker) -> tuple[str, bool]:
    """Return in words how a worker's result backend is not the client's, and whether that is certain."""
    if _is_disabled(worker) or not worker.results:
        return "", False
    own, its = case.address, address_of(worker.results.removeprefix("cellar+"))
    at = f"stores results in {shown_url(worker.results)}; the client reads {shown_url(case.url)}"
    if _kind(own) != _kind(its):
        return at, True
    prefix = _prefix(case.settings), _prefix(worker.settings)
    if prefix[0] != prefix[1]:
        return f"puts {prefix[1] or 'nothing'!r} before its keys (global_keyprefix), the client {prefix[0]!r}", True
    if _place(own) != _place(its) or ((own.port or "") != (its.port or "") and _host(own) == _host(its)):
        return at, True
    return (at, False) if _host(own) != _host(its) or (own.port or "") != (its.port or "") else ("", True)


def _kind(address: Address) -> str:
    """Return what both `redis` and `rediss` are; a database's driver does not matter."""
    scheme = address.scheme.removeprefix("db+").partition("+")[0]
    return {"rediss": "redis", "postgres": "postgresql", "mariadb": "mysql"}.get(scheme, scheme)


def _place(address: Address) -> str:
    path = address.path.strip("/") if "sqlite" not in address.scheme else address.path.lstrip("/")
    return (path or "0") if address.scheme.startswith("redis") else path


def _host(address: Address) -> str:
    return "localhost" if address.is_local else address.host.lower()


def _prefix(settings: Any) -> str:
    options = settings.get("result_backend_transport_options")
    return str(options.get("global_keyprefix") or "") if isinstance(options, dict) else ""


def _is_disabled(worker: Worker) -> bool:
    return "disabled" in worker.results


def _results_wanted(case: Case) -> frozenset[str]:
    if case.app is None:
        return frozenset()
    return frozenset(name for use in case.project.uses_results(case.app) for name in use.tasks)


def _waiting(case: Case) -> str:
    waiting = {queue: number for queue, number in case.fleet.waiting.items() if number}
    if not waiting:
        return ""
    queue, number = max(waiting.items(), key=lambda one: one[1])
    return f" The queue {queue!r} holds {counted(number, 'message')}."


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _sentence(exc: Absent) -> str:
    text = str(exc)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
