"""The profile itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rootcellar.specialist.profile.app import App
from rootcellar.specialist.profile.env_file import EnvFile, Variable
from rootcellar.specialist.profile.package import Package
from rootcellar.specialist.profile.place import Place, folders_in_common
from rootcellar.specialist.profile.service import Process, Server
from rootcellar.specialist.profile.task import Task
from rootcellar.specialist.profile.use import Called, Use


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that was not read, and why: a file with broken syntax, a 50 MB one, a loop of links."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class CeleryVersion:
    """The Celery that a part of the project runs on: ``version`` is what the rules go by."""

    version: str
    #: ``locked``, ``pinned``, ``allowed`` (the newest release that the requirement allows) or ``newest`` (nothing said)
    origin: str
    place: Place | None = None
    #: the folder it holds for
    root: str = ""


#: Taken where nothing says which release a project runs on: the last one that the engine table knows.
NEWEST = "5.7.0"


def celery_at(versions: Iterable[CeleryVersion], path: str) -> CeleryVersion:
    """Return the Celery that code at a path runs on: that of the folder nearest to it, else the newest."""
    fitting = [one for one in versions if not one.root or path.startswith(one.root + "/")]
    return max(fitting, key=lambda one: len(one.root), default=CeleryVersion(NEWEST, "newest"))


@dataclass(frozen=True, slots=True)
class Profile:
    """What was found in a project. Everything is in the order of the files' paths, and of the lines in them."""

    root: Path
    apps: tuple[App, ...] = ()
    tasks: tuple[Task, ...] = ()
    uses: tuple[Use, ...] = ()
    calls: tuple[Called, ...] = ()
    packages: tuple[Package, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    processes: tuple[Process, ...] = ()
    servers: tuple[Server, ...] = ()
    #: ``django``, ``flask``, ``fastapi`` …
    frameworks: tuple[str, ...] = ()
    #: Django's INSTALLED_APPS, as far as they are written
    installed_apps: tuple[str, ...] = ()
    celery: tuple[CeleryVersion, ...] = ()
    #: variables written anywhere with a secret-looking name or value (env files apart): YAML, Dockerfiles, Procfiles
    literals: tuple[Variable, ...] = field(default=(), repr=False)
    unread: tuple[Unread, ...] = ()
    is_git: bool = False
    files: int = 0
    #: every secret that was met, so that no output shows one
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def celery_of(self, app: App) -> CeleryVersion:
        """Return the Celery an app runs on: that of the folder nearest to it."""
        return celery_at(self.celery, app.place.path)

    def tasks_of(self, app: App) -> Iterator[Task]:
        """Yield an app's tasks: its own, and those of no app under its folder."""
        return (one for one in self.tasks if self._is_of(one, app))

    def apps_of(self, task: Task) -> Iterator[App]:
        """Yield the apps a task is of: see :meth:`tasks_of`."""
        return (one for one in self.apps if self._is_of(task, one))

    def uses_by_app(self) -> dict[str, list[Use]]:
        """Return the uses of results that go through each app, by the app's target.

        Of several apps that share a folder: the one whose file is nearest to the use; of equally near ones, the one
        whose tasks they are.
        """
        owner_of = {task.name: task.app for task in self.tasks if task.app}
        uses: dict[str, list[Use]] = {app.target: [] for app in self.apps}
        for use in self.uses:
            near = self._nearest(use.place)
            owners = {owner_of[name] for name in use.tasks if name in owner_of} & near
            for target in owners or near:
                uses[target].append(use)
        return uses

    def _nearest(self, place: Place) -> set[str]:
        near = [
            (folders_in_common(app.place.path, place.path), app.target)
            for app in self.apps
            if self._is_under(place, app)
        ]
        most = max((shared for shared, _ in near), default=0)
        return {target for shared, target in near if shared == most}

    def _is_of(self, task: Task, app: App) -> bool:
        return task.app == app.target or (not task.app and self._is_under(task.place, app))

    def _is_under(self, place: Place, app: App) -> bool:
        return not app.root or place.path.startswith(app.root + "/")
