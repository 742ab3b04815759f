"""The project, as rules see it: the profile, what the engine table says of each app, and what was asked live."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from packaging.version import Version

from rootcellar.specialist.engines import Engine, engine_of
from rootcellar.specialist.profile import App, Process, Profile, Server, Task, Use
from rootcellar.specialist.profile.address import Address, address_of, is_hole


@dataclass(frozen=True, slots=True)
class Probe:
    """What a live server said: ``facts`` by name, as ``specialist/probing`` has them; ``error`` if it gave none."""

    #: what was asked: ``result_backend`` or ``broker_url``
    setting: str
    #: target of the app
    app: str
    #: ``redis``, ``postgresql``, ``mysql``, ``sqlite``, ``mongodb``, ``rabbitmq``
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A credential that a commit of the past holds; the credential itself is not kept."""

    commit: str
    path: str
    line: int
    #: the variable or setting
    name: str


@dataclass(frozen=True)
class Project:
    """All that a rule may look at. Nothing here does I/O."""

    profile: Profile
    #: ``None``: the servers were not asked (no ``--probe``)
    probes: tuple[Probe, ...] | None = None
    #: ``None``: git's history was not read (no ``--history``)
    history: tuple[Commit, ...] | None = None
    #: target → settings of the live app, by Celery's lower-case name (``-A``)
    live: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def engine(self, app: App) -> Engine:
        """Return the row of the engine table for an app's results: ``disabled`` where none is set, ``unknown``."""
        setting = app.get("result_backend")
        if setting is None:
            return engine_of("" if not app.unknown else None)
        data = setting.value.data
        return engine_of(data if isinstance(data, str) or (data is None and setting.value.is_known) else None)

    def version(self, app: App) -> Version:
        """Return the Celery version the rules go by for an app."""
        return Version(self.profile.celery_of(app).version)

    def backend(self, app: App) -> Address:
        """Return the address of an app's results, taken apart; for one that is unset or unknown, an empty one."""
        return address_of(app.text("result_backend"))

    def broker(self, app: App) -> Address:
        """Return the address of an app's broker, taken apart."""
        return address_of(app.text("broker_url"))

    def tasks(self, app: App) -> tuple[Task, ...]:
        """Return an app's tasks."""
        return tuple(self.profile.tasks_of(app))

    def uses(self, app: App, *kinds: str) -> tuple[Use, ...]:
        """Return an app's uses of results of these kinds (all kinds: none given), those in tests left out."""
        return tuple(use for use in self._uses[app.target] if not use.is_in_test and (not kinds or use.kind in kinds))

    @cached_property
    def _uses(self) -> dict[str, list[Use]]:
        return self.profile.uses_by_app()

    def uses_results(self, app: App) -> tuple[Use, ...]:
        """Return the uses that need a result backend."""
        return self.uses(app, "get", "join", "read", "extended", "lookup", "chord", "poll", "then")

    def workers(self, app: App) -> tuple[Process, ...]:
        """Return the worker processes of an app, those that name no app included."""
        return tuple(
            process for process in self.profile.processes if process.role == "worker" and self.runs(process, app)
        )

    def runs(self, process: Process, app: App) -> bool:
        """Whether a process runs this app, as far as can be told: it names it, or it names none."""
        named, module = (f"{name.partition(':')[0]}." for name in (process.app, app.target))
        return not process.app or module.startswith(named) or named.startswith(module)

    def server_of(self, address: Address, kind: str) -> tuple[Server, ...]:
        """Return what the project says of the server at an address.

        That is the container of that name, or the only one of its kind where the host is unknown; and the
        configuration files of its kind, if they can be of no other server.
        """
        servers = [one for one in self.profile.servers if one.kind == kind]
        files = [one for one in servers if one.origin == "file"]
        containers = [one for one in servers if one.origin != "file"]
        named = [one for one in containers if one.is_called(address.host)]
        if not named and is_hole(address.host) and len(containers) == 1:
            named = containers
        return tuple(named + files if named or len(containers) <= 1 else named)

    def probe(self, app: App, setting: str = "result_backend") -> Probe | None:
        """Return what a server that an app names answered; ``None`` if it was not asked or did not answer."""
        asked = (one for one in self.probes or () if one.app == app.target and one.setting == setting and not one.error)
        return next(asked, None)
