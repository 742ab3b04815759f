"""What is known of a task, and how far a group has come."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from celery import current_app, states
from celery.result import AsyncResult, EagerResult, GroupResult, ResultBase, ResultSet

from rootcellar.backend import CellarBackend
from rootcellar.backend.pending import leaves
from rootcellar.errors import UnknownGroup, Unsupported
from rootcellar.record import FINAL_STATES, UNREADABLE, check_id

__all__ = ["Progress", "exists", "progress"]


class Progress(NamedTuple):
    """How many of some tasks have come how far. The other four add up to ``total``."""

    total: int
    #: nothing is known of them, or only that they were sent
    pending: int
    #: any other state that is not final: STARTED, RETRY, one of the task's own
    running: int
    #: SUCCESS
    done: int
    #: FAILURE and REVOKED, and what is stored but cannot be read
    failed: int

    @property
    def is_finished(self) -> bool:
        """Whether all have ended, well or not."""
        return self.done + self.failed == self.total

    @property
    def fraction(self) -> float:
        """The share that has ended, from 0 to 1; 1 for nothing at all.

        >>> Progress(total=8, pending=3, running=3, done=1, failed=1).fraction
        0.25
        """
        return (self.done + self.failed) / self.total if self.total else 1.0


def exists(task_id: str, *, app: Any = None) -> bool:
    """Return whether anything is stored for a task; one read.

    Without the setting ``cellar_track_sent`` that is so once a worker has stored a state; with it, once the task was
    sent. ``app`` is the Celery app, the current one if it is left out.

    Raises:
        Unsupported: the app's result backend is not rootcellar's.
        RootcellarError: the store could not be read.
    """
    record_id = check_id(task_id)
    return record_id in backend_of(app or current_app).store.states((record_id,))


def progress(result: Any, *, app: Any = None) -> Progress:
    """Return how far some tasks have come. Their states are read, a round trip for each 1,000, and not their results.

    ``result`` is a ``GroupResult`` or ``ResultSet`` (nested ones are counted by their tasks), a chord's result (its
    header is counted), any other ``AsyncResult``, or the id of a saved group, which takes a read more. A result that
    was got already is not read again.

    Raises:
        UnknownGroup: no group is saved under this id.
        Unsupported: the backend is not rootcellar's.
        RootcellarError: the store could not be read.
        TypeError: ``result`` is neither a result nor a group's id.
    """
    if isinstance(result, str):
        result = saved_group(result, app=app)
    tasks = counted_tasks(result)
    known: dict[str, str] = {}
    for backend, ids in unknown_ids(tasks).items():
        known |= backend.store.states(ids)
    return count(tasks, known)


def backend_of(owner: Any) -> CellarBackend:
    """Return the backend of an app or of a result.

    Raises:
        Unsupported: it is not rootcellar's.
    """
    backend = owner.backend
    if isinstance(backend, CellarBackend):
        return backend
    raise Unsupported(
        f"This needs rootcellar's result backend, and the app has {type(backend).__name__}. Put cellar+ in front of "
        "its result_backend URL, for example cellar+redis://localhost:6379/0, or pass the app that has it."
    )


def as_result(given: Any, *, app: Any = None) -> Any:
    """Return a result as it is, and a task id as the ``AsyncResult`` it names.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(given, str):
        owner = app or current_app
        backend_of(owner)
        return owner.AsyncResult(check_id(given))
    return _checked(given, "task")


def saved_group(group_id: str, *, app: Any = None) -> GroupResult:
    """Return the group that ``GroupResult.save()`` kept.

    Raises:
        UnknownGroup: there is none.
    """
    owner = app or current_app
    backend_of(owner)
    group = GroupResult.restore(check_id(group_id, "group id"), app=owner)
    if group is None:
        raise UnknownGroup(
            f"No group is saved under {group_id!r}: GroupResult.save() was not called, or the group has expired."
        )
    return group


def _checked(given: Any, what: str) -> Any:
    if not isinstance(given, ResultBase):
        raise TypeError(f"Give a result, or a {what}'s id as str, not {type(given).__name__}: {repr(given)[:40]}.")
    return given


def counted_tasks(result: Any) -> Sequence[Any]:
    """Return the tasks that :func:`progress` counts for ``result``."""
    if not isinstance(_checked(result, "group"), ResultSet) and isinstance(result.parent, ResultSet):
        result = result.parent  # a chord: what there is to wait for is its header
    return list(leaves(result))


def unknown_ids(tasks: Sequence[Any]) -> Mapping[CellarBackend, Sequence[str]]:
    """Return the ids of the tasks whose outcome nobody has got yet, by backend."""
    unknown: dict[CellarBackend, dict[str, None]] = {}
    for task in tasks:
        if not isinstance(task, EagerResult) and not task._cache:
            unknown.setdefault(backend_of(task), {})[check_id(task.id)] = None
    return {backend: list(ids) for backend, ids in unknown.items()}


def count(tasks: Sequence[AsyncResult], known: Mapping[str, str]) -> Progress:
    """Count tasks by their own outcome, or else by the states that are ``known`` of their ids."""
    pending = running = done = failed = 0
    for task in tasks:
        state = task._cache["status"] if task._cache else known.get(check_id(task.id), states.PENDING)
        if state == states.SUCCESS:
            done += 1
        elif state in FINAL_STATES or state == UNREADABLE:
            failed += 1
        elif state == states.PENDING:
            pending += 1
        else:
            running += 1
    return Progress(len(tasks), pending, running, done, failed)
