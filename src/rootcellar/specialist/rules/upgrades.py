"""Compatibility over time: what a newer Celery, broker or table schema no longer takes."""

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from rootcellar.specialist.engines import RELEASES, celery_settings
from rootcellar.specialist.engines.table import holds
from rootcellar.specialist.profile import App, Server, Setting
from rootcellar.specialist.profile.address import is_hole
from rootcellar.specialist.profile.shown import shown_version
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.required import columns_of
from rootcellar.specialist.rules.rule import app_rule, found

#: Names of Celery 3 and before begin so, where no later one has them.
_ANCIENT = ("CELERYD_", "CELERYBEAT_", "CELERYMON_", "CELERY_AMQP_")
_LOG = "The --loglevel and --logfile of the command line."
_MONITOR = "Flower, which took celerymon's place."
#: name → what there is instead
_INSTEAD = {
    "CELERY_AMQP_TASK_RESULT_EXPIRES": "result_expires.",
    "CELERY_AMQP_CONSUMER_QUEUES": "task_queues.",
    "CELERY_AMQP_CONSUMER_ROUTING_KEY": "task_queues.",
    "CELERY_AMQP_EXCHANGE": "task_default_exchange.",
    "CELERY_AMQP_EXCHANGE_TYPE": "task_default_exchange_type.",
    "CELERY_AMQP_PUBLISHER_ROUTING_KEY": "task_default_routing_key.",
    "CELERYD_LOG_LEVEL": _LOG,
    "CELERYD_LOG_FILE": _LOG,
    "CELERYBEAT_LOG_LEVEL": _LOG,
    "CELERYBEAT_LOG_FILE": _LOG,
    "CELERYMON_LOG_LEVEL": _MONITOR,
    "CELERYMON_LOG_FILE": _MONITOR,
    "CELERYMON_LOG_FORMAT": _MONITOR,
}
#: From here on RabbitMQ refuses queues that are neither durable nor exclusive, unless this permits them.
_REFUSES = Version("4.3")
_PERMIT = "deprecated_features.permit.transient_nonexcl_queues"
_AMQP = ("amqp", "amqps", "pyamqp", "librabbitmq")
_AMQP_PORTS = ("5672", "5671")
#: Since then Celery adds the columns that lack itself, where it may.
_ADDS_COLUMNS = Version("5.7")


@app_rule("RC503")
def setting_gone(app: App, project: Project) -> Iterator[Finding]:
    """A setting that Celery once had."""
    version = project.version(app)
    known = celery_settings(str(version))
    old = {name for setting in known.values() for name in setting.old}
    for setting in app.settings:
        written = setting.written.upper()
        if setting.origin in ("live", "environment") or setting.name in known or written in old:
            continue
        last = next((one for one in reversed(RELEASES) if setting.name in celery_settings(one)), "")
        if last and Version(last) < version:
            message = f"Celery {version} has no setting {setting.written} any more: {last} had."
        elif not last and written.startswith(_ANCIENT):
            message = f"No Celery since 4.0 has a setting {setting.written}: it is ignored without a word."
        else:
            continue
        yield found(
            setting.place,
            message,
            mend=f"Take it out; instead: {_INSTEAD[written]}" if written in _INSTEAD else "Take it out.",
            edit=Edit("remove", setting.place, setting.written),
        )


@app_rule("RC505")
def transient_queues(app: App, project: Project) -> Iterator[Finding]:
    """A reply queue that RabbitMQ does not declare any more."""
    message = "RabbitMQ {} refuses the transient reply queue that Celery {} declares: no result arrives."
    version = project.version(app)
    probe = project.probe(app, "broker_url")
    if probe and "rabbit" in str(probe.facts.get("product", "")).lower() and _refuses(str(probe.facts.get("version"))):
        yield found(
            app.where("result_backend"),
            message.format(probe.facts["version"], version),
            evidence=f"The broker answers as RabbitMQ {probe.facts['version']}.",
        )
    for server in _brokers(app, project):
        yield found(
            server.image_place or server.place,
            message.format(shown_version(server.version), version),
            related=(app.where("result_backend"),),
        )


def _brokers(app: App, project: Project) -> list[Server]:
    """Return the RabbitMQ containers that are the app's broker and refuse such queues."""
    address = project.broker(app)
    if address.scheme not in _AMQP and not is_hole(address.scheme):
        return []
    servers = [one for one in project.profile.servers if one.kind == "rabbitmq"]
    if any(one.options.get(_PERMIT, "").lower() in ("true", "on", "yes") for one in servers):
        return []
    containers = [one for one in servers if one.origin != "file"]
    if is_hole(address.scheme):
        reached = containers if len(containers) == 1 else []
    elif address.is_local:
        reached = [one for one in containers if any(port.target in _AMQP_PORTS for port in one.ports)]
    else:
        reached = [one for one in project.server_of(address, "rabbitmq") if one.origin != "file"]
    return [one for one in reached if _refuses(one.version)]


def _refuses(version: str) -> bool:
    try:
        # A tag that says 4 is whatever 4.x was the newest when it was pulled.
        return Version(version) >= _REFUSES
    except InvalidVersion:
        return False


@app_rule("RC506")
def pickled_rows(app: App, project: Project) -> Iterator[Finding]:
    """Rows that only pickle reads."""
    version = project.version(app)
    if holds(project.engine(app).abilities.pickles, version):
        yield found(
            app.where("result_backend"),
            f"Celery {version} pickles every result that it stores in a database, whatever result_serializer says.",
        )


@app_rule("RC507")
def schema_behind(app: App, project: Project) -> Iterator[Finding]:
    """A table that was made by an older Celery."""
    probe = project.probe(app)
    columns = probe.facts.get("columns") if probe else None
    if probe is None or not columns or app.is_unknown("result_extended"):
        return
    celery = project.profile.celery_of(app)
    # Of a range it is not known which Celery runs: then what they all need.
    version = celery.version if celery.origin in ("locked", "pinned") else min(celery.version, RELEASES[0], key=Version)
    needed = columns_of(version, extended=app.known("result_extended") is True)
    lacking = sorted(needed - set(columns))
    if lacking:
        adds = Version(version) >= _ADDS_COLUMNS
        yield found(
            app.where("result_backend"),
            f"{probe.facts['table']} lacks {', '.join(lacking)}, which Celery {version} reads and writes.",
            mend="Let Celery's login alter the table once, or add the columns by hand." if adds else "",
            evidence=f"It has {', '.join(columns)}.",
        )


@app_rule("RC508")
def old_names(app: App, project: Project) -> Iterator[Finding]:
    """A configuration in the names of Celery 3."""
    if app.namespace:
        return  # behind a prefix all names are new ones
    known = celery_settings(str(project.version(app)))
    old = {name: new for new, setting in known.items() for name in setting.old}
    settings = [one for one in app.settings if one.origin not in ("live", "environment", "keyword")]
    written = [one for one in settings if one.written in old]
    if written and not any(one.written in known for one in settings):
        first = min(written, key=lambda one: one.place)
        yield found(
            first.place,
            f"{_counted(written, first)}, which Celery 6 will not read: {first.written} is {old[first.written]} now.",
            related=tuple(one.place for one in written if one is not first)[:5],
        )


def _counted(settings: list[Setting], first: Setting) -> str:
    more = len({one.written for one in settings}) - 1
    return f"{first.written} and {more} more are old names" if more else f"{first.written} is an old name"


@app_rule("RC510")
def django_results_not_installed(app: App, project: Project) -> Iterator[Finding]:
    """A backend whose tables' models Django does not know."""
    installed = project.profile.installed_apps
    if installed and not any(one.split(".")[0] == "django_celery_results" for one in installed):
        yield found(
            app.where("result_backend"),
            f"{app.text('result_backend')} is django-celery-results', which is not in INSTALLED_APPS.",
        )
