"""The command `rootcellar check`, on small projects."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rootcellar.cli import cellar
from rootcellar.specialist.rules import all_rules
from unit.check.hand_made import write

SETTINGS = """\
from celery import Celery

app = Celery("shop", broker="amqp://localhost", backend="redis://:hunter2@localhost:6379/0")
app.conf.update(
    result_expires=63_072_000,  # hunter2
    result_backend_always_retry=True,
    result_compression="hunter3",
)


@app.task
def add(a, b):
    return a + b


def total(a, b):
    return add.delay(a, b).get(timeout=5)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a setting that keeps results for years, one that does nothing, and a password in its code."""
    write(tmp_path, "shop/celery.py", SETTINGS)
    write(tmp_path, "shop/__init__.py", "")
    write(tmp_path, "requirements.txt", "celery[redis]==5.5.3\n")
    (tmp_path / ".git").mkdir()
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cellar, ["check", *map(str, arguments)], env={"CELERY_RESULT_BACKEND": None})


def rules_in(result: Result) -> list[str]:
    return [finding["rule"] for finding in json.loads(result.stdout)["findings"]]


def test_findings_end_with_exit_status_1_and_are_shown_with_their_line(project: Path):
    result = run(project, "--select", "RC414")
    assert result.exit_code == 1
    assert "shop/celery.py" in result.stdout
    assert "| result_expires=63_072_000," in result.stdout
    assert "RC414 kept-for-years" in result.stdout


def test_a_project_with_nothing_to_find_ends_with_exit_status_0(project: Path):
    result = run(project, "--select", "RC0")
    assert (result.exit_code, result.stdout.partition(".")[0]) == (0, "Nothing found")


def test_a_folder_without_celery_is_said_to_have_none(tmp_path: Path):
    result = run(tmp_path)
    assert result.exit_code == 0
    assert "no Celery app" in result.stdout


@pytest.mark.parametrize(("fail_on", "status"), [("error", 0), ("warning", 1), ("never", 0)])
def test_the_exit_status_depends_on_fail_on(fail_on: str, status: int, project: Path):
    assert run(project, "--select", "RC414", "--fail-on", fail_on).exit_code == status


def test_json_is_the_same_as_format_json(project: Path):
    assert run(project, "--json").stdout == run(project, "--format", "json").stdout


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_a_report_goes_to_a_file(form: str, project: Path, tmp_path: Path):
    result = run(project, "--format", form, "--output", tmp_path / "report")
    assert result.stdout == ""
    assert (tmp_path / "report").read_text().strip() == run(project, "--format", form).stdout.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "text"],
        ["--format", "json"],
        ["--format", "sarif"],
        ["--format", "github"],
        ["--statistics"],
        ["--diff"],
        ["--baseline", "hunter1.json"],
    ],
    ids=" ".join,
)
def test_no_output_shows_a_secret(arguments: list[str], project: Path):
    result = run(project, *arguments)
    assert "hunter2" not in result.output
    assert "hunter3" not in result.output


def test_an_ignored_rule_is_not_reported(project: Path):
    assert "RC414" in rules_in(run(project, "--json"))
    assert "RC414" not in rules_in(run(project, "--json", "--ignore", "RC414"))


def test_the_table_in_pyproject_is_followed(project: Path):
    write(project, "pyproject.toml", '[tool.rootcellar.check]\nselect = ["RC414"]\nfail-on = "error"\n')
    result = run(project, "--json")
    assert (rules_in(result), result.exit_code) == (["RC414"], 0)


def test_of_a_file_only_its_findings_are_reported_but_all_of_the_project_is_read(project: Path):
    write(project, "shop/other.py", "from shop.celery import app\n\napp.conf.result_expires = 94_608_000\n")
    everything = json.loads(run(project, "--json").stdout)
    one = json.loads(run(project / "shop/celery.py", "--json").stdout)
    assert one["apps"] == everything["apps"]
    assert {finding["path"] for finding in one["findings"]} == {"shop/celery.py"}


def test_a_baseline_keeps_quiet_about_what_it_knows(project: Path, tmp_path: Path):
    baseline = tmp_path / "known.json"
    made = run(project, "--update-baseline", "--baseline", baseline)
    assert made.exit_code == 0
    again = run(project, "--json", "--baseline", baseline)
    assert (again.exit_code, rules_in(again)) == (0, [])
    assert "hunter" not in baseline.read_text()


def test_what_is_mended_is_written_and_not_found_again(project: Path):
    before = (project / "shop/celery.py").read_text()
    shown = run(project, "--select", "RC206", "--diff")
    assert '-    result_compression="…",' in shown.stdout
    assert (project / "shop/celery.py").read_text() == before
    mended = run(project, "--select", "RC206", "--fix")
    assert mended.exit_code == 0
    after = (project / "shop/celery.py").read_text()
    assert after == before.replace('    result_compression="hunter3",\n', "")
    again = run(project, "--select", "RC206", "--fix")
    assert "Nothing can be mended" in again.stdout
    assert (project / "shop/celery.py").read_text() == after


def test_json_on_stdout_stays_json_while_mending(project: Path):
    result = run(project, "--select", "RC206", "--fix", "--json")
    assert json.loads(result.stdout)["ok"] is True
    assert "+++ shop/celery.py" in result.stderr


@pytest.mark.parametrize("rule", ["RC204", "rc204", "setting-of-another-backend"])
def test_a_rule_is_explained_by_its_page(rule: str):
    result = run("--explain", rule)
    assert result.exit_code == 0
    for word in ("RC204", "Mend", "Bad", "Good", "Sources"):
        assert word in result.stdout


def test_a_rule_that_is_not_there_is_answered_with_the_nearest():
    result = run("--explain", "RC2044")
    assert result.exit_code == 2
    assert "Did you mean 'RC204'?" in result.stderr


def test_all_rules_are_listed():
    rules = all_rules()
    assert [one["id"] for one in json.loads(run("--list-rules", "--json").stdout)] == list(rules)
    listed = run("--list-rules", "--width", "200").stdout
    assert [rule_id for rule_id in rules if rule_id not in listed] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["--select", "RC9999"], "--select: 'RC9999' names no rule"),
        (["--fail-on", "fatal"], "--fail-on must be one of"),
        (["--update-baseline"], "--update-baseline: say where"),
        (["--baseline", "nowhere.json"], "There is no baseline nowhere.json"),
        (["--format", "xml"], "Invalid value for '--format'"),
        (["-A", "nowhere:app"], "the Celery app cannot be loaded"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_ends_with_exit_status_2_and_words(arguments: list[str], said: str):
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("other", [["--select", "RC101"], ["--fix"], ["--diff"]], ids=" ".join)
def test_a_baseline_of_a_part_is_refused(other: list[str], project: Path, tmp_path: Path):
    baseline = tmp_path / "known.json"
    result = run(project, "--update-baseline", "--baseline", baseline, *other)
    assert result.exit_code == 2
    assert f"cannot go with {other[0]}" in result.stderr
    assert not baseline.exists()


def test_a_report_that_cannot_be_written_is_wrong_usage(project: Path, tmp_path: Path):
    result = run(project, "--output", tmp_path / "nowhere" / "report.txt")
    assert result.exit_code == 2
    assert "it cannot be written" in result.stderr
