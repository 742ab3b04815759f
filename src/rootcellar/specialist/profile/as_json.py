"""The profile as JSON: the published form (``profile.schema.json``), without a single secret."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootcellar.specialist.profile.app import App, Setting
from rootcellar.specialist.profile.place import Place
from rootcellar.specialist.profile.profile import Profile
from rootcellar.specialist.profile.service import Process, Server
from rootcellar.specialist.profile.shown import shown, shown_name, shown_value, shown_version
from rootcellar.specialist.profile.task import Task
from rootcellar.specialist.profile.use import Use

#: Its number grows when something is taken out or changes its meaning; what is added does not count.
SCHEMA = "rootcellar.profile/1"


def as_json(profile: Profile, engine_names: Mapping[str, str]) -> dict[str, Any]:
    """Return JSON-ready data. ``engine_names``: target of an app → name of its result engine."""
    return {
        "schema": SCHEMA,
        "root": profile.root.name,
        "files": profile.files,
        "is_git": profile.is_git,
        "frameworks": list(profile.frameworks),
        "apps": [_app(profile, app, engine_names.get(app.target, "unknown")) for app in profile.apps],
        "tasks": [_task(task) for task in profile.tasks],
        "uses": [_use(use) for use in profile.uses],
        "packages": [
            {
                "name": one.name,
                "origin": one.origin,
                "specifier": shown_version(one.specifier),
                "version": shown_version(one.version) or None,
                "extras": [shown_name(extra) for extra in one.extras],
                "is_for_development": one.is_for_development,
                **_place(one.place),
            }
            for one in profile.packages
            if _concerns_results(one.name)
        ],
        "env_files": [
            {
                "path": one.path,
                "variables": [shown_name(variable.name) for variable in one.variables],
                "is_example": one.is_example,
                "is_tracked": one.is_tracked,
                "is_ignored": one.is_ignored,
            }
            for one in profile.env_files
        ],
        "processes": [_process(one) for one in profile.processes],
        "servers": [_server(one) for one in profile.servers],
        "unread": [{**_place(one.place), "why": one.why} for one in profile.unread],
    }


def uses_by_kind(uses: Iterable[Use]) -> dict[str, int]:
    """Return how often each kind of use occurs, those in tests left out."""
    return dict(sorted(Counter(use.kind for use in uses if not use.is_in_test).items()))


def _app(profile: Profile, app: App, engine: str) -> dict[str, Any]:
    version = profile.celery_of(app)
    return {
        "target": app.target,
        **_place(app.place),
        "folder": app.root or ".",
        "namespace": app.namespace,
        "styles": list(app.styles),
        "config_source": app.config_source or None,
        "celery": {"version": version.version, "origin": version.origin, **_place(version.place)},
        "engine": engine,
        "result_backend": _effective(app, "result_backend"),
        "broker": _effective(app, "broker_url"),
        "settings": [_setting(app, setting) for setting in app.settings],
        "not_read_by_celery": [_setting(app, setting) for setting in app.unread_settings],
        "beat": [{"name": one.name, "task": one.task, **_place(one.place)} for one in app.beat],
        "unknown": list(app.unknown),
    }


def _effective(app: App, name: str) -> dict[str, Any] | None:
    setting = app.get(name)
    return _setting(app, setting) if setting is not None else None


def _setting(app: App, setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "written": setting.written,
        "value": shown_value(setting.name, setting.value),
        "is_known": setting.value.is_known,
        "why_unknown": setting.value.why or None,
        "variables": list(setting.value.variables),
        "is_default": setting.value.is_default,
        "is_conditional": setting.is_conditional,
        "origin": setting.origin,
        "is_effective": app.get(setting.name) is setting,
        **_place(setting.place),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "function": task.function,
        "app": task.app or None,
        "ignores_result": task.ignores_result,
        "options": {name: shown_value(name, value) for name, value in sorted(task.options.items())},
        "returns": sorted({kind for one in task.returns for kind in (one.kind, *one.inside)}),
        **_place(task.place),
    }


def _use(use: Use) -> dict[str, Any]:
    return {
        "kind": use.kind,
        "attribute": use.attribute,
        "tasks": list(use.tasks),
        "function": use.function or None,
        "inside_task": use.inside_task or None,
        "is_in_coroutine": use.is_in_coroutine,
        "is_in_web": use.is_in_web,
        "is_in_test": use.is_in_test,
        "is_ready": use.is_ready,
        **_place(use.place),
    }


def _process(process: Process) -> dict[str, Any]:
    return {
        "name": process.name,
        "role": process.role,
        "origin": process.origin,
        "app": process.app or None,
        "pool": process.pool or None,
        "concurrency": process.concurrency,
        "replicas": process.replicas,
        "has_beat": process.has_beat,
        "variables": [shown_name(variable.name) for variable in process.environment],
        **_place(process.place),
    }


def _server(server: Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "kind": server.kind,
        "origin": server.origin,
        "version": shown_version(server.version) or None,
        "options": {shown_name(name): shown(name, _number(value)) for name, value in sorted(server.options.items())},
        "ports": [{"host": one.host or None, "published": one.published, "target": one.target} for one in server.ports],
        "has_volume": server.has_volume,
        **_place(server.place),
    }


def _number(text: str) -> Any:
    return int(text) if text.isdigit() and len(text) < 10 else text


def _place(place: Place | None) -> dict[str, Any]:
    return {"path": place.path, "line": place.line or None} if place is not None else {"path": None, "line": None}


#: Packages that bear on results; the others are nobody's business here.
_CONCERNED: Sequence[str] = (
    "celery", "kombu", "billiard", "vine", "amqp", "redis", "hiredis", "valkey", "sqlalchemy", "psycopg", "psycopg2",
    "psycopg2-binary", "psycopg-binary", "pymysql", "mysqlclient", "mysql-connector-python", "pymongo", "pylibmc",
    "pymemcache", "python-memcached", "django", "django-celery-results", "django-celery-beat", "flask", "fastapi",
    "flower", "gevent", "eventlet", "rootcellar", "msgpack", "pyyaml", "cryptography",
)  # fmt: skip


def _concerns_results(name: str) -> bool:
    return name in _CONCERNED
