"""Examinations of the result store: does it answer, take and keep results, and how full is it?"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from rootcellar.specialist import checks
from rootcellar.specialist.advice import advice_on
from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains, NotExamined, examination
from rootcellar.specialist.doctor.words import counted, span
from rootcellar.specialist.profile.shown import shown_url
from rootcellar.specialist.step import StepFailed

#: A server above this share of its memory or connections is full, or will be at the next peak.
_FULL = 0.9
#: Channels that one client has subscribed to from which on it is a leak, and bytes that wait for it.
_MANY_CHANNELS = 1_000
_MANY_BYTES = 8 << 20
#: Results beyond this size are a burden to a store that holds each in one value.
_LARGE_BYTES = 256 << 10
_SHORT_S = 600
_DAY_S = 86_400
_FULL_ADVICE = "Raise maxmemory, shorten result_expires, or delete what is not needed."


@examination("store-away", "The result store does not answer")
def store_away(case: Case) -> Answer:
    """Nothing is stored, and nothing read."""
    try:
        return Cleared(f"it answers: {case.store}")
    except Absent as exc:
        text = str(exc)
        if not exc.is_proven:
            return NotExamined(text)
        end = "" if text.endswith(".") else "."
        return Explains(f"From here, {text}{end}", exc.mend, place=case.where("result_backend"))


@examination("nothing-stored", "Nothing was ever stored")
def nothing_stored(case: Case) -> Answer:
    """Whoever stores has another place, or has not run."""
    try:
        _ = case.store
    except Absent as exc:
        if not exc.is_empty:
            return NotExamined(str(exc))
        return Explains(
            f"From here, {exc}.",
            "Make sure that a worker runs, with this result_backend, and that both mean the same server and file.",
            is_certain=False,
            place=case.where("result_backend"),
        )
    return Cleared("results have been stored there, or can be")


@examination("no-backend", "There is no result backend")
def no_backend(case: Case) -> Answer:
    """Celery's disabled backend throws results away, and reading one raises."""
    if case.loaded is None:
        return NotExamined("the app itself is not known: name it with -A")
    kind = type(case.loaded.backend).__name__
    if kind != "DisabledBackend":
        return Cleared(f"the app has a {kind}")
    return Explains(
        "The app has no result backend: Celery runs it with its DisabledBackend.",
        "Set result_backend; if it is set, this app does not read the setting (its prefix, its module).",
        place=case.where("result_backend"),
    )


@examination("store-refuses", "The result store refuses to store", needs=("store",), patience=3)
def store_refuses(case: Case) -> Answer:
    """A full memory, a read-only replica, a login that may not write."""
    subject = case.subject
    try:
        return Cleared(f"a test result was stored and read, {checks.reads_back(subject)}")
    except StepFailed as exc:
        return Explains(f"A test result was stored, and {case.hide(exc.detail)}.", exc.advice or _look(case))
    except Exception as exc:
        advice = _FULL_ADVICE if "OOM" in str(exc) or "OutOfMemory" in type(exc).__name__ else advice_on(exc)
        return Explains(f"Storing a test result raised {case.said(exc)}.", advice, place=case.where("result_backend"))
    finally:
        for task_id in list(subject.made):
            with suppress(Exception):
                subject.forget(task_id)


@examination("evicted", "The server throws results away to make room", needs=("facts",))
def evicted(case: Case) -> Answer:
    """A key that is evicted is gone without a trace: its state is PENDING."""
    facts = _of_redis(case)
    policy, count = facts["maxmemory_policy"], facts["evicted_keys"]
    if not count:
        return Cleared(f"it has evicted nothing; its policy is {policy}")
    return Explains(
        f"Redis has evicted {count:,} keys since it started; maxmemory-policy is {policy}, maxmemory "
        f"{facts['maxmemory']:,} bytes.",
        "Set maxmemory-policy noeviction, give results a Redis of their own with enough memory, and alert on "
        "evicted_keys.",
        is_certain=policy != "noeviction",
        place=case.where("result_backend"),
    )


@examination("restarted", "The server has lost its memory in a restart", needs=("facts",))
def restarted(case: Case) -> Answer:
    """Without snapshots and append-only file a restart loses all results."""
    facts = _of_redis(case)
    if facts["save"] is not False or facts["appendonly"]:
        unknown = "it may not be asked whether it saves" if facts["save"] is None else "it writes to disk"
        return Cleared(unknown)
    up, kept = facts["uptime_s"], case.expires_s
    if kept is not None and up > kept:
        return Cleared(f"it writes nothing to disk, and has been up for {span(up)}, longer than results are kept")
    return Explains(
        f"Redis was started {span(up)} ago and writes nothing to disk (save is empty, appendonly no): every result "
        "stored before is gone.",
        'Turn persistence on (appendonly yes, or save "60 1000").',
        place=case.where("result_backend"),
    )


@examination("memory-full", "The server's memory is nearly full", needs=("facts",))
def memory_full(case: Case) -> Answer:
    """A full Redis refuses to store, or evicts."""
    facts = _of_redis(case)
    used, limit = facts["used_memory"], facts["maxmemory"]
    if not limit or used < limit * _FULL:
        return Cleared(f"{used:,} bytes used of {f'{limit:,}' if limit else 'as many as there are'}")
    return Explains(
        f"Redis uses {used:,} of {limit:,} bytes (maxmemory) and has {facts['maxmemory_policy']}.",
        _FULL_ADVICE,
        place=case.where("result_backend"),
    )


@examination("connections-exhausted", "The server's connections are nearly used up", needs=("facts",))
def connections_exhausted(case: Case) -> Answer:
    """Whoever comes next waits, or is refused."""
    facts = case.facts
    used = facts.get("connected_clients", facts.get("connections"))
    limit = facts.get("maxclients", facts.get("max_connections"))
    if not used or not limit:
        return NotExamined("the server does not say how many connections it has and takes")
    if used < limit * _FULL:
        return Cleared(f"{used:,} of {limit:,} connections")
    return Explains(
        f"{used:,} of {limit:,} connections are in use.",
        "Close what leaks, make pools smaller (redis_max_connections, pool_size times processes), or raise the limit.",
        place=case.where("result_backend"),
    )


@examination("kept-for-ever", "Results lie in the store without expiry", needs=("facts",))
def kept_for_ever(case: Case) -> Answer:
    """What never expires piles up."""
    facts = _of_redis(case)
    without, sampled = facts["results_without_expiry"], facts["results_sampled"]
    if not without:
        return Cleared(f"each of {sampled:,} results looked at expires")
    return Explains(
        f"{without:,} of {sampled:,} results looked at have no expiry.",
        "Set result_expires to a time on all workers, and delete the old keys, or give them an expiry (EXPIRE).",
        place=case.where("result_expires"),
    )


@examination("rows-outlive", "Expired rows are not deleted", needs=("facts",))
def rows_outlive(case: Case) -> Answer:
    """A database keeps rows until celery.backend_cleanup, which beat starts, deletes them."""
    from datetime import UTC, datetime

    facts = _of_table(case)
    oldest, kept = facts.get("oldest_done"), case.expires_s
    if not oldest:
        return Cleared(f"{counted(facts.get('rows') or 0, 'row')}, none of them finished")
    if kept is None:
        return Explains(
            f"result_expires keeps results for ever: {facts['rows']:,} rows, the oldest of {oldest[:10]}.",
            "Set result_expires to a time and run celery beat, which starts celery.backend_cleanup each day.",
            place=case.where("result_expires"),
        )
    done = datetime.fromisoformat(oldest)
    age = (datetime.now(UTC) - (done if done.tzinfo else done.replace(tzinfo=UTC))).total_seconds()
    # The clean-up runs once a day.
    if age < kept + 2 * _DAY_S:
        return Cleared(f"the oldest of {facts['rows']:,} rows is {span(age)} old; results are kept for {span(kept)}")
    return Explains(
        f"The oldest of {facts['rows']:,} rows is {span(age)} old, and result_expires is {span(kept)}: "
        "celery.backend_cleanup does not run.",
        "Run one celery beat, whose schedule has celery.backend_cleanup each day by itself (or call it from cron), and "
        "a worker that takes it.",
        place=case.where("result_backend"),
    )


@examination("rows-undated", "Rows without a date are never cleaned", needs=("facts",))
def rows_undated(case: Case) -> Answer:
    """celery.backend_cleanup deletes by date_done, which rows of tasks that never ended may lack."""
    facts = _of_table(case)
    without, rows = facts.get("unfinished"), facts.get("rows") or 0
    if without is None:
        return NotExamined("the table is too large to count them")
    if without < 100 or without * 10 < rows:
        return Cleared(f"{without:,} of {counted(rows, 'row')}")
    return Explains(
        f"{without:,} of {rows:,} rows have no date_done: celery.backend_cleanup never finds them.",
        "Delete them by hand (where date_done is null, those of running tasks left out), and do without "
        "task_track_started where nobody reads it.",
        place=case.where("result_backend"),
    )


@examination("subscriptions", "Clients subscribe to results that nobody reads", needs=("facts",))
def subscriptions(case: Case) -> Answer:
    """With Celery's Redis backend each sent task subscribes to a channel until its result is read or collected."""
    facts = _of_redis(case)
    if "subscribed" not in facts:
        return NotExamined("the login may not list the server's clients (CLIENT LIST)")
    channels, waiting = facts["subscribed"], facts["subscriber_bytes"]
    if channels < _MANY_CHANNELS and waiting < _MANY_BYTES:
        return Cleared(f"no client has more than {channels:,} subscriptions")
    return Explains(
        f"One client has subscribed to {channels:,} channels, and {waiting:,} bytes wait for one.",
        "Send tasks whose results nobody reads with ignore_result=True, let go of result objects, or call forget().",
    )


@examination("large-results", "Results are large", needs=("facts",))
def large_results(case: Case) -> Answer:
    """Each is sent, stored, announced and read whole."""
    facts = _of_redis(case)
    mean, largest = facts["results_bytes"], facts["results_largest_bytes"]
    if mean < _LARGE_BYTES and largest < 4 * _LARGE_BYTES:
        return Cleared(f"{mean:,} bytes in the mean of {facts['results_sampled']:,}, the largest {largest:,}")
    return Explains(
        f"Results looked at have {mean:,} bytes in the mean, the largest {largest:,}.",
        "Return references to large values (a file's, an object's, a row's), or compress: result_compression, with "
        "Celery 5.7.",
        is_certain=mean >= _LARGE_BYTES,
    )


@examination("short-retention", "Results are kept for a short time only")
def short_retention(case: Case) -> Answer:
    """What is read later than that is gone, and PENDING."""
    if case.app is None and case.loaded is None:
        return NotExamined("the app is not known: name it with -A")
    kept = case.expires_s
    if kept is None or kept >= _SHORT_S:
        return Cleared(f"result_expires is {'for ever' if kept is None else span(kept)}")
    return Explains(
        f"result_expires is {kept:g} s: a result that is read later is gone, and its state is PENDING.",
        "Raise result_expires above the longest time between a task's end and the reading of its result.",
        place=case.where("result_expires"),
    )


@examination("expiry-works", "Results go before they should", needs=("facts",), patience=3)
def expiry_works(case: Case) -> Answer:
    """A test result's time to live is what result_expires says."""
    _of_redis(case)
    subject, kept = case.subject, case.expires_s
    backend = subject.backend
    task_id = subject.new_id()
    try:
        backend.store_result(task_id, 1, "SUCCESS")
        client = getattr(backend, "client", None)
        if client is None or not hasattr(backend, "get_key_for_task"):
            return NotExamined("the expiry of a single result is not visible")
        ttl = int(client.ttl(backend.get_key_for_task(task_id)))
    finally:
        with suppress(Exception):
            subject.forget(task_id)
    if kept is None or ttl < 0:
        return Cleared("a test result was stored without expiry" if ttl < 0 else f"a test result expires in {ttl} s")
    if ttl >= kept - 5:
        return Cleared(f"a test result expires in {span(ttl)}, as result_expires says")
    return Explains(
        f"A test result that was just stored expires in {span(ttl)}; result_expires is {span(kept)}.",
        _look(case),
        place=case.where("result_expires"),
    )


@examination("other-database", "Results lie in another database of the same server", needs=("facts",), patience=3)
def other_database(case: Case) -> Answer:
    """Worker and client use another number, or another key prefix."""
    facts = _of_redis(case)
    if facts["results_sampled"]:
        return Cleared(f"there are results in {shown_url(case.url)}")
    for number, client in _neighbours(case, facts):
        keys = client.scan(0, match="*celery-task-meta-*", count=1_000)[1]
        if keys:
            return Explains(
                f"There are no results in database {case.address.path or '0'}, which the client reads, and "
                f"{len(keys):,} or more in database {number} of the same Redis.",
                "Give worker and client the same result_backend; restart both.",
                is_certain=False,
                place=case.where("result_backend"),
            )
    return Cleared("no database of this Redis has results")


def _neighbours(case: Case, facts: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield the other databases with keys, as ``(number, client)``."""
    import redis

    own = redis_of(case)
    kept = own.connection_pool.connection_kwargs
    for number in facts.get("databases_with_keys", ())[:16]:
        if number == int(kept.get("db") or 0):
            continue
        pool = redis.ConnectionPool(
            connection_class=own.connection_pool.connection_class, **{**kept, "db": number, "max_connections": 1}
        )
        client = redis.Redis(connection_pool=pool)
        try:
            yield number, client
        finally:
            client.close()
            pool.disconnect()


def redis_of(case: Case) -> Any:
    """Return a redis-py client of the case's result store, be it Celery's or rootcellar's.

    Raises:
        Absent: it is no single Redis.
    """
    if case.engine.name not in ("redis", "sentinel", "cellar-redis", "cellar-sentinel"):
        raise Absent(f"results are not in Redis: {case.engine.label}")
    return case.plain_subject.backend.client


neighbours = _neighbours


def _of_redis(case: Case) -> Mapping[str, Any]:
    facts = case.facts
    if "maxmemory_policy" not in facts:
        raise Absent(f"results are not in Redis: {case.engine.label}")
    return facts


def _of_table(case: Case) -> Mapping[str, Any]:
    facts = case.facts
    if not facts.get("table"):
        raise Absent("there is no table of Celery's" if "table" in facts else f"no table: {case.engine.label}")
    return facts


def _look(case: Case) -> str:
    return f"Look at what stands between: {case.engine.label}'s configuration, and proxies."
