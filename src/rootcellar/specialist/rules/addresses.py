"""Addresses of results that Celery cannot use, or takes for others."""

import re
from collections.abc import Iterator, Mapping

from rootcellar.specialist.engines import engine_of
from rootcellar.specialist.profile import App, Unknown
from rootcellar.specialist.profile.address import address_of, is_hole
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: beginning of a scheme → what is meant
_MEANT = {
    "postgres": "db+postgresql://",
    "mysql": "db+mysql://",
    "mariadb": "db+mysql://",
    "sqlite": "db+sqlite:///",
    "oracle": "db+oracle://",
    "mssql": "db+mssql://",
    "mongo": "mongodb://",
    "memcache": "cache+memcached://",
    "pymemcache": "cache+pymemcache://",
    "pylibmc": "cache+pylibmc://",
    "memory": "cache+memory://",
    "filesystem": "file://",
    "socket": "redis+socket://",
    "unix": "redis+socket://",
    "amqp": "rpc://",
    "pyamqp": "rpc://",
}
#: engine or scheme → characters that cut a password short there
_CUTTING = {"database": "@/?#", "mongodb": "@:/?#"}
_CUTTING_ELSEWHERE = "/?#"
#: a host behind a login, with another one to follow: ``:p@a:6379,:p@b:6379``
_LOGIN_OF_MORE = re.compile(r"@[^@,/?]+,[^@/?]*@")
_CLUSTER_OPTIONS = frozenset({"cluster", "is_cluster", "cluster_mode", "startup_nodes"})


@app_rule("RC223")
def sentinel_without_master(app: App, project: Project) -> Iterator[Finding]:
    """Sentinels that nobody tells which master is meant."""
    if app.is_unknown("result_backend_transport_options"):
        return
    options = app.known("result_backend_transport_options", {})
    if isinstance(options, Mapping) and not options.get("master_name"):
        in_url = "master_name" in project.backend(app).options
        detail = " The one in the URL is not read." if in_url else ""
        yield found(
            app.where("result_backend"),
            f"result_backend is sentinel://, and result_backend_transport_options has no master_name.{detail}",
        )


@app_rule("RC224")
def cluster_unsupported(app: App, project: Project) -> Iterator[Finding]:
    """A Redis Cluster, given to a backend that knows single servers."""
    engine = project.engine(app)
    if engine.name == "redis-cluster":
        said = "Celery has no Redis Cluster backend"
    elif engine.name == "redis" and (
        project.backend(app).more_hosts or _LOGIN_OF_MORE.search(app.text("result_backend"))
    ):
        said = "result_backend names several hosts, and Celery's Redis backend takes one"
    elif engine.name == "redis" and _cluster_options(app, project):
        said = f"{_cluster_options(app, project)} is an option of Redis Cluster, which Celery's Redis backend cannot"
    else:
        return
    yield found(app.where("result_backend"), f"{said}.")


def _cluster_options(app: App, project: Project) -> str:
    transport = app.known("result_backend_transport_options", {})
    names = {*project.backend(app).options, *(transport if isinstance(transport, Mapping) else ())}
    return ", ".join(sorted(names & _CLUSTER_OPTIONS))


@app_rule("RC229")
def unknown_backend_url(app: App, project: Project) -> Iterator[Finding]:
    """A URL whose beginning is no backend of Celery's."""
    url = app.text("result_backend").strip()
    scheme, separator, _ = url.partition("://")
    # `name:Class` and `package.module.Class` name a class of somebody's own.
    if is_hole(scheme) or re.search(r"[.:]", scheme) or not (separator or url == "amqp"):
        return
    place, name = app.where("result_backend"), scheme.lower()
    if engine_of(url).name != "unknown":
        return
    if engine_of(url.replace(scheme, name, 1)).name != "unknown":
        mend = f"Write {name}://."
        yield found(place, "Celery tells upper from lower case, and has result backends in lower case only.", mend=mend)
        return
    start, meant = next((one for one in _MEANT.items() if name.startswith(one[0])), ("", ""))
    # Of a name that is no known one, nobody can tell that it is not a secret that slipped in.
    said = f"{start}…://" if start else "a name"
    removed = " It went with Celery 5.0." if meant == "rpc://" else ""
    yield found(
        place,
        f"result_backend begins with {said}, and Celery has no result backend that is called so.{removed}",
        mend=f"Write {meant}…" if meant else "",
    )


@app_rule("RC234")
def password_not_escaped(app: App, project: Project) -> Iterator[Finding]:
    """A password with characters that mean something in a URL."""
    for name in ("result_backend", "broker_url"):
        setting = app.get(name)
        if setting is None or isinstance(setting.value.data, Unknown) or not address_of(app.text(name)).is_cut:
            continue
        cutting = _CUTTING.get(engine_of(app.text(name)).name, _CUTTING_ELSEWHERE)
        password = _password(app.text(name))
        if not is_hole(password) and (named := sorted(set(cutting) & set(password))):
            yield found(
                setting.place,
                f"The password in {setting.written} holds {' and '.join(named)} as they are, and ends there.",
                mend="Write them percent-encoded: urllib.parse.quote(password, safe='').",
            )


def _password(url: str) -> str:
    """Return what stands between the first ``:`` and the last ``@``, as it stands there."""
    login = url.partition("://")[2].rpartition("@")[0]
    return login.partition(":")[2]
