"""The app: a Celery app of the project, and what it is configured with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rootcellar.specialist.profile.place import Place
from rootcellar.specialist.profile.value import Unknown, Value


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, where it is set."""

    #: Celery's lower-case name (``result_backend``), or what is written, lower-cased and without the app's namespace
    name: str
    #: as it stands in the file: ``CELERY_RESULT_BACKEND``, ``backend``, ``result_backend``
    written: str
    value: Value
    place: Place
    #: how it is set: ``module``, ``class``, ``django``, ``keyword`` (of ``Celery(...)``), ``update``, ``attribute``,
    #: ``item``, ``mapping``, ``environment``, ``live``
    origin: str
    #: inside an ``if``, ``try`` or the like: it may not be set
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class BeatEntry:
    """One entry of beat's schedule."""

    name: str
    task: str
    schedule: Value
    place: Place


@dataclass(frozen=True, slots=True)
class App:
    """A Celery app. ``target`` is what ``celery -A`` would take: ``shop.celery:app``."""

    target: str
    place: Place
    #: the folder it belongs to, relative to the project's root: the nearest one above with a project file, or ``""``
    root: str = ""
    #: ``namespace=`` of ``config_from_object``, as written; ``None``: without
    namespace: str | None = None
    #: the ways it is configured, in their order: the origins of :class:`Setting`
    styles: tuple[str, ...] = ()
    #: every place where a setting is set, in the order in which Celery applies them: the last one of a name wins
    settings: tuple[Setting, ...] = ()
    #: settings that stand in the configuration and that the app does not read (no prefix, wrong prefix …)
    unread_settings: tuple[Setting, ...] = ()
    beat: tuple[BeatEntry, ...] = ()
    #: why some of its configuration could not be read; empty: all of it was
    unknown: tuple[str, ...] = ()
    #: what names the app's configuration object: ``celeryconfig``, ``django.conf:settings``; empty: none
    config_source: str = ""

    def get(self, name: str) -> Setting | None:
        """Return the setting that counts, by Celery's lower-case name; ``None`` if it is nowhere set."""
        return next((setting for setting in reversed(self.settings) if setting.name == name), None)

    def all(self, name: str) -> Iterator[Setting]:
        """Yield every place that sets ``name``, the one that counts last."""
        return (setting for setting in self.settings if setting.name == name)

    def known(self, name: str, default: Any = None) -> Any:
        """Return the data of a setting if it is fully known, else ``default``; a text with holes is not."""
        setting = self.get(name)
        return setting.value.data if setting is not None and setting.value.is_known else default

    def text(self, name: str) -> str:
        """Return a text setting, with ``{NAME}`` for its unknown parts; empty where it is unset, unknown or no text."""
        setting = self.get(name)
        data = setting.value.data if setting is not None else None
        return data if isinstance(data, str) else ""

    def where(self, name: str) -> Place:
        """Return where a setting that counts is set; for one that is nowhere set, where the app is made."""
        setting = self.get(name)
        return setting.place if setting is not None else self.place

    def is_unknown(self, name: str) -> bool:
        """Whether it is set to something that cannot be known, or may be set by what could not be read."""
        setting = self.get(name)
        return bool(self.unknown) if setting is None else isinstance(setting.value.data, Unknown)
