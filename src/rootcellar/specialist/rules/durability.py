"""Durability: settings and code under which finished results are lost."""

import re
from collections.abc import Iterator, Mapping

from packaging.version import Version

from rootcellar.specialist.profile import App, Process
from rootcellar.specialist.rules.durations import DAY_S, seconds_of
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.project import Probe, Project
from rootcellar.specialist.rules.rule import app_rule, found

_WEEK_S = 7 * DAY_S
_FLEETING = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108 - named, not used
#: A chord whose parts may be gone before its last member ends.
_SHORT_S = 60.0
#: Since then the reply queue is durable, and result_persistent keeps what lies in it.
_DURABLE_REPLIES = Version("5.7")
_RETRY = "result_backend_always_retry"
#: Engine → the first Celery in which the setting does something: where its backend says which errors are worth it.
_RETRIES_SINCE = {"redis": Version("5.5"), "database": Version("5.6")}
_NEVER = Version("999")
#: Not a heartbeat.
_BEAT = re.compile(r"(?:celery|\b|_)beat(?:\b|_)", re.IGNORECASE)
#: Since then the database backend tries three times unless told otherwise.
_RETRIES_OF_ITSELF = Version("5.7")


@app_rule("RC301")
def no_cleanup(app: App, project: Project) -> Iterator[Finding]:
    """Nobody deletes what has expired."""
    if project.engine(app).abilities.expiry != "cleanup" or app.is_unknown("result_expires"):
        return
    if app.get("result_expires") is not None and not seconds_of(app.known("result_expires")):
        return  # kept for ever on purpose, which RC213 and RC214 speak of
    if not project.workers(app):
        return  # how the app is run is not written here
    store = app.text("result_backend")
    cleaning = [one for one in project.profile.apps if one.text("result_backend") == store]  # its rows are theirs too
    beats = [one for one in project.profile.processes if one.has_beat or one.role == "beat" or _says_beat(one)]
    if not any(project.runs(beat, one) for beat in beats for one in cleaning):
        yield found(
            app.where("result_backend"),
            "Expired results stay until celery.backend_cleanup deletes them, and no process of the project runs beat.",
        )


def _says_beat(process: Process) -> bool:
    """Whether a process that runs some script is beat by its name: ``/start-celerybeat``, ``entrypoint.sh beat``."""
    return process.role == "other" and any(_BEAT.search(one) for one in (process.name, *process.command))


@app_rule("RC305")
def retention_beyond_server(app: App, project: Project) -> Iterator[Finding]:
    """A retention that the server does not keep."""
    kept_s = seconds_of(app.known("result_expires"))
    if kept_s is None or kept_s <= _WEEK_S:
        return
    engine = project.engine(app)
    forgets = engine.abilities.durable == "no" or any(
        is_persistence_off(server.options) for server in project.server_of(project.backend(app), "redis")
    )
    probe = project.probe(app)
    forgets = forgets or keeps_nothing(probe)
    if forgets and engine.name != "disabled":
        yield found(
            app.where("result_expires"),
            f"result_expires asks for {kept_s / DAY_S:,.0f} days, and the server keeps results in memory only.",
        )


def keeps_nothing(probe: Probe | None) -> bool:
    """Whether a live Redis has said that it writes nothing to disk."""
    facts = probe.facts if probe is not None and probe.kind == "redis" else {}
    return facts.get("save") is False and not facts.get("appendonly")


def is_persistence_off(options: Mapping[str, str]) -> bool:
    """Whether a Redis server's options surely write nothing to disk."""
    return options.get("save", "?").strip("\"' ") == "" and options.get("appendonly", "no").lower() != "yes"


@app_rule("RC306")
def rpc_not_persistent(app: App, project: Project) -> Iterator[Finding]:
    """Replies that a broker's restart takes along."""
    where = app.where("result_backend")
    if project.version(app) < _DURABLE_REPLIES:
        yield found(
            where, "Celery's reply queue is transient before 5.7: a restart of the broker loses unread replies."
        )
    elif not app.is_unknown("result_persistent") and app.known("result_persistent") is not True:
        yield found(
            where,
            "Replies are transient messages: a restart of the broker loses those nobody has read yet.",
            edit=Edit("set", where, "result_persistent", "True"),
        )


@app_rule("RC307")
def no_retry(app: App, project: Project) -> Iterator[Finding]:
    """An outage while a task ends."""
    if app.is_unknown(_RETRY) or app.known(_RETRY) is True:
        return
    engine, version, where = project.engine(app), project.version(app), app.where("result_backend")
    if version < _RETRIES_SINCE.get(engine.name, _NEVER):
        yield found(
            where,
            f"Celery's {engine.label} backend gives up in an outage, and {_RETRY} does nothing for it"
            + (f" before Celery {_RETRIES_SINCE[engine.name]}." if engine.name in _RETRIES_SINCE else "."),
            mend="Upgrade Celery, or use a store that is tried again." if engine.name in _RETRIES_SINCE else "",
        )
    elif engine.name != "database" or version < _RETRIES_OF_ITSELF or app.known(_RETRY) is False:
        yield found(
            where,
            f"{_RETRY} is off: a result that cannot be stored in an outage is lost.",
        )


@app_rule("RC308")
def fail_over_not_retried(app: App, project: Project) -> Iterator[Finding]:
    """The seconds in which there is no master."""
    if app.is_unknown(_RETRY):
        return
    where = app.where("result_backend")
    if project.version(app) < _RETRIES_SINCE["redis"]:
        yield found(where, "Results that end during a fail-over are lost: before Celery 5.5 nothing tries them again.")
    elif app.known(_RETRY) is not True:
        yield found(
            where,
            f"Results that end during a fail-over are lost: {_RETRY} is off.",
        )


@app_rule("RC309")
def memory_only_backend(app: App, project: Project) -> Iterator[Finding]:
    """Results in the memory of the process that made them."""
    address = project.backend(app)
    is_memory = address.scheme in ("cache+memory", "cache+locmem") or (
        address.scheme.startswith("db+sqlite") and address.path.strip("/") in ("", ":memory:")
    )
    # What is run in the caller's own process can be kept there too.
    if is_memory and app.known("task_always_eager") is not True:
        yield found(app.where("result_backend"), "Results lie in the memory of the process that stored them.")


@app_rule("RC310")
def cache_forgets(app: App, project: Project) -> Iterator[Finding]:
    """A cache may drop what it holds whenever it likes."""
    if project.backend(app).scheme not in ("cache+memory", "cache+locmem"):
        yield found(app.where("result_backend"), f"Results lie in a cache ({project.engine(app).label}).")


@app_rule("RC311")
def in_a_temporary_folder(app: App, project: Project) -> Iterator[Finding]:
    """A folder that is emptied."""
    address = project.backend(app)
    path = f"/{address.path}" if address.scheme == "file" else address.path  # of SQLite, a path may be relative
    if path.startswith(_FLEETING):
        yield found(app.where("result_backend"), "Results lie in a folder that is emptied at a restart, or sooner.")


@app_rule("RC312")
def expires_before_task_ends(app: App, project: Project) -> Iterator[Finding]:
    """Parts of a chord that expire while it is under way."""
    kept_s = seconds_of(app.known("result_expires"))
    if not kept_s or kept_s < 0:
        return
    limit_s = seconds_of(app.known("task_time_limit")) or 0.0
    if kept_s < limit_s:
        yield found(
            app.where("result_expires"),
            f"Results expire after {kept_s:,.0f} s, and a task may run for {limit_s:,.0f} s (task_time_limit): a "
            "chord's first part can be gone before its last one is done.",
            related=(app.where("task_time_limit"),),
        )
    elif kept_s < _SHORT_S and project.uses(app, "chord"):
        yield found(
            app.where("result_expires"), f"Results expire after {kept_s:,.0f} s, and chords collect them later."
        )


@app_rule("RC313")
def chord_join_timeout(app: App, project: Project) -> Iterator[Finding]:
    """Three seconds to collect all parts."""
    chords = project.uses(app, "chord")
    if chords and app.get("result_chord_join_timeout") is None and not app.unknown:
        yield found(
            app.where("result_backend"),
            "A chord's parts are collected within result_chord_join_timeout, 3 s unless set; then its body fails.",
            related=tuple(use.place for use in chords[:5]),
        )
