"""The settings' names: which of the names in a configuration Celery reads, and as what.

How Celery looks a setting up differs by release where there is a namespace. Up to 5.6 only names with the prefix, and
new lower-case names without it, are read; from 5.7 on old names without the prefix (``BROKER_URL``) are read too.
"""

from functools import cache

from packaging.version import InvalidVersion, Version

from rootcellar.specialist.engines import RELEASES, celery_settings

#: What an unknown name must begin with to be meant as a setting of Celery, lower-case.
_BEGINNINGS = (
    "accept_content", "beat_", "broker_", "cache_backend", "cellar_", "database_", "enable_utc", "event_", "mongodb_",
    "redis_", "result_", "security_", "task_", "worker_",
)  # fmt: skip
#: The same for upper-case names: what no other library calls its settings.
_UPPER_BEGINNINGS = ("CELERY_", "CELERYD_", "CELERYBEAT_", "CELERYMON_", "CELERYEV_")
#: Of names without prefix where there is one, those that can only be meant for Celery.
_MEANT = ("result_", "task_", "worker_", "beat_", "broker_", "accept_content")


@cache
def old_names() -> dict[str, str]:
    """Return old upper-case name → new name, of all releases."""
    return {
        old.upper(): name for release in RELEASES for name, one in celery_settings(release).items() for old in one.old
    }


@cache
def new_names() -> frozenset[str]:
    """Return all lower-case names, of all releases."""
    return frozenset(name for release in RELEASES for name in celery_settings(release))


def reads_old_names(version: str) -> bool:
    """Whether this release reads old names without the prefix where there is a namespace."""
    try:
        return Version(version) >= Version("5.7.0")
    except InvalidVersion:
        return True


def setting_name(written: str, namespace: str | None, version: str, *, is_explicit: bool = False) -> str | None:
    """Return Celery's name of what is written in a configuration; ``None`` if Celery does not read it as a setting.

    ``is_explicit``: it is given to Celery by itself, not with a module's or object's other names; then every name
    counts as a setting, also one that Celery does not have.
    """
    if written.startswith("_"):
        return None
    if namespace:
        prefix = namespace.rstrip("_") + "_"
        cased = written.upper() if prefix.isupper() else written.lower()
        if written.startswith(prefix) and written == cased:
            return _stripped(written, prefix, version)
    if written in new_names():
        return written
    if written in old_names():
        if namespace and not reads_old_names(version):
            return None
        return old_names()[written]
    if is_explicit:
        return written.lower()
    if written.islower() and written.startswith(_BEGINNINGS):
        return written
    if not namespace and written.startswith(_UPPER_BEGINNINGS) and unread_name(written, namespace) is None:
        return written.lower()
    return None


def _stripped(written: str, prefix: str, version: str) -> str:
    name = written.removeprefix(prefix).lower()
    if name not in new_names() and written in old_names() and reads_old_names(version):
        return old_names()[written]
    return name


def unread_name(written: str, namespace: str | None) -> str | None:
    """Return the setting that a name is meant as which Celery does not read; ``None`` if it is not meant as one."""
    lower = written.lower()
    if not namespace:
        if written.startswith("CELERY_") and written not in old_names():
            name = lower.removeprefix("celery_")
            return name if name in new_names() else None
        return lower if written.isupper() and written not in old_names() and _is_meant(lower) else None
    prefix = namespace.rstrip("_").lower() + "_"
    if lower.startswith(prefix):
        name = lower.removeprefix(prefix)
        return name if name in new_names() else None
    if written in old_names():
        return old_names()[written]
    if lower.startswith("celery_") and lower.removeprefix("celery_") in new_names():
        return lower.removeprefix("celery_")
    return lower if _is_meant(lower) else None


def _is_meant(lower: str) -> bool:
    return lower in new_names() and lower.startswith(_MEANT)
