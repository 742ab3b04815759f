"""The text form of ``rootcellar inspect``."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rootcellar.specialist.inspection import Inspection
from rootcellar.specialist.profile import App, Setting, Task
from rootcellar.specialist.profile.as_json import uses_by_kind
from rootcellar.specialist.profile.shown import shown_value, shown_version

#: Lines of a list before the rest is only counted.
_MOST = 12


class View:
    """Prints an inspection on ``console``; every text is rid of the project's secrets first."""

    def __init__(self, seen: Inspection, console: Console) -> None:
        self.seen = seen
        self.console = console

    def show(self) -> None:
        """Print all of it."""
        profile = self.seen.profile
        if not profile.apps:
            self._line(f"No Celery app was found in {profile.files:,} files.", "bold")
        for app in profile.apps:
            self._app(app)
        self._tasks()
        self._list("Processes", (self._process(one) for one in profile.processes))
        self._list(
            "Servers", (f"{one.name}  {one.kind} {shown_version(one.version)}  {one.place}" for one in profile.servers)
        )
        self._list(
            "Env files",
            (
                f"{one.path}  {len(one.variables)} variables{', an example' if one.is_example else ''}"
                f"{', tracked by git' if one.is_tracked else ''}"
                for one in profile.env_files
            ),
        )
        self._live()
        self._list("Not read", (f"{one.place}: {one.why}" for one in profile.unread))
        for note in self.seen.notes:
            self._line(note, "yellow")

    def _app(self, app: App) -> None:
        profile, project = self.seen.profile, self.seen.project
        version = profile.celery_of(app)
        engine = project.engine(app)
        self._line(f"\nApp {app.target}  ({app.place})", "bold")
        how = {"newest": "nothing says which; the newest", "allowed": "the newest that the requirement allows"}
        self._line(f"  Celery {version.version}: {how.get(version.origin, version.origin)}")
        self._line(f"  Results: {engine.label}; configured by {', '.join(app.styles) or 'nothing'}")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("  setting", "value", "where"):
            table.add_column(heading, overflow="fold")
        for setting in app.settings:
            table.add_row(*(Text(self._clean(cell)) for cell in self._row(app, setting)))
        for setting in app.unread_settings:
            table.add_row(*(Text(self._clean(cell), "yellow") for cell in self._row(app, setting)))
        if app.settings or app.unread_settings:
            self.console.print(table)
        for entry in app.beat:
            self._line(f"  beat: {entry.name} runs {entry.task}  {entry.place}")
        for why in app.unknown:
            self._line(f"  unknown: {why}", "yellow")

    def _row(self, app: App, setting: Setting) -> tuple[str, str, str]:
        notes = []
        if setting in app.unread_settings:
            notes.append("Celery does not read it")
        elif app.get(setting.name) is not setting:
            notes.append("overridden")
        if setting.is_conditional:
            notes.append("conditional")
        if setting.value.variables:
            notes.append(f"from {', '.join(setting.value.variables)}" + (", default" * setting.value.is_default))
        value = shown_value(setting.name, setting.value)
        why = value.get("unknown") if isinstance(value, dict) else None
        text = f"unknown: {why}" if why else str(value)
        return f"  {setting.name}", text, f"{setting.place}" + (f" ({'; '.join(notes)})" if notes else "")

    def _tasks(self) -> None:
        profile = self.seen.profile
        if profile.tasks:
            ignoring = sum(self._is_ignored(one) for one in profile.tasks)
            tasks = f"{len(profile.tasks)} task{'s' * (len(profile.tasks) != 1)}"
            self._line(f"\n{tasks}, {ignoring} of which store no result", "bold")
            for task in profile.tasks[:_MOST]:
                self._line(f"  {task.name}  {task.place}")
            self._more(len(profile.tasks))
        used = uses_by_kind(profile.uses)
        if used:
            self._line("\nResults in the code", "bold")
            self._line("  " + ", ".join(f"{kind} {number}" for kind, number in used.items()))
            waiting = ("get", "join", "lookup", "chord", "poll")
            waits = [use for use in profile.uses if use.kind in waiting and not use.is_in_test]
            for use in waits[:_MOST]:
                inside = f" in the task {use.inside_task}" if use.inside_task else ""
                self._line(f"  {use.kind}  {use.place}{inside}")
            self._more(len(waits))

    def _is_ignored(self, task: Task) -> bool:
        """Whether a task, or every app it may be of, says that its results are not stored."""
        if task.ignores_result is not None:
            return task.ignores_result
        apps = list(self.seen.profile.apps_of(task))
        return bool(apps) and all(app.known("task_ignore_result") is True for app in apps)

    def _process(self, one: Any) -> str:
        pool = f" {one.pool}" if one.pool else ""
        concurrency = f" of {one.concurrency}" if one.concurrency else ""
        beat = " with beat" if one.has_beat and one.role != "beat" else ""
        return f"{one.name}  {one.role}{pool}{concurrency}{beat}  {one.place}"

    def _live(self) -> None:
        project = self.seen.project
        if project.live:
            number = len(self.seen.differences)
            differ = "1 setting differs" if number == 1 else f"{number} settings differ"
            self._line(f"\nLive configuration of {', '.join(project.live)}: {differ} from what the files say", "bold")
            for one in self.seen.differences:
                self._line(
                    f"  {one.setting}: live {one.live}, read {one.read}" + (f"  {one.place}" if one.place else "")
                )
        for probe in project.probes or ():
            self._line(f"\n{probe.kind} behind {probe.setting} of {probe.app}", "bold")
            if probe.error:
                self._line(f"  {probe.error}", "red")
            for name, value in probe.facts.items():
                self._line(f"  {name}: {value}")

    def _list(self, heading: str, lines: Iterable[str]) -> None:
        every = list(lines)
        if every:
            self._line(f"\n{heading}", "bold")
            for line in every[:_MOST]:
                self._line(f"  {line}")
            self._more(len(every))

    def _more(self, number: int) -> None:
        if number > _MOST:
            self._line(f"  … and {number - _MOST} more (--json has all)")

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(Text(self._clean(text), style))

    def _clean(self, text: str) -> str:
        return self.seen.clean(text)


def show(seen: Inspection) -> None:
    """Print an inspection on standard output."""
    View(seen, Console(highlight=False, soft_wrap=not sys.stdout.isatty())).show()
