"""Settings that Celery has, and that this version or this engine does not read."""

from collections.abc import Iterator, Mapping

from rootcellar.specialist.engines import honours
from rootcellar.specialist.engines.table import RESULT_SETTINGS
from rootcellar.specialist.profile import App
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.folklore import FOLKLORE
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

_ENGINES_OWN = (
    "redis_",
    "database_",
    "mongodb_",
    "cache_backend",
    "cassandra_",
    "elasticsearch_",
    "couchbase_",
    "s3_",
    "gcs_",
    "azureblockblob_",
    "arangodb_",
    "cosmosdbsql_",
    "result_exchange",
    "result_persistent",
)
#: How much a pool holds. Of the other options a connection that is opened for one call needs none.
_POOL_SIZES = ("max_overflow", "pool_size", "pool_timeout", "pool_use_lifo", "poolclass")
_REFUSED_OUTSIDE = "max_overflow"


@app_rule("RC204")
def setting_of_another_backend(app: App, project: Project) -> Iterator[Finding]:
    """A setting of an engine that holds no results here."""
    engine = project.engine(app)
    if engine.name in ("unknown", "other", "redis-cluster"):
        return
    for setting in app.settings:
        name = setting.name
        is_an_engines = name.startswith(_ENGINES_OWN) and name in RESULT_SETTINGS - FOLKLORE.keys()
        if not is_an_engines or not setting.value.data or setting.origin == "live":
            continue
        if name not in engine.settings and not _is_for_rpc(name, engine.name):
            yield found(setting.place, f"{setting.written} is not read: results are kept by {_said(engine.name)}.")


def _is_for_rpc(name: str, engine: str) -> bool:
    """Whether RC211 speaks of it."""
    return engine == "rpc" and name.startswith("result_exchange")


def _said(engine: str) -> str:
    return "no engine, as result_backend is not set" if engine == "disabled" else f"the {engine} backend"


@app_rule("RC206")
def compression_ignored_by_version(app: App, project: Project) -> Iterator[Finding]:
    """``result_compression`` came with 5.7."""
    yield from _compression(app, project, f"Celery {project.version(app)} does not read it")


@app_rule("RC207")
def compression_ignored_by_engine(app: App, project: Project) -> Iterator[Finding]:
    """An engine that keeps what it is given as it is."""
    engine = project.engine(app)
    if engine.name not in ("unknown", "other", "disabled"):
        yield from _compression(app, project, f"the {engine.name} backend cannot keep compressed results")


def _compression(app: App, project: Project, why: str) -> Iterator[Finding]:
    setting = app.get("result_compression")
    engine = project.engine(app)
    if setting is None or not setting.value.data:
        return
    may_be_ours = engine.name == "unknown" and any(one.name == "rootcellar" for one in project.profile.packages)
    if not may_be_ours and (engine.name == "unknown" or not honours(engine, setting.name, project.version(app))):
        yield found(
            setting.place,
            f"{setting.written} does nothing here: {why}. Results are stored uncompressed.",
            edit=Edit("remove", setting.place, setting.written),
        )


@app_rule("RC209")
def ssl_in_transport_options(app: App, project: Project) -> Iterator[Finding]:
    """TLS options where the backend does not look for any."""
    setting = app.get("result_backend_transport_options")
    options = setting.value.data if setting is not None else None
    if setting is None or not isinstance(options, Mapping):
        return
    named = sorted(key for key in options if isinstance(key, str) and (key == "ssl" or key.startswith("ssl_")))
    if named:
        yield found(
            setting.place,
            f"{', '.join(named)} in {setting.written}: Celery's Redis backend takes no TLS options from there, so the "
            "connection is made without them.",
        )


@app_rule("RC210")
def pool_options_outside_workers(app: App, project: Project) -> Iterator[Finding]:
    """A pool that only forked worker processes have."""
    setting = app.get("database_engine_options")
    options = setting.value.data if setting is not None else None
    uses = [
        use for use in project.uses(app, "get", "join", "read", "extended", "lookup", "poll") if not use.inside_task
    ]
    if setting is None or not isinstance(options, Mapping) or not uses:
        return
    sizes = sorted(key for key in options if key in _POOL_SIZES)
    if not sizes:
        return
    message = f"{', '.join(sizes)}: only forked worker processes have a pool; the others open a connection per call."
    if _REFUSED_OUTSIDE in options and project.version(app).release < (5, 6):
        message += f" Before Celery 5.6 {_REFUSED_OUTSIDE} even raises TypeError in them."
    yield found(setting.place, message, related=tuple(use.place for use in uses[:5]))


@app_rule("RC211")
def exchange_with_rpc(app: App, project: Project) -> Iterator[Finding]:
    """Replies go straight to the sender's queue, past any exchange."""
    for name in ("result_exchange", "result_exchange_type"):
        setting = app.get(name)
        if setting is not None and setting.value.data:
            yield found(
                setting.place,
                f"{setting.written} does nothing: RPC sends replies through the default exchange.",
                edit=Edit("remove", setting.place, setting.written),
            )
