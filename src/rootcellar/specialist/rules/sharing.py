"""What apps and threads share without meaning to."""

from collections.abc import Iterator, Mapping
from typing import Any

from rootcellar.specialist.profile import App
from rootcellar.specialist.profile.address import is_hole
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import found, project_rule

_ASSIGNED = {
    "celery.Celery.backend=": "app.backend is read-only: the assignment raises AttributeError",
    "celery.Celery._backend=": "app._backend is kept per thread: only this one gets the object, and the others what "
    "result_backend names",
}
_PORTS = {"redis": "6379", "rediss": "6379", "postgresql": "5432", "mysql": "3306"}


@project_rule("RC225")
def backend_assigned(project: Project) -> Iterator[Finding]:
    """A backend object put where Celery makes its own."""
    for call in project.profile.calls:
        if call.name in _ASSIGNED:
            yield found(call.place, f"{_ASSIGNED[call.name]}.")


@project_rule("RC227")
def shared_store(project: Project) -> Iterator[Finding]:
    """Two apps whose results lie among each other."""
    first: dict[tuple[str, ...], App] = {}
    for app in project.profile.apps:
        store = _store(app, project)
        if store is None or not any(task.app in ("", app.target) for task in project.tasks(app)):
            continue  # an app without tasks of its own sends another's, and must share
        if store in first:
            other = first[store]
            yield found(
                app.where("result_backend"),
                f"{app.target} and {other.target} keep their results in one {_what(store)}: either's clean-up, expiry "
                "and flush reach the other's.",
                related=(other.where("result_backend"),),
            )
        first.setdefault(store, app)


def _store(app: App, project: Project) -> tuple[str, ...] | None:
    """Return what tells a store from another; ``None`` where that is not known, or is the app's own."""
    engine, address = project.engine(app), project.backend(app)
    where = (address.scheme, address.host, address.port, address.path)
    if engine.name not in ("redis", "database") or not app.text("result_backend") or is_hole("".join(where)):
        return None  # the login may be unknown: it does not say where
    if engine.name == "redis":
        if app.is_unknown("result_backend_transport_options"):
            return None
        prefix = _option(app, "result_backend_transport_options", "global_keyprefix")
        own, path = str(prefix or ""), address.path or "0"
    else:
        if app.is_unknown("database_table_names"):
            return None
        own, path = str(_option(app, "database_table_names", "task") or ""), address.path
    dialect = address.scheme.removeprefix("db+").partition("+")[0]
    return (engine.name, address.host.lower(), address.port or _PORTS.get(dialect, ""), path, own)


def _option(app: App, setting: str, key: str) -> Any:
    options = app.known(setting, {})
    return options.get(key) if isinstance(options, Mapping) else None


def _what(store: tuple[str, ...]) -> str:
    return "Redis database, under the same keys" if store[0] == "redis" else "database, in the same tables"
