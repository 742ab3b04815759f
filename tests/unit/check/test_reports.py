"""The forms of a report: each holds what the others do, and keeps to its own rules."""

import io
import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from rootcellar.specialist.check import Report
from rootcellar.specialist.profile import Place, Unread
from rootcellar.specialist.report.as_json import as_json, statistics
from rootcellar.specialist.report.as_text import print_statistics, print_text
from rootcellar.specialist.report.github import github_lines
from rootcellar.specialist.report.sarif import as_sarif
from rootcellar.specialist.rules.finding import Edit, Finding
from unit.check.hand_made import HandMade, checked, finds, profile, setting, write

SCHEMA = json.loads((resources.files("rootcellar.specialist.report") / "check.schema.json").read_text())

#: What SARIF 2.1.0 demands of what we write: required properties, enumerations, and no property that it does not have.
MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 0},
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["uri"],
                    "properties": {
                        "uri": {"type": "string", "pattern": "^[A-Za-z0-9._~!$&'()*+,;=@%-][^ ]*$"},
                        "uriBaseId": {"const": "%SRCROOT%"},
                    },
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
    },
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
NOTIFICATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "message": MESSAGE,
        "level": LEVEL,
        "associatedRule": {"type": "object", "additionalProperties": False, "properties": {"id": {"type": "string"}}},
        "locations": {"type": "array", "items": LOCATION, "uniqueItems": True},
    },
}
SARIF = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "additionalProperties": False,
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": MESSAGE,
                                                "fullDescription": MESSAGE,
                                                "help": MESSAGE,
                                                "helpUri": {"type": "string", "format": "uri"},
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"level": LEVEL},
                                                },
                                                "properties": {"type": "object"},
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "originalUriBaseIds": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"uri": {"type": "string"}, "description": MESSAGE},
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["executionSuccessful"],
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "toolExecutionNotifications": {"type": "array", "items": NOTIFICATION},
                            },
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": MESSAGE,
                                "locations": {"type": "array", "items": LOCATION},
                                "relatedLocations": {"type": "array", "items": LOCATION, "uniqueItems": True},
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A report with one of everything."""
    write(tmp_path, "shop/celery.py", 'import os\nresult_backend = "redis://:hunter2@db/0"\n')

    def finds_all(project):
        yield Finding("", "A: 100% wrong,\nand so on.", Place("shop/celery.py", 2, 0), mend="Mend it.")
        edit = Edit("append_line", Place(".gitignore"), value=".env")
        yield Finding("", "No line.", Place("odd name,é.env"), evidence="Seen.", related=(Place("b", 1),), edit=edit)

    def raises(project):
        raise RuntimeError("hunter2")

    of = profile(
        tmp_path,
        setting("result_backend", "redis://:hunter2@db/0", 2),
        unread=(Unread(Place("c.py", 3), "it holds hunter2"),),
        secrets=frozenset({"hunter2"}),
    )
    rules = (
        HandMade("RC901", of_project=finds_all, severity="error", group="security"),
        HandMade("RC902", of_project=raises),
        HandMade("RC903", of_project=finds(Place("shop/celery.py", 1)), severity="info"),
    )
    return checked(tmp_path, *rules, of=of)


def text_of(report: Report, show=print_text, width: int = 100) -> str:
    file = io.StringIO()
    show(report, Console(file=file, width=width, highlight=False))
    return file.getvalue()


def test_json_keeps_to_the_published_schema(report: Report):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(json.dumps(as_json(report))), SCHEMA)


def test_json_says_what_was_found(report: Report):
    said = as_json(report)
    assert said["ok"] is False
    assert said["summary"] == {"error": 2, "warning": 0, "info": 1, "ignored": 0, "known": 0}
    assert said["apps"] == [{"target": "shop.celery:app", "celery": "5.7.0", "engine": "redis"}]
    second = said["findings"][2]
    assert (second["rule"], second["path"], second["line"], second["column"]) == ("RC901", "shop/celery.py", 2, 1)
    assert second["source"] == 'result_backend = "redis://…@db/0"'
    assert said["findings"][0]["mends_itself"] is True
    assert said["failures"][0]["rule"] == "RC902"


def test_sarif_keeps_to_the_standard(report: Report):
    said = json.loads(json.dumps(as_sarif(report)))
    jsonschema.Draft202012Validator.check_schema(SARIF)
    jsonschema.validate(said, SARIF, format_checker=jsonschema.FormatChecker())
    run = said["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]


def test_sarif_paths_are_uris(report: Report):
    (uri,) = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in as_sarif(report)["runs"][0]["results"]
        if result["message"]["text"].startswith("No line.")
    }
    assert uri == "odd%20name%2C%C3%A9.env"


def test_sarif_says_that_a_rule_failed(report: Report):
    (invocation,) = as_sarif(report)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["associatedRule"] == {"id": "RC902"}


def test_github_annotations_are_escaped(report: Report):
    lines = list(github_lines(report, "services/api/"))
    assert lines[0] == "::error file=services/api/odd name%2Cé.env,title=RC901 rc901::No line.%0ASeen.%0AMend of rc901."
    assert lines[1].startswith("::notice file=services/api/shop/celery.py,line=1,")
    assert lines[2] == (
        "::error file=services/api/shop/celery.py,line=2,title=RC901 rc901::A: 100%25 wrong,%0Aand so on.%0AMend it."
    )
    assert lines[3].startswith("::error title=RC902::RC902 could not be checked: RuntimeError in")


def test_text_shows_the_line_the_mend_and_a_summary(report: Report):
    said = text_of(report)
    assert 'result_backend = "redis://…@db/0"' in said
    assert "error RC901 rc901" in said
    assert "Mend: Mend it." in said
    assert "RC902 could not be checked: RuntimeError in test_reports.py" in said
    assert "2 errors, 0 warnings, 1 info; 1 can be mended by --fix." in said


def test_text_keeps_to_the_width(report: Report):
    assert max(map(len, text_of(report, width=60).splitlines())) <= 60


def test_text_of_a_clean_project_says_so(tmp_path: Path):
    assert text_of(checked(tmp_path)).startswith("Nothing found.")


def test_statistics_count_the_findings_of_each_rule(report: Report):
    assert [(one["rule"], one["count"]) for one in statistics(report)] == [("RC901", 2), ("RC903", 1)]
    assert " ".join(text_of(report, print_statistics).split()) == "2 error RC901 rc901 1 info RC903 rc903"


def test_no_form_shows_a_secret(report: Report):
    forms = (
        json.dumps(as_json(report)),
        json.dumps(as_sarif(report)),
        "\n".join(github_lines(report)),
        text_of(report),
    )
    assert [form for form in forms if "hunter2" in form] == []
