"""The runner: which rules run on what, and what becomes of what they find."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.profile import App, CeleryVersion, Place
from rootcellar.specialist.rules.finding import Finding, Severity
from rootcellar.specialist.rules.project import Project
from unit.check.hand_made import HandMade, checked, finds, profile, setting, write


def at_the_app(app: App, project: Project) -> Iterator[Finding]:
    yield Finding("", "Something.", app.place)


def ran_on(root: Path, more: str, url: str | None = "redis://localhost/0", celery: str = "5.5.3") -> bool:
    settings = () if url is None else (setting("result_backend", url),)
    of = profile(root, *settings, celery=(CeleryVersion(celery, "pinned"),))
    return bool(checked(root, HandMade("RC901", of_app=at_the_app, more=more), of=of).findings)


def test_a_finding_gets_its_rules_id_severity_and_app(tmp_path: Path):
    (finding,) = checked(tmp_path, HandMade("RC901", of_app=at_the_app, severity="error")).findings
    assert (finding.rule, finding.severity, finding.app) == ("RC901", Severity.ERROR, "shop.celery:app")


@pytest.mark.parametrize(("celery", "runs"), [("5.5.3", True), ("5.7.0", False)])
def test_a_rule_runs_on_the_celery_versions_of_its_page(celery: str, runs: bool, tmp_path: Path):
    assert ran_on(tmp_path, 'celery = "<5.7"', celery=celery) is runs


@pytest.mark.parametrize(("url", "runs"), [("redis://localhost/0", True), ("rpc://", False), ("{URL}", False)])
def test_a_rule_runs_on_the_engines_of_its_page(url: str, runs: bool, tmp_path: Path):
    assert ran_on(tmp_path, 'engines = ["redis"]', url) is runs


def test_a_rule_of_all_engines_runs_on_one_that_is_not_known(tmp_path: Path):
    assert ran_on(tmp_path, "", "{URL}")


def test_findings_are_sorted_by_path_line_and_rule(tmp_path: Path):
    one = HandMade("RC902", of_project=finds(Place("b.py", 1), Place("a.py", 9), Place("a.py", 2)))
    two = HandMade("RC901", of_project=finds(Place("a.py", 9)))
    found = [(str(one.place), one.rule) for one in checked(tmp_path, one, two).findings]
    assert found == [("a.py:2", "RC902"), ("a.py:9", "RC901"), ("a.py:9", "RC902"), ("b.py:1", "RC902")]


def test_what_two_apps_share_is_reported_once(tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("a.py", 1, 3), Place("a.py", 1, 8)))
    assert len(checked(tmp_path, rule).findings) == 1


def test_a_rule_that_raises_is_named_and_the_others_go_on(tmp_path: Path):
    def raises(app: App, project: Project) -> Iterator[Finding]:
        yield Finding("", "Something.", app.place)
        raise KeyError("hunter2")

    report = checked(tmp_path, HandMade("RC901", of_app=raises), HandMade("RC902", of_app=at_the_app, severity="info"))
    assert [finding.rule for finding in report.findings] == ["RC902"]
    (failure,) = report.failures
    assert (failure.rule, failure.app) == ("RC901", "shop.celery:app")
    assert failure.error.startswith("KeyError in test_runner.py:")
    assert report.is_failed


@pytest.mark.parametrize(
    ("fail_on", "failed"),
    [(Severity.ERROR, False), (Severity.WARNING, True), (Severity.INFO, True), (None, False)],
)
def test_the_check_fails_on_what_is_at_least_as_severe_as_asked(fail_on: Severity | None, failed: bool, tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("a.py", 1)))
    assert checked(tmp_path, rule, configuration=Configuration(fail_on=fail_on)).is_failed is failed


def test_rules_that_are_not_selected_do_not_run(tmp_path: Path):
    rules = [HandMade(rule_id, of_project=finds(Place("a.py", 1))) for rule_id in ("RC801", "RC901")]
    report = checked(tmp_path, *rules, configuration=Configuration(Selection(("RC8",))))
    assert [finding.rule for finding in report.findings] == ["RC801"]
    assert report.ran == ("RC801",)


def test_nothing_is_reported_in_excluded_files(tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("vendor/a.py", 1), Place("b.py", 1)))
    report = checked(tmp_path, rule, configuration=Configuration(exclude=("vendor",)))
    assert [str(finding.place) for finding in report.findings] == ["b.py:1"]


def test_a_rule_can_be_ignored_in_some_files(tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("deploy/a.yml", 1), Place("b.yml", 1)))
    report = checked(tmp_path, rule, configuration=Configuration(per_file_ignores={"deploy/*.yml": ("RC9",)}))
    assert [str(finding.place) for finding in report.findings] == ["b.yml:1"]


def test_a_message_that_repeats_a_secret_of_the_project_is_reported_without_it(tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("a.py", 1), message="It is s3cr3t! in redis://:x@host"))
    (finding,) = checked(tmp_path, rule, of=profile(tmp_path, secrets=frozenset({"s3cr3t!"}))).findings
    assert finding.message == "It is *** in redis://:***@host"


def test_a_secret_that_is_an_everyday_word_does_not_spoil_messages(tmp_path: Path):
    rule = HandMade("RC901", of_project=finds(Place("a.py", 1), message="Celery's redis backend."))
    (finding,) = checked(tmp_path, rule, of=profile(tmp_path, secrets=frozenset({"redis"}))).findings
    assert finding.message == "Celery's redis backend."


def test_the_line_of_a_finding_is_shown_without_its_texts(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1\nurl = connect('hunter2', 5)  # hunter2\n")
    rule = HandMade("RC901", of_project=finds(Place("a.py", 2)))
    report = checked(tmp_path, rule)
    assert report.source.shown(report.findings[0].place) == "url = connect('…', 5)"
