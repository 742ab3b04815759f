"""The inspection: a project's profile, and, where asked for, its live configuration and its servers' answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.live import Difference, app_of, differences, live_settings
from rootcellar.specialist.profile import Profile
from rootcellar.specialist.profile.as_json import as_json
from rootcellar.specialist.profile.secrets import names_in
from rootcellar.specialist.rules.project import Probe, Project
from rootcellar.specialist.secrets import Hider, hideable, in_settings


@dataclass(frozen=True)
class Inspection:
    """What there is to know of a project. ``project`` is what the rules look at."""

    project: Project
    differences: tuple[Difference, ...] = ()
    #: why the live app could not be compared, or a server could not be asked
    notes: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def _hider(self) -> Hider:
        return Hider(hideable(self.secrets, names_in(self.profile)))

    def clean(self, text: str) -> str:
        """Return a text without any of the secrets."""
        return self._hider.hide(text)

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.project.profile

    def engine_names(self) -> dict[str, str]:
        """Return each app's result engine, by the app's target."""
        return {app.target: self.project.engine(app).name for app in self.profile.apps}

    def as_json(self) -> dict[str, Any]:
        """Return the published form; ``live`` and ``probes`` are ``None`` where no app was loaded, no server asked."""
        report = as_json(self.profile, self.engine_names())
        report["live"] = (
            [
                {
                    "app": one.app,
                    "setting": one.setting,
                    "read": one.read,
                    "live": one.live,
                    "path": one.place.path if one.place else None,
                    "line": one.place.line if one.place else None,
                }
                for one in self.differences
            ]
            if self.project.live
            else None
        )
        report["probes"] = None if self.project.probes is None else [_probe(one) for one in self.project.probes]
        report["notes"] = list(self.notes)
        return {name: self._cleaned(value) for name, value in report.items()}

    def _cleaned(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.clean(data)
        if isinstance(data, list):
            return [self._cleaned(one) for one in data]
        return {name: self._cleaned(one) for name, one in data.items()} if isinstance(data, dict) else data


def inspection_of(
    root: Path, app_name: str = "", loaded: Any = None, *, probe: bool = False, timeout_s: float = 5.0
) -> Inspection:
    """Read the project in ``root``; compare with the ``loaded`` app called ``app_name``; ask its servers if ``probe``.

    Raises:
        ConfigurationError: ``root`` is no folder.
    """
    profile = profile_of(root)
    secrets = set(profile.secrets)
    live: dict[str, Mapping[str, Any]] = {}
    found: list[Difference] = []
    notes: list[str] = []
    if loaded is not None:
        settings = live_settings(loaded)
        secrets.update(in_settings(settings))
        app = app_of(profile, app_name, loaded)
        if app is None:
            name = app_name or str(loaded.main)
            notes.append(f"{name} is none of the apps found in {root}: {_named(profile)}. It is not compared.")
        else:
            live[app.target] = settings
            found = differences(app, settings)
    probes: tuple[Probe, ...] | None = None
    if probe:
        from rootcellar.specialist.probing import probes_of

        probes = tuple(probes_of(Project(profile, live=live), timeout_s=timeout_s))
    return Inspection(Project(profile, probes=probes, live=live), tuple(found), tuple(notes), frozenset(secrets))


def _named(profile: Profile) -> str:
    return ", ".join(app.target for app in profile.apps) or "there is none"


def _probe(probe: Probe) -> dict[str, Any]:
    return {
        "app": probe.app,
        "setting": probe.setting,
        "kind": probe.kind,
        "error": probe.error or None,
        "facts": dict(probe.facts),
    }
