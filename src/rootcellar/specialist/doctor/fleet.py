"""The fleet: what the workers say of themselves, asked as ``celery inspect`` asks them. Nothing is told them to do."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.doctor.words import several

#: How long to wait for workers that may not be there; one that answers takes milliseconds.
_PING_S = 2.0
#: Commands sent, ping included: what the time a whole round may take is reckoned by.
ROUNDS = 8

_OLD_NAMES = {"ignore_result": "task_ignore_result", "task_result_expires": "result_expires"}
_VERSION = re.compile(r"\b(celery|kombu|py):([0-9][\w.]*)")
_RESULTS = re.compile(r"\bresults:(\S+)")
_TASK = re.compile(r"^(\S+)(?: \[(.*)\])?$")


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that answers."""

    name: str
    #: its result backend, as Celery shows it, without the password: ``redis://localhost:6379/1``; ``disabled:///``
    results: str = ""
    #: ``celery``, ``kombu``, ``py`` → version
    versions: Mapping[str, str] = field(default_factory=dict)
    #: what it is configured with beyond Celery's defaults, by lower-case name; Celery masks secrets and tables' names
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: names of the queues it consumes
    queues: tuple[str, ...] = ()
    #: task → its ``ignore_result`` and ``serializer``, as texts
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def ignores_results(self) -> bool:
        """Whether it stores no result of a task that says nothing of its own."""
        return bool(self.settings.get("task_ignore_result"))


@dataclass(frozen=True, slots=True)
class InHand:
    """A task that a worker has: ``where`` is ``active``, ``reserved`` or ``scheduled``."""

    id: str
    name: str
    where: str
    worker: str
    #: its keyword arguments, which are nobody's to see
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    args: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All workers that answered, and what they have in hand."""

    workers: tuple[Worker, ...] = ()
    in_hand: tuple[InHand, ...] = ()
    #: queue → messages in it, of the queues that were looked at; the broker may not say
    waiting: Mapping[str, int] = field(default_factory=dict)

    @property
    def queues(self) -> frozenset[str]:
        """Names of the queues that somebody consumes."""
        return frozenset(queue for worker in self.workers for queue in worker.queues)

    @property
    def names(self) -> str:
        """The workers' names, a few of them."""
        return several([worker.name for worker in self.workers])


class Asker:
    """Asks the workers of an app over one connection."""

    def __init__(self, app: Any, broker_url: str, timeout_s: float) -> None:
        from celery.app.control import Control

        self._timeout_s = timeout_s
        self._connection = app.connection_for_read(broker_url, connect_timeout=timeout_s)
        self._control = Control(app)
        # The pool would connect to what the environment names, and try for ever.
        self._control.mailbox._producer_pool = None
        self._wait_s = min(timeout_s, _PING_S)

    def ask(self, queues: Iterator[str]) -> Fleet:
        """Ask; ``queues`` are those whose length is looked at. What kombu or its driver raises comes through."""
        with self._connection as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, interval_max=0.1)
            names = sorted(self._replies("ping"))
            waiting = dict(self._lengths(queues))
            if not names:
                return Fleet(waiting=waiting)
            every = len(names)
            reports = self._replies("report", every)
            settings = self._replies("conf", every)
            consumed = self._replies("active_queues", every)
            registered = self._replies("registered", every, taskinfoitems=["ignore_result", "serializer"])
            workers = tuple(
                Worker(
                    name,
                    results=_results(reports.get(name)),
                    versions=dict(_VERSION.findall(_text(reports.get(name)))),
                    settings={_new_name(key): value for key, value in _mapping(settings.get(name)).items()},
                    queues=tuple(str(one["name"]) for one in _list(consumed.get(name))),
                    tasks=dict(_task(str(one)) for one in _list(registered.get(name))),
                )
                for name in names
            )
            return Fleet(workers, tuple(self._in_hand(every)), waiting)

    def _replies(self, command: str, limit: int | None = None, **arguments: Any) -> dict[str, Any]:
        replies = self._control.broadcast(
            command,
            arguments=arguments,
            connection=self._connection,
            reply=True,
            # Where it is known how many there are, the last reply ends the waiting.
            timeout=self._wait_s if limit is None else self._timeout_s + 1,
            limit=limit,
        )
        return {name: answer for reply in replies or () for name, answer in reply.items()}

    def _in_hand(self, every: int) -> Iterator[InHand]:
        for where in ("active", "reserved", "scheduled"):
            for worker, tasks in self._replies(where, every).items():
                for task in _list(tasks):
                    request = task.get("request", task)
                    yield InHand(
                        str(request.get("id")),
                        str(request.get("name") or request.get("type")),
                        where,
                        worker,
                        _mapping(request.get("kwargs")),
                        tuple(request["args"]) if isinstance(request.get("args"), (list, tuple)) else (),
                    )

    def _lengths(self, queues: Iterator[str]) -> Iterator[tuple[str, int]]:
        for queue in queues:
            # A queue that is not there: the broker says so, and closes the channel.
            with suppress(Exception), self._connection.channel() as channel:
                yield queue, int(channel.queue_declare(queue, passive=True).message_count)


def _text(report: Any) -> str:
    return str(report.get("ok", "")) if isinstance(report, Mapping) else ""


def _results(report: Any) -> str:
    found = _RESULTS.search(_text(report))
    return found[1] if found else ""


def _mapping(answer: Any) -> Mapping[str, Any]:
    return answer if isinstance(answer, Mapping) else {}


def _new_name(written: str) -> str:
    """Return a setting's lower-case name, whatever the worker's app writes before it.

    >>> _new_name("result_expires"), _new_name("CELERY_RESULT_EXPIRES"), _new_name("CELERY_IGNORE_RESULT")
    ('result_expires', 'result_expires', 'task_ignore_result')
    """
    if written.islower():
        return written
    name = written.lower().removeprefix("celery_")
    return _OLD_NAMES.get(name, name)


def _list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else []


def _task(line: str) -> tuple[str, Mapping[str, str]]:
    found = _TASK.match(line)
    if found is None:
        return line, {}
    return found[1], dict(pair.split("=", 1) for pair in (found[2] or "").split() if "=" in pair)
