"""The symptoms, and for each its suspects in order of likelihood.

The order counts among suspects of equal proof only: a cause that was seen live goes before a rule, which says what can
happen. A rule of severity ``info``, and a weak suspect, is never the explanation; it is mentioned.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from rootcellar.errors import ConfigurationError, did_you_mean
from rootcellar.specialist.doctor.suspect import REGISTERED, Examination, Suspect


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a person sees, in one line, and what may be behind it."""

    name: str
    meaning: str
    suspects: tuple[Suspect, ...]


_STORE_AWAY = Suspect("store-away", "A worker that cannot reach the store runs the task and loses its result.")
_REFUSES = Suspect("store-refuses", "What the store refuses is lost once the task has ended.")
_EVICTED = Suspect("evicted", "An evicted result is gone without a trace.")
_EVICTION = Suspect("RC302", "When its memory is full, this server deletes results nobody has read yet.")
_RESTARTED = Suspect("restarted", "A server that writes nothing to disk comes back empty.")
_NO_DISK = Suspect("RC303", "A restart of the server loses every result.")
_NO_VOLUME = Suspect("RC304", "A new container begins with an empty store.")
_ELSEWHERE = Suspect("worker-elsewhere", "What workers store in another place, the client never sees.")
_OTHER_DATABASE = Suspect("other-database", "Worker and client may use different database numbers of one Redis.")
_OTHER_PLACE = Suspect("task-in-other-place", "The result was stored, and the client looks elsewhere.")
_IGNORES = Suspect("worker-ignores-results", "A task that ignores its result stores nothing when it succeeds.")
_DISABLED = Suspect("worker-disabled", "A worker without a result backend throws results away.")
_NO_BACKEND = Suspect("no-backend", "An app that does not read its result_backend has none.")
_UNSET = Suspect("RC217", "Without a result_backend Celery keeps no results.")
_IGNORED = Suspect("RC216", "task_ignore_result switches results off for all tasks that do not say otherwise.")
_IGNORED_TASK = Suspect("RC215", "The task whose result is used is told to store none.")
_IN_HAND = Suspect("task-in-hand", "A task that waits or runs has no result yet.")
_STORED = Suspect("task-stored", "The record under the task's id says what became of it.")
_BROKER = Suspect("broker-away", "Without the broker no task reaches a worker.")
_NO_WORKER = Suspect("no-worker", "A message that nobody takes stays where it is.")
_NOT_CONSUMED = Suspect("queue-not-consumed", "A message in a queue that nobody consumes stays there.")
_NOT_REGISTERED = Suspect("task-not-registered", "A worker drops the message of a task it does not know.")
_BEHIND = Suspect("workers-behind", "A task that waits for its turn is PENDING.")
_READ_ELSEWHERE = Suspect("RC222", "With rpc only the process that sent a task receives its result.")
_READ_TWICE = Suspect("RC220", "With rpc a result is gone once it was read.")
_MEMORY = Suspect("RC309", "What lies in one process's memory no other process sees.")
_TEMPORARY = Suspect("RC311", "What lies in a temporary folder goes with it.")
_CACHE = Suspect("RC310", "A cache drops what it likes.")
_NAMESPACE = Suspect("RC228", "A setting without the app's prefix is not read.")
_UNKNOWN_URL = Suspect("RC229", "Celery finds no backend of this name.")
_ASSIGNED = Suspect("RC225", "A backend object that is assigned holds for one thread only.")
_ENVIRONMENT = Suspect("RC230", "CELERY_RESULT_BACKEND in the environment goes over what the code says.")
_CUT = Suspect("RC234", "A password with unescaped characters ends early: another host, or a refused login.")
_DRIVER = Suspect("RC501", "Without the driver nothing can be stored.")
_SHARED = Suspect("RC227", "Two apps that share a store read and clean up one another's results.")
_LATE_RETRY = Suspect("RC307", "What ends during an outage of the store is lost.")
_FAIL_OVER = Suspect("RC308", "What ends during a fail-over is lost.")
_CLEAN_ALL = Suspect("RC213", "With result_expires 0 a database's clean-up deletes every finished result.")
_MISSPELT = Suspect("RC201", "A misspelt setting does nothing, and Celery does not say so.", is_weak=True)
_OVERRIDDEN = Suspect("RC231", "Of two values the later one counts.", is_weak=True)
_UNDECODABLE = Suspect("undecodable", "A result that cannot be decoded raises when it is read.")
_CHORD_ON_RPC = Suspect("RC221", "This store cannot run a chord.")

SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        "not-persisting",
        "Tasks run, and their results are not there afterwards.",
        (
            _STORED, _OTHER_PLACE, _NO_BACKEND, _DISABLED, _IGNORES, _ELSEWHERE, _STORE_AWAY, _REFUSES, _EVICTED,
            _RESTARTED, _OTHER_DATABASE,
            Suspect("nothing-stored", "Where nothing was ever stored, workers store elsewhere or not at all."),
            _UNSET, _IGNORED, _IGNORED_TASK, _MEMORY, _NAMESPACE, _UNKNOWN_URL, _CLEAN_ALL, _CUT, _DRIVER,
            _READ_ELSEWHERE, _READ_TWICE, _EVICTION, _NO_DISK, _NO_VOLUME, _TEMPORARY, _CACHE, _ASSIGNED, _SHARED,
            Suspect("RC510", "Django's results need their tables and their app."),
            Suspect("RC223", "Without its name the master is not found, and nothing is stored."),
            Suspect("RC224", "Redis Cluster redirects, and Celery's backend does not follow."),
            Suspect("RC505", "RabbitMQ 4.3 refuses the queue that replies would go to."),
            Suspect("RC205", "With old and new names mixed, Celery refuses or does not read some."),
            _MISSPELT, _OVERRIDDEN, _FAIL_OVER, _LATE_RETRY, _ENVIRONMENT,
            Suspect("RC306", "Replies of rpc do not survive a restart of the broker."),
        ),
    ),
    Symptom(
        "pending-forever",
        "A task's state is PENDING and does not change.",
        (
            _IN_HAND, _OTHER_PLACE, _BROKER, _NO_WORKER, _NOT_CONSUMED, _NOT_REGISTERED, _ELSEWHERE, _DISABLED,
            _IGNORES, _STORE_AWAY, _REFUSES, _STORED, _NO_BACKEND, _UNDECODABLE, _EVICTED, _RESTARTED,
            Suspect("polling", "A waiter that is never woken waits, though the result is there."),
            _OTHER_DATABASE, _BEHIND,
            _READ_ELSEWHERE, _READ_TWICE, _UNSET, _IGNORED, _IGNORED_TASK, _MEMORY, _NAMESPACE, _UNKNOWN_URL,
            _CUT, _ASSIGNED,
            Suspect("RC218", "A task that waits for another occupies the worker that would run it."),
            Suspect("RC233", "A task that waits for another occupies the worker that would run it."),
            Suspect("RC232", "A coroutine that waits holds up the loop that would hear of the result."),
            _CHORD_ON_RPC, _EVICTION, _NO_DISK, _SHARED,
            Suspect("RC312", "A result that expires before it is read is PENDING again."),
            Suspect("RC212", "A message that has expired is thrown away, and the task never runs."),
            _DRIVER, _MISSPELT, _OVERRIDDEN, _ENVIRONMENT,
        ),
    ),
    Symptom(
        "serialization",
        "Results cannot be encoded or decoded, or come back as something else.",
        (
            Suspect("not-encodable", "The worker stores a failure where the value could not be encoded."),
            _UNDECODABLE,
            Suspect("worker-serializer", "Celery decodes with the reader's serializer, not the writer's."),
            Suspect("content-refused", "What accept_content does not hold is refused."),
            Suspect("test-value", "This client itself cannot encode or decode."),
            Suspect("task-stored", "The record under the task's id may be of another form."),
            Suspect("versions-apart", "kombu 5.3 changed what JSON looks like."),
            Suspect("RC226", "The serializer has no form for what the task returns."),
            Suspect("RC115", "The auth serializer needs its key, certificate and store."),
            Suspect("RC509", "Apps on both sides of kombu 5.3 do not read one another's dates and bytes."),
            Suspect("RC410", "Text instead of bytes cannot be decoded, or not decompressed."),
            Suspect("pickled-rows", "A pickle is read only where its classes can be imported, in compatible versions."),
            Suspect("RC506", "Before Celery 5.7 results on a database are pickled, whatever the serializer."),
            Suspect("RC112", "A pickle needs to be accepted, and its classes on both sides.", is_weak=True),
            Suspect("RC111", "One side that accepts pickle hides that the other does not.", is_weak=True),
            Suspect("RC114", "A serializer of one's own must be registered on both sides.", is_weak=True),
            Suspect("RC116", "A key made at start decodes nothing of before."),
            Suspect("RC202", "A setting of the wrong type may name no serializer.", is_weak=True),
            _OVERRIDDEN,
        ),
    ),
    Symptom(
        "slow",
        "Storing, reading or waiting for results takes long.",
        (
            Suspect("connection-per-call", "Connecting takes longer than the query."),
            Suspect("slow-store", "Each operation waits for the store's answer."),
            Suspect("connections-exhausted", "Whoever finds no connection waits for one."),
            Suspect("polling", "A waiter that polls learns of the result at its next look."),
            Suspect("memory-full", "A server at its limit spends its time on making room."),
            Suspect("large-results", "Large values take time on each of their ways."),
            _BEHIND,
            _STORE_AWAY,
            Suspect("subscriptions", "A server that feeds thousands of subscriptions has less time for the rest."),
            Suspect("RC407", "Connecting for each read takes longer than reading."),
            Suspect("RC406", "Who polls waits half an interval longer in the mean."),
            Suspect("RC416", "A loop with a sleep waits longer than it must, and loads the store."),
            Suspect("RC402", "More tasks than connections wait for one another."),
            Suspect("RC403", "A server out of connections refuses, and clients try again."),
            Suspect("RC415", "SQLite lets one process write at a time."),
            Suspect("RC411", "Under REPEATABLE READ a waiter may not see what was stored."),
            Suspect("RC412", "Without an index each look at the table reads all of it."),
            Suspect("RC507", "A table of an older Celery lacks indexes."),
            Suspect("RC413", "Through PgBouncer prepared statements fail and are tried again."),
            Suspect("RC401", "Results and messages wait for one another in one Redis."),
            Suspect("RC218", "A task that waits for another occupies a worker."),
            Suspect("RC232", "A coroutine that waits holds up everything else in its loop."),
            Suspect("RC405", "A connection that the server closed costs a failed try."),
            Suspect("RC404", "A connection that the server closed costs a failed try."),
            Suspect("RC409", "Arguments are stored and read with each result."),
        ),
    ),
    Symptom(
        "expired-early",
        "Results are gone earlier than they should be.",
        (
            _EVICTED, _RESTARTED,
            Suspect("worker-expires-early", "The worker that stores a result decides how long it is kept."),
            Suspect("expiry-works", "The expiry that a result gets may not be the one that is set."),
            Suspect("short-retention", "What is read after result_expires is gone."),
            _CLEAN_ALL, _EVICTION,
            Suspect("RC312", "A result that expires before its chord or its reader comes is gone."),
            Suspect("RC305", "The server keeps nothing as long as the settings promise."),
            _NO_DISK, _NO_VOLUME, _TEMPORARY, _CACHE, _SHARED, _READ_TWICE, _MEMORY,
            Suspect("RC212", "expires of a task is its message's, not its result's."),
            _MISSPELT, _OVERRIDDEN,
            Suspect("RC306", "Replies of rpc go with the broker's restart."),
        ),
    ),
    Symptom(
        "memory-growing",
        "The store, or a process, grows and grows.",
        (
            Suspect("kept-for-ever", "What never expires piles up."),
            Suspect("rows-outlive", "Rows that nobody deletes pile up."),
            Suspect("rows-undated", "The clean-up does not find rows without a date."),
            Suspect("subscriptions", "Each result that is neither read nor collected holds a subscription."),
            Suspect("large-results", "Few large results fill a store as well as many small ones."),
            Suspect("memory-full", "The server is at its limit."),
            Suspect("RC214", "With result_expires None nothing ever goes."),
            Suspect("RC213", "With result_expires 0 Redis keeps for ever."),
            Suspect("RC301", "Without beat nobody deletes expired rows."),
            Suspect("RC414", "What is kept for years piles up for years."),
            Suspect("RC203", "A time in the wrong unit keeps results for decades."),
            Suspect("RC201", "A misspelt setting does not limit anything.", is_weak=True),
            Suspect("RC206", "Results are not compressed, though a setting says so.", is_weak=True),
            Suspect("RC207", "Results are not compressed, though a setting says so.", is_weak=True),
            Suspect("RC208", "A setting that Celery never had limits nothing.", is_weak=True),
            Suspect("RC408", "Results that nobody reads are stored all the same."),
            Suspect("RC409", "Arguments are stored with each result."),
        ),
    ),
    Symptom(
        "chord-stuck",
        "All members of a chord have run, and its body has not.",
        (
            Suspect("chords-unsupported", "This store cannot run a chord."),
            _BROKER, _NO_WORKER,
            Suspect(
                "queue-not-consumed", "Members, body and celery.chord_unlock, which goes where the body goes, need it."
            ),
            _NOT_REGISTERED,
            Suspect("unlock-in-vain", "celery.chord_unlock waits until each member has a result."),
            Suspect("members-ignored", "A member that stores no result is never ready."),
            Suspect("open-chords", "The body is sent when the last part is counted."),
            _IGNORES, _DISABLED, _ELSEWHERE, _STORE_AWAY, _REFUSES, _EVICTED, _RESTARTED,
            Suspect("ledger-overdue", "A housekeeper ends chords that are overdue."),
            Suspect("chord-errors", "A chord whose member failed has an error for a result."),
            _CHORD_ON_RPC, _IGNORED_TASK, _IGNORED, _UNSET, _MEMORY, _EVICTION,
            Suspect("RC312", "A chord's counters, or its parts, expire before its last member ends."),
            Suspect("RC218", "A member that waits for another task occupies the worker."),
            _NO_DISK, _SHARED, _OVERRIDDEN,
            Suspect("RC313", "Joining gives up after three seconds."),
        ),
    ),
)  # fmt: skip


def symptom(name: str) -> Symptom:
    """Return a symptom by its name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    by_name = {one.name: one for one in SYMPTOMS}
    if name not in by_name:
        raise ConfigurationError(
            f"There is no symptom {name!r}.{did_you_mean(name, by_name)} There are: {', '.join(by_name)}."
        )
    return by_name[name]


def examinations() -> Mapping[str, Examination]:
    """Return every examination by its name. Every module of this package may register some."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    return dict(REGISTERED)
