"""``rootcellar doctor``: text, JSON and its schema, exit statuses, and what it never shows."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from corpus.reading import Case, cases
from corpus.reading import lay_out as lay_out_case
from doctored import HEALTHY, project
from rootcellar.cli import cellar
from rootcellar.specialist.doctor import SYMPTOMS

SCHEMA = json.loads((resources.files("rootcellar.specialist.doctor") / "doctor.schema.json").read_text("utf-8"))
NAMES = [one.name for one in SYMPTOMS]
#: Nobody listens there.
NOWHERE = "127.0.0.1:1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cellar, ["doctor", *arguments], env={"CELERY_RESULT_BACKEND": None})


def report(*arguments: str) -> Any:
    """Run it with --json, and return what it printed, which is as its schema says."""
    result = run(*arguments, "--json")
    assert result.exit_code in (0, 1), result.output
    printed = json.loads(result.stdout)
    jsonschema.validate(printed, SCHEMA)
    assert result.exit_code == int(printed["explanation"] is not None)
    return printed


def test_without_a_symptom_it_lists_them() -> None:
    result = run()
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == NAMES
    listed = json.loads(run("--json").stdout)
    assert [one["symptom"] for one in listed] == NAMES


def test_a_symptom_there_is_not_is_answered_with_the_list() -> None:
    result = run("not-persistent")
    assert result.exit_code == 2
    assert "Did you mean 'not-persisting'?" in result.output
    assert all(name in result.output for name in NAMES)


def test_a_folder_there_is_not(tmp_path: Path) -> None:
    result = run("slow", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_schema_is_a_schema_and_names_the_symptoms() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["symptom"]["enum"] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_without_a_celery_app_nothing_is_found_and_that_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("answer = 42\n")
    printed = report(name, str(tmp_path))
    assert printed["explanation"] is None
    assert printed["notes"] == ["No Celery app was found in 1 file."]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_files_are_looked_at_if_it_is_told_so(name: str, tmp_path: Path) -> None:
    project(tmp_path, f"redis://{NOWHERE}/0", f"redis://{NOWHERE}/1", **HEALTHY)
    printed = report(name, str(tmp_path), "--no-probe")
    assert printed["explanation"] is None
    examined = [one for one in printed["looked_at"] if not one["suspect"].startswith("RC")]
    assert {one["outcome"] for one in examined} == {"not-examined"}
    assert {one["said"] for one in examined} == {"only the files were looked at (--no-probe)"}


def test_a_password_is_nowhere_in_what_it_prints(tmp_path: Path) -> None:
    secret = "hunter2-and-more"
    backend = f"redis://:{secret}@{NOWHERE}/1"
    project(tmp_path, f"amqp://shop:{secret}@{NOWHERE}//", backend, redis_password=secret, **HEALTHY)
    for name in NAMES:
        for form in ((), ("--json",)):
            result = run(name, str(tmp_path), "--timeout", "0.2", *form)
            assert secret not in result.output
            assert "hunter2" not in result.output


def test_the_verdict_comes_first_with_evidence_place_and_mend(tmp_path: Path) -> None:
    project(tmp_path, f"redis://{NOWHERE}/0", f"redis://{NOWHERE}/1", **HEALTHY)
    result = run("not-persisting", str(tmp_path), "--timeout", "0.2")
    assert result.exit_code == 1
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    assert lines[1] == "This explains it"
    assert lines[2].startswith("The result store does not answer  (store-away, seen live)")
    assert f"redis://{NOWHERE}/1" in lines[3]
    assert any(line.startswith("Mend: ") for line in lines[:8])
    assert "Where: shop.py:3" in lines[:9]


def test_a_rule_that_only_may_contribute_is_no_explanation(tmp_path: Path) -> None:
    project(tmp_path, f"redis://{NOWHERE}/0", f"redis://{NOWHERE}/1")
    printed = report("not-persisting", str(tmp_path), "--no-probe")
    assert printed["explanation"] is None
    assert [one["suspect"] for one in printed["possible"]] == ["RC307"]


def test_what_bears_on_a_symptom_only_now_and_then_may_contribute(tmp_path: Path) -> None:
    project(tmp_path, f"redis://{NOWHERE}/0", f"redis://{NOWHERE}/1", accept_content=["json", "pickle"], **HEALTHY)
    printed = report("serialization", str(tmp_path), "--no-probe")
    assert printed["explanation"] is None
    assert [one["suspect"] for one in printed["possible"]] == ["RC111"]


def test_what_comments_ignore_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path, f"redis://{NOWHERE}/0", "cache+memory://")
    code = (
        (folder / "shop.py")
        .read_text()
        .replace("cache+memory://')", "cache+memory://')  # rootcellar: ignore[RC309] x")
    )
    (folder / "shop.py").write_text(code)
    printed = report("not-persisting", str(tmp_path), "--no-probe")
    assert printed["explanation"] is None
    assert "1 finding ignored by comments in the files: left out." in printed["notes"]


def test_what_was_seen_goes_before_what_a_rule_says(tmp_path: Path) -> None:
    project(tmp_path, f"redis://{NOWHERE}/0", f"redis://{NOWHERE}/1", task_ignore_result=True)
    static = report("not-persisting", str(tmp_path), "--no-probe")
    assert static["explanation"]["suspect"] == "RC216"
    live = report("not-persisting", str(tmp_path), "--timeout", "0.2")
    assert live["explanation"]["suspect"] == "store-away"
    assert "RC216" in [one["suspect"] for one in live["also_found"]]


def test_a_name_of_the_projects_own_network_proves_nothing_here(tmp_path: Path) -> None:
    project(tmp_path, "redis://no-such-broker:6379/0", "redis://no-such-redis:6379/1", **HEALTHY)
    for name in ("not-persisting", "pending-forever"):
        printed = report(name, str(tmp_path), "--timeout", "0.5")
        assert printed["explanation"] is None
        said = {one["suspect"]: one for one in printed["looked_at"]}
        assert said["store-away"]["outcome"] == "not-examined"


@pytest.mark.parametrize("backend", ["django-db", "rpc://", "couchbase://127.0.0.1:1/x", "redis://{HOST}/0", ""])
@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_asked_from_here_is_no_explanation(name: str, backend: str, tmp_path: Path) -> None:
    project(tmp_path, "memory://", backend, **HEALTHY)
    printed = report(name, str(tmp_path), "--timeout", "0.5")
    assert [
        one["suspect"] for one in (printed["explanation"], *printed["also_found"]) if one and one["proof"] == "seen"
    ] == []


def test_the_app_itself_is_gone_by_if_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doctoredshop.py").write_text(
        "import os\nfrom celery import Celery\n\n"
        "app = Celery('shop', broker='memory://', backend=os.environ['DOCTORED_BACKEND'], set_as_current=False)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DOCTORED_BACKEND", f"redis://:hunter2hunter2@{NOWHERE}/1")
    unknown = report("not-persisting", str(tmp_path), "--timeout", "0.2")
    assert unknown["explanation"] is None
    known = report("not-persisting", str(tmp_path), "-A", "doctoredshop", "--timeout", "0.2")
    assert known["explanation"]["suspect"] == "store-away"
    assert known["apps"] == ["doctoredshop:app"]
    assert "hunter2" not in json.dumps(known)


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.slug))
def test_it_reads_every_project_of_the_corpus(case: Case, tmp_path: Path) -> None:
    root = lay_out_case(case, tmp_path)
    printed = report(NAMES[len(case.slug) % len(NAMES)], str(root), "--no-probe")
    assert sorted(printed["apps"]) == sorted(case.profile.apps)
