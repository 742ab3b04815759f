"""The naming: what a setting is called where it is written, by its neighbours and the app's namespace."""

from dataclasses import dataclass
from functools import cache

from rootcellar.specialist.engines import RELEASES, celery_settings

#: Keywords of ``Celery(...)`` that are called otherwise than their setting.
KEYWORDS = {"backend": "result_backend", "broker": "broker_url"}


@dataclass(frozen=True, slots=True)
class Naming:
    """``namespace``: the app's, as written; ``None``: none."""

    namespace: str | None = None

    def means(self, written: str, setting: str) -> bool:
        """Whether a written name is that of a setting, given by Celery's lower-case name or as it is written.

        >>> Naming("CELERY").means("CELERY_RESULT_EXPIRES", "result_expires")
        True
        >>> Naming().means("backend", "result_backend")
        True
        >>> Naming().means("CELERY_TASK_RESULT_EXPIRES", "result_expires"), Naming().means("expires", "result_expires")
        (True, False)
        """
        lower, wanted = written.lower(), setting.lower()
        if written == setting or lower == wanted or KEYWORDS.get(written) == wanted:
            return True
        if self.namespace and lower == f"{self.namespace}_{wanted}".lower():
            return True
        return not self.namespace and written.isupper() and (lower == f"celery_{wanted}" or written in _old(wanted))

    def is_setting(self, written: str) -> bool:
        """Whether a written name is that of some setting of Celery's.

        >>> Naming().is_setting("CELERY_RESULT_BACKEND"), Naming().is_setting("app")
        (True, False)
        """
        bare = written.lower()
        if self.namespace:
            bare = bare.removeprefix(f"{self.namespace}_".lower())
        return written in KEYWORDS or bare in celery_settings(RELEASES[-1]) or written in _all_old()

    def named_like(self, setting: str, neighbour: str) -> str | None:
        """Return how a setting is written beside ``neighbour``; ``None`` where that is not certain.

        >>> Naming("CELERY").named_like("result_expires", "CELERY_RESULT_BACKEND")
        'CELERY_RESULT_EXPIRES'
        >>> Naming().named_like("result_expires", "CELERY_RESULT_BACKEND")
        'CELERY_TASK_RESULT_EXPIRES'
        >>> Naming().named_like("result_expires", "backend")
        'result_expires'
        """
        if any(letter.isupper() for letter in setting):
            return setting
        if self.namespace and neighbour.lower().startswith(f"{self.namespace}_".lower()):
            written = neighbour[: len(self.namespace) + 1] + setting
            return written.upper() if neighbour.isupper() else written
        if not neighbour.isupper():
            return setting
        old = _old(setting)
        return old[0] if old and self.namespace is None else None

    def renamed(self, written: str, setting: str, new: str) -> str:
        """Return the new name of what is written ``written`` and is ``setting``.

        >>> Naming("CELERY").renamed("CELERY_RESULT_EXPRIES", "result_expries", "result_expires")
        'CELERY_RESULT_EXPIRES'
        """
        if any(letter.isupper() for letter in new) or not written.lower().endswith(setting.lower()):
            return new
        start = written[: len(written) - len(setting)]
        return start + (new.upper() if written.isupper() else new)


@cache
def _all_old() -> frozenset[str]:
    return frozenset(old for known in celery_settings(RELEASES[-1]).values() for old in known.old)


def _old(setting: str) -> tuple[str, ...]:
    known = celery_settings(RELEASES[-1]).get(setting)
    return known.old if known is not None else ()
