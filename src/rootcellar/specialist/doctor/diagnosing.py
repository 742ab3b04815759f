"""Diagnosing: looks at a symptom's suspects, one after the other, and ranks what it finds."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rootcellar.specialist.check import Report, check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.doctor.asking import Absent
from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.diagnosis import Cause, Diagnosis, Looked, Outcome, Proof
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Examination, NotExamined, Suspect
from rootcellar.specialist.doctor.symptoms import Symptom, examinations
from rootcellar.specialist.doctor.words import counted
from rootcellar.specialist.inspection import Inspection
from rootcellar.specialist.probing import kind_of
from rootcellar.specialist.profile import App
from rootcellar.specialist.rules.finding import Severity
from rootcellar.specialist.rules.project import Probe, Project
from rootcellar.specialist.rules.rule import Rule
from rootcellar.specialist.runner import Hung

#: Apps that are examined live, and how many times the time-out all of it may take.
_MOST_APPS = 5
_PATIENCE = 40
_NO_LIVE = "only the files were looked at (--no-probe)"
_OUT_OF_TIME = "no time was left: give more with --timeout"


def diagnose(
    symptom: Symptom,
    seen: Inspection,
    rules: Mapping[str, Rule],
    loaded: Any = None,
    *,
    task_id: str = "",
    is_live: bool = True,
    timeout_s: float = 5.0,
    say: Callable[[str], object] = lambda text: None,
) -> Diagnosis:
    """Look at all suspects of a symptom.

    ``loaded`` is the Celery app that ``seen`` was compared with, if any: only it is then looked at. ``is_live``:
    whether servers and workers are asked. ``timeout_s`` is for one call; the whole takes no more than some tens of it.
    ``say`` is told what is being done.
    """
    project = seen.project
    apps: Sequence[App | None] = _apps(project, loaded)
    notes = list(seen.notes)
    if len(apps) > _MOST_APPS:
        notes.append(f"Of {len(apps)} apps the first {_MOST_APPS} are examined live; name one with -A.")
    causes: list[Cause] = []
    looked: list[Looked] = []
    probes: list[Probe] = []
    deadline = time.monotonic() + timeout_s * _PATIENCE
    for app in apps[:_MOST_APPS]:
        case = Case(project, app, loaded, task_id=task_id, timeout_s=timeout_s)
        try:
            for order, suspect, examination in _examinations(symptom):
                say(f"{examination.title}? …")
                if not is_live:
                    answer: Answer = NotExamined(_NO_LIVE)
                elif time.monotonic() > deadline:
                    answer = NotExamined(_OUT_OF_TIME)
                else:
                    answer = _examined(case, examination)
                row, cause = _judged(case, order, suspect, examination, answer)
                looked.append(row)
                if cause is not None:
                    causes.append(cause)
            if is_live and app is not None:
                probes += _probes(case, app)
        finally:
            case.close()
    say("Checking the project's files …")
    if is_live:
        project = replace(project, probes=tuple(probes))
    report = _checked(symptom, project, rules, seen)
    targets = tuple(app.target for app in apps if app is not None)
    causes += _found(symptom, report, targets)
    looked += _checked_rules(symptom, report, causes)
    if report.ignored:
        notes.append(f"{counted(report.ignored, 'finding')} ignored by comments in the files: left out.")
    if not apps or apps == [None]:
        notes.append(f"No Celery app was found in {counted(project.profile.files, 'file')}." if loaded is None else "")
    causes.sort(key=lambda one: (one.proof.rank, one.order))
    names = [one.name for one in symptom.suspects]
    looked.sort(key=lambda one: (one.app, names.index(one.suspect)))
    return Diagnosis(
        symptom, targets, tuple(causes), tuple(looked), tuple(note for note in notes if note), frozenset(seen.secrets)
    )


def _apps(project: Project, loaded: Any) -> list[App | None]:
    """Return the apps to look at: the loaded one, else all of the files."""
    every: list[App | None] = list(project.profile.apps)
    if loaded is None:
        return every
    return [app for app in every if app is not None and app.target in project.live] or [None]


def _examinations(symptom: Symptom) -> Iterator[tuple[int, Suspect, Examination]]:
    known = examinations()
    for order, suspect in enumerate(symptom.suspects):
        if not suspect.is_rule:
            yield order, suspect, known[suspect.name]


def _examined(case: Case, examination: Examination) -> Answer:
    """Look, bounded; what is missing, hangs or raises is a reason for not having looked."""
    try:
        for need in examination.needs:
            case.need(need)
    except Absent as exc:
        return NotExamined(str(exc))
    for want in examination.wants:
        with suppress(Absent):
            case.need(want)
    look = examination.look
    try:
        if {"store", "facts"} & set(examination.needs):
            return case.call(lambda: look(case), examination.patience)
        return look(case)  # what it asks the case for is bounded there
    except Absent as exc:
        return NotExamined(str(exc))
    except Hung as exc:
        return NotExamined(f"{exc}: give more time with --timeout")
    except Exception as exc:
        return NotExamined(f"it could not be looked at: {case.said(exc)}")


def _judged(
    case: Case, order: int, suspect: Suspect, examination: Examination, answer: Answer
) -> tuple[Looked, Cause | None]:
    app = case.target
    if isinstance(answer, NotExamined):
        return Looked(suspect.name, examination.title, Outcome.NOT_EXAMINED, case.hide(answer.why), app), None
    if isinstance(answer, Cleared):
        return Looked(suspect.name, examination.title, Outcome.CLEARED, case.hide(answer.seen), app), None
    cause = Cause(
        suspect.name,
        examination.title,
        Proof.SEEN if answer.is_certain else Proof.POSSIBLE,
        suspect.why,
        case.hide(answer.evidence),
        case.hide(answer.mend),
        app,
        answer.place,
        (order, 0),
    )
    outcome = Outcome.EXPLAINS if answer.is_certain else Outcome.POSSIBLE
    return Looked(suspect.name, examination.title, outcome, cause.evidence, app), cause


def _probes(case: Case, app: App) -> Iterator[Probe]:
    """Yield what rules that look at servers' answers go by."""
    try:
        yield Probe("result_backend", app.target, kind_of(case.url), case.facts)
    except Absent:
        return


def _checked(symptom: Symptom, project: Project, rules: Mapping[str, Rule], seen: Inspection) -> Report:
    wanted = tuple(one.name for one in symptom.suspects if one.is_rule)
    return check(project, rules, Configuration(selection=Selection(select=wanted)), (), seen.secrets)


def _found(symptom: Symptom, report: Report, targets: Sequence[str]) -> Iterator[Cause]:
    by_name = {one.name: (order, one) for order, one in enumerate(symptom.suspects)}
    for number, finding in enumerate(report.findings):
        if finding.app and finding.app not in targets:
            continue
        order, suspect = by_name[finding.rule]
        page = report.rules[finding.rule].page
        yield Cause(
            finding.rule,
            page.title.replace("`", ""),
            Proof.POSSIBLE if suspect.is_weak or finding.severity is Severity.INFO else Proof.FOUND,
            suspect.why,
            f"{finding.message} ({finding.evidence.rstrip('.')})" if finding.evidence else finding.message,
            report.mend(finding),
            finding.app,
            finding.place,
            (order, number),
        )


def _checked_rules(symptom: Symptom, report: Report, causes: Sequence[Cause]) -> Iterator[Looked]:
    failed = {one.rule: one.error for one in report.failures}
    for suspect in symptom.suspects:
        if not suspect.is_rule or suspect.name not in report.rules:
            continue
        page = report.rules[suspect.name].page
        title = page.title.replace("`", "")
        found = [one for one in causes if one.suspect == suspect.name]
        if suspect.name in failed:
            yield Looked(
                suspect.name, title, Outcome.NOT_EXAMINED, f"a mistake of rootcellar's: {failed[suspect.name]}"
            )
        elif found:
            outcome = Outcome.POSSIBLE if found[0].proof is Proof.POSSIBLE else Outcome.EXPLAINS
            yield Looked(suspect.name, title, outcome, found[0].evidence)
        elif page.needs == "probe" and not report.project.probes:
            yield Looked(suspect.name, title, Outcome.NOT_EXAMINED, "no server answered, or none was asked")
        else:
            yield Looked(suspect.name, title, Outcome.CLEARED, "nothing found in the files")
