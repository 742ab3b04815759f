"""Settings whose names Celery does not have, or does not read where they stand."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from packaging.version import Version

from rootcellar.errors import did_you_mean
from rootcellar.specialist.engines import RELEASES, CelerySetting, celery_settings
from rootcellar.specialist.engines.table import RESULT_SETTINGS
from rootcellar.specialist.profile import App, Setting
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.folklore import FOLKLORE
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found

#: What Celery's own names begin with.
_PREFIXES = (
    "accept_",
    "result_",
    "redis_",
    "database_",
    "mongodb_",
    "cache_",
    "task_",
    "worker_",
    "broker_",
    "beat_",
    "event_",
    "security_",
    "control_",
    "cassandra_",
    "couchbase_",
    "elasticsearch_",
    "s3_",
    "gcs_",
    "azureblockblob_",
    "arangodb_",
    "cosmosdbsql_",
)
#: What settings of other packages begin with, which read them from Celery's configuration.
_OTHER_PACKAGES = ("redbeat_", "singleton_", "once", "flower_", "sentry_", "cellar_")
#: A name this near to one of Celery's is that one, misspelt.
_CERTAIN = 0.9
#: From here on an old upper-case name is also found behind a namespace's prefix.
_OLD_BEHIND_PREFIX = Version("5.7")


@app_rule("RC201")
def unknown_setting(app: App, project: Project) -> Iterator[Finding]:
    """A name that no setting of this Celery has."""
    version = project.version(app)
    known = celery_settings(str(version))
    for setting in app.settings:
        if setting.origin in ("live", "environment") or not _is_foreign(app, setting, known, version):
            continue
        later = next((one for one in RELEASES if Version(one) > version and setting.name in celery_settings(one)), "")
        if later:
            yield found(setting.place, f"Celery {version} has no setting {setting.written}: {later} has.")
            continue
        new = _old_names(known).get(setting.written.upper()) or _surely_meant(setting.name, known)
        hint = f" Did you mean '{_spelt(app, setting, new)}'?" if new else did_you_mean(setting.name, known)
        yield found(
            setting.place,
            f"Celery has no setting {setting.written}, and ignores it without a word.{hint}",
            edit=_renamed(app, setting, new),
        )


def _renamed(app: App, setting: Setting, new: str) -> Edit | None:
    """Return the edit, for settings of results: what begins to count elsewhere may change how every task is run."""
    if new not in RESULT_SETTINGS:
        return None
    return Edit("rename", setting.place, setting.written, _spelt(app, setting, new))


def _is_foreign(app: App, setting: Setting, known: Mapping[str, CelerySetting], version: Version) -> bool:
    """Whether it can only be meant for Celery, which has no such name, and no other rule speaks of it."""
    name = setting.name
    looks_like_one = name.startswith(_PREFIXES) or bool(app.namespace)
    if name in known or name in FOLKLORE or _is_ours(name) or not looks_like_one:
        return False
    if name.startswith(_OTHER_PACKAGES) or _was_once(name, version) or name.startswith("_"):
        return False
    if app.namespace and version >= _OLD_BEHIND_PREFIX and setting.written.upper() in _old_names(known):
        return False
    return not _is_gone(setting)


def _is_ours(name: str) -> bool:
    """Whether it is rootcellar's stores that read it, and no Celery."""
    return name in RESULT_SETTINGS and not any(name in celery_settings(one) for one in RELEASES)


def _was_once(name: str, version: Version) -> bool:
    """Whether an older release had it: RC503 speaks of it."""
    return any(Version(one) < version and name in celery_settings(one) for one in RELEASES)


def _is_gone(setting: Setting) -> bool:
    """Whether it is a name of Celery 3 and before, of which RC503 speaks."""
    return setting.written.upper().startswith(("CELERYD_", "CELERYBEAT_", "CELERYMON_", "CELERY_AMQP_"))


def _old_names(known: Mapping[str, CelerySetting]) -> dict[str, str]:
    """Return old upper-case name → new name."""
    return {old: name for name, setting in known.items() for old in setting.old}


def _surely_meant(name: str, known: Mapping[str, CelerySetting]) -> str:
    near = get_close_matches(name, known, n=2, cutoff=_CERTAIN)
    return near[0] if len(near) == 1 else ""


def _spelt(app: App, setting: Setting, name: str) -> str:
    """Write a new name the way ``setting`` is written: behind the namespace, in upper case."""
    if app.namespace and setting.written.lower().startswith(f"{app.namespace.lower()}_"):
        name = f"{app.namespace}_{name}"
    return name.upper() if setting.written.isupper() else name


@app_rule("RC208")
def setting_from_folklore(app: App, project: Project) -> Iterator[Finding]:
    """A name that guides hand on, and that no Celery has ever had."""
    engine = project.engine(app)
    for setting in app.settings:
        honoured_by_ours = setting.name in engine.settings or (
            engine.name == "unknown" and setting.name in RESULT_SETTINGS
        )
        if setting.name in FOLKLORE and not honoured_by_ours:
            yield found(
                setting.place,
                f"No Celery has ever had a setting {setting.written}: it does nothing.",
                mend=FOLKLORE[setting.name],
                edit=Edit("remove", setting.place, setting.written),
            )


@app_rule("RC205")
def old_and_new_names_mixed(app: App, project: Project) -> Iterator[Finding]:
    """Celery looks at the names of the configuration object; without one, at those set on ``app.conf``."""
    if app.namespace:
        return  # behind a prefix all names are new ones
    known = celery_settings(str(project.version(app)))
    old_names = _old_names(known)
    settings = _first_source(app)
    old = [one for one in settings if one.written in old_names]
    new = [one for one in settings if one.written in known]
    if not old or not new:
        return
    minority = new if len({one.written for one in old}) > len({one.written for one in new}) else old
    have = {one.name for one in (old if minority is new else new)}
    left = [one for one in minority if one.name not in have]
    if left:
        kinds = ("new", "old") if minority is new else ("old", "new")
        yield found(
            left[0].place,
            f"{left[0].written} is {'an' if kinds[0] == 'old' else 'a'} {kinds[0]} name among {kinds[1]} ones: Celery "
            "raises ImproperlyConfigured when it reads this configuration.",
            related=tuple(one.place for one in left[1:]),
        )


def _first_source(app: App) -> list[Setting]:
    """Return the settings whose names Celery compares; those of keywords and of later updates it does not."""
    surely = [one for one in app.settings if not one.is_conditional]
    objects = [one for one in surely if one.origin in ("module", "class", "django", "mapping")]
    return objects or [one for one in surely if one.origin in ("update", "attribute", "item") and not app.config_source]


@app_rule("RC228")
def namespace_mismatch(app: App, project: Project) -> Iterator[Finding]:
    """Settings that stand in the configuration object under a name that the app does not look for."""
    known = celery_settings(str(project.version(app)))
    for setting in app.unread_settings:
        name = setting.name if setting.name in known else _without_prefix(setting.written.lower(), known)
        # `BROKER_URL = …` beside `CELERY_BROKER_URL = BROKER_URL` is a variable, and no mistake.
        if not name or app.get(name) is not None or _is_default(setting, known.get(name)):
            continue
        if app.namespace:
            said = f"the app reads names that begin with {app.namespace}_"
            mend = f"Write {app.namespace}_{name.upper()}."
        elif setting.origin in ("update", "attribute", "item"):
            said = "Celery has no such name, neither a new one nor an old one"
            mend = f"Write {name}."
        else:
            said = "config_from_object() was given no namespace, and reads names without a prefix"
            mend = f'Write {name}, or give config_from_object() namespace="{setting.written.partition("_")[0]}".'
        yield found(setting.place, f"{setting.written} is not read: {said}.", mend=mend)


def _is_default(setting: Setting, known: CelerySetting | None) -> bool:
    """Whether it would change nothing if it were read."""
    data = setting.value.data
    return known is not None and setting.value.is_known and type(data) is type(known.default) and data == known.default


def _without_prefix(written: str, known: Mapping[str, CelerySetting]) -> str:
    """Return the setting that stands behind a prefix; empty if none does."""
    name = written.partition("_")[2]
    return name if name in known and name.startswith(_PREFIXES) else ""
