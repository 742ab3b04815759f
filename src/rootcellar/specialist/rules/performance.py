"""Performance: settings and code that make keeping results cost more than it must."""

from collections.abc import Iterator, Sized

from rootcellar.specialist.engines import celery_settings
from rootcellar.specialist.profile import App
from rootcellar.specialist.rules.durations import DAY_S, seconds_of
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

_LONG_S = 365 * DAY_S
#: From here on it is taken for another unit, which RC203 reports.
_ABSURD_S = 3650 * DAY_S


@app_rule("RC401")
def one_redis_database(app: App, project: Project) -> Iterator[Finding]:
    """Broker and results in one Redis database."""
    results, broker = project.backend(app), project.broker(app)
    if not broker.scheme.startswith("redis") or not results.host or not broker.host:
        return
    same_server = (results.host, results.port or "6379") == (broker.host, broker.port or "6379")
    if same_server and _database(results.path) == _database(broker.path):
        yield found(
            app.where("result_backend"),
            f"Broker and results share Redis database {_database(results.path)} of one server.",
            related=(app.where("broker_url"),),
        )


def _database(path: str) -> str:
    return path.strip("/") or "0"


@app_rule("RC404")
def no_pre_ping(app: App, project: Project) -> Iterator[Finding]:
    """A pool that hands out connections without asking whether they live."""
    if not project.backend(app).scheme.startswith("db+sqlite") and _lacks_option(app, project, "pool_pre_ping"):
        yield found(
            app.where("result_backend"),
            "database_engine_options has no pool_pre_ping: after the database restarts each worker process fails once.",
        )


@app_rule("RC405")
def no_recycle(app: App, project: Project) -> Iterator[Finding]:
    """MySQL closes connections that idle; the pool does not know."""
    if _is_mysql(app, project) and all(_lacks_option(app, project, one) for one in ("pool_recycle", "pool_pre_ping")):
        yield found(
            app.where("result_backend"),
            "database_engine_options has no pool_recycle, and MySQL closes a connection that idled for wait_timeout.",
        )


@app_rule("RC411")
def mysql_isolation(app: App, project: Project) -> Iterator[Finding]:
    """REPEATABLE READ is MySQL's default."""
    if _is_mysql(app, project) and _lacks_option(app, project, "isolation_level"):
        probe = project.probe(app)
        level = str(probe.facts.get("isolation", "")) if probe else ""
        if level.replace("-", " ") != "READ COMMITTED":
            yield found(
                app.where("result_backend"),
                "database_engine_options sets no isolation_level: results are written under MySQL's REPEATABLE READ.",
                evidence=f"The server answers with {level}." if level else "",
            )


def _is_mysql(app: App, project: Project) -> bool:
    return project.backend(app).scheme.startswith(("db+mysql", "db+mariadb"))


def _lacks_option(app: App, project: Project, option: str) -> bool:
    """Whether ``database_engine_options`` surely has no such option."""
    if app.is_unknown("database_engine_options"):
        return False
    options = app.known("database_engine_options")
    if options is None:
        options = celery_settings(str(project.version(app)))["database_engine_options"].default or {}
    return isinstance(options, dict) and option not in options and app.get("database_engine_callback") is None


@app_rule("RC406")
def polling_waits(app: App, project: Project) -> Iterator[Finding]:
    """Waiting on an engine that is asked twice a second."""
    waits = [use for use in project.uses(app, "get", "join") if not use.inside_task and not use.is_ready]
    engine = project.engine(app)
    if waits and engine.abilities.waiting == "polled":
        yield found(
            app.where("result_backend"),
            f"{_count(waits, 'place')} wait{'s' * (len(waits) == 1)} for results, and Celery's {engine.label} backend "
            "polls every 0.5 s.",
            related=tuple(use.place for use in waits[:5]),
        )


@app_rule("RC407")
def connection_per_call(app: App, project: Project) -> Iterator[Finding]:
    """A new connection for each result that web code reads."""
    reads = [use for use in project.uses(app, "get", "join", "read", "extended", "lookup", "poll") if use.is_in_web]
    if reads and project.engine(app).abilities.connects_per_call:
        yield found(
            app.where("result_backend"),
            f"Web code reads results in {_count(reads, 'place')}, and each read opens a connection of its own.",
            related=tuple(use.place for use in reads[:5]),
        )


@app_rule("RC408")
def results_nobody_reads(app: App, project: Project) -> Iterator[Finding]:
    """Results that are stored for nobody."""
    tasks = [task for task in project.tasks(app) if task.ignores_result is not True]
    # django-celery-results keeps them for Django's admin, and for queries on its model.
    if project.engine(app).name in ("disabled", "unknown", "django-db") or not tasks:
        return
    if app.is_unknown("task_ignore_result"):
        return
    if app.known("task_ignore_result") is True or project.uses_results(app):
        return
    if any(
        not use.is_in_test for use in project.profile.uses if use.kind in ("get", "join", "lookup", "chord", "read")
    ):
        return  # some other part of the repository reads results: perhaps these
    yield found(
        app.where("result_backend"),
        f"Nothing in the project reads a result, and {_count(tasks, 'task')} store{'s' * (len(tasks) == 1)} one at "
        "every run.",
    )


@app_rule("RC409")
def arguments_in_results(app: App, project: Project) -> Iterator[Finding]:
    """``result_extended`` stores every call's arguments."""
    if app.known("result_extended") is True:
        yield found(
            app.where("result_extended"),
            "result_extended stores each call's arguments, name and worker beside its result.",
        )


@app_rule("RC410")
def decode_responses(app: App, project: Project) -> Iterator[Finding]:
    """Text where Celery's Redis backend reads bytes."""
    places = []
    if str(project.backend(app).options.get("decode_responses", "")).lower() in ("true", "1", "yes"):
        places.append("result_backend")
    options = app.known("result_backend_transport_options", {})
    if isinstance(options, dict) and options.get("decode_responses") is True:
        places.append("result_backend_transport_options")
    for name in places:
        yield found(app.where(name), f"{name} asks redis-py for decode_responses, and Celery's backend reads bytes.")


@app_rule("RC414")
def kept_for_years(app: App, project: Project) -> Iterator[Finding]:
    """Results that outlive their use by years."""
    kept_s = seconds_of(app.known("result_expires"))
    if kept_s is not None and _LONG_S < kept_s < _ABSURD_S and project.engine(app).name != "disabled":
        yield found(app.where("result_expires"), f"result_expires keeps every result for {kept_s / DAY_S:,.0f} days.")


@app_rule("RC416")
def polling_loop(app: App, project: Project) -> Iterator[Finding]:
    """A loop that asks for a state again and again."""
    for use in project.uses(app, "poll"):
        yield found(use.place, "This loop asks the result backend for a state again and again.")


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
