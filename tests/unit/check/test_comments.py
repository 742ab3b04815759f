"""``# rootcellar: ignore[…]`` comments: where they may stand, and what is said of them."""

from pathlib import Path

import pytest

from rootcellar.specialist.checking.comments import comments_in
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.profile import Place
from unit.check.hand_made import HandMade, checked, finds, write

WHY = "because"


def reported(root: Path, path: str, text: str, line: int, rule_id: str = "RC901") -> list[str]:
    """Return ``rule:line`` of what is reported of a file in whose ``line`` a rule finds something."""
    write(root, path, text)
    rule = HandMade(rule_id, of_project=finds(Place(path, line)))
    return [f"{one.rule}:{one.place.line}" for one in checked(root, rule, HandMade("RC902")).findings]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        pytest.param("a.py", "x = 1  # rootcellar: ignore[RC901] because\n", 1, id="at the end of a Python line"),
        pytest.param("a.py", "# rootcellar: ignore[RC901] because\nx = 1\n", 2, id="on the line above"),
        pytest.param("a.py", "# rootcellar: ignore[RC901] because\n# more\n\nx = 1\n", 4, id="above more comments"),
        pytest.param("a.py", "f(\n    # rootcellar: ignore[RC901] because\n    x=1,\n)\n", 3, id="inside a call"),
        pytest.param("a.py", "x = 1  # noqa  # rootcellar: ignore[RC901] because\n", 1, id="behind another comment"),
        pytest.param("a.py", "x = 1\x0c\ny = 2  # rootcellar: ignore[RC901] because\n", 2, id="behind a form feed"),
        pytest.param("a.py", "x = (  # rootcellar: ignore[RC901] because\n", 1, id="in a file that is no Python"),
        pytest.param("a.py", "x = 1  #rootcellar:ignore[RC901]: because\n", 1, id="without blanks"),
        pytest.param("a.py", "x = 1  # rootcellar: ignore[RC902, RC901] because\n", 1, id="of several rules"),
        pytest.param("a.py", "x = 1  # rootcellar: ignore[RC9] because\n", 1, id="of a beginning"),
        pytest.param("a.py", "x = 1  # rootcellar: ignore[correctness] because\n", 1, id="of a group"),
        pytest.param("a.py", "x = 1\n\n# rootcellar: ignore-file[RC9] because\n", 1, id="of the file"),
        pytest.param("a.py", "# rootcellar: ignore-file[RC901] because\n", 0, id="of a finding about the file"),
        pytest.param("compose.yaml", "a: 1 # rootcellar: ignore[RC901] because\n", 1, id="in YAML"),
        pytest.param("pyproject.toml", "a = 1 # rootcellar: ignore[RC901] because\n", 1, id="in TOML"),
        pytest.param(".env.dev", "# rootcellar: ignore[RC901] because\nA=1\n", 2, id="in an env file"),
        pytest.param(
            "redis.conf", "# rootcellar: ignore[RC901] because\nsave 1\n", 2, id="in a server's configuration"
        ),
        pytest.param("Dockerfile", "# rootcellar: ignore[RC901] because\nENV A=1\n", 2, id="in a Dockerfile"),
    ],
)
def test_a_comment_ignores_the_finding(path: str, text: str, line: int, tmp_path: Path):
    found = reported(tmp_path, path, text, line)
    assert [one for one in found if not one.startswith("RC002")] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# rootcellar: ignore[RC901] because\ny = 2\nx = 1\n", id="that covers another line"),
        pytest.param("#\n#\nx = 1  # rootcellar: ignore[RC902] because\n", id="of another rule"),
        pytest.param("a = '''\n# rootcellar: ignore[RC901] because\n'''; x = 1\n", id="that is a text"),
    ],
)
def test_a_comment_leaves_the_finding(text: str, tmp_path: Path):
    assert "RC901:3" in reported(tmp_path, "a.py", text, 3)


@pytest.mark.parametrize(
    ("comment", "rules"),
    [
        pytest.param("ignore[RC901] because", [], id="nothing of one with a reason"),
        pytest.param("ignore[RC901]", ["RC001"], id="that it has no reason"),
        pytest.param("ignore[RC901] -", ["RC001"], id="that a dash is no reason"),
        pytest.param("ignore[RC902] because", ["RC002", "RC901"], id="that it ignores nothing"),
        pytest.param("ignore[RC901, RC902] because", ["RC002"], id="that half of it ignores nothing"),
        pytest.param("ignore[RC987] because", ["RC003", "RC901"], id="that it names no rule"),
        pytest.param("ignore because", ["RC003", "RC901"], id="that it has no bracket"),
        pytest.param("ignore[] because", ["RC003", "RC901"], id="that its bracket is empty"),
        pytest.param("disable[RC901] because", ["RC003", "RC901"], id="that there is no such word"),
    ],
)
def test_of_a_comment_it_is_said(comment: str, rules: list[str], tmp_path: Path):
    found = reported(tmp_path, "a.py", f"x = 1  # rootcellar: {comment}\n", 1)
    assert [one.partition(":")[0] for one in found] == rules


def test_the_nearest_rule_is_suggested(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[RC9901] because\n")
    (finding,) = checked(tmp_path, HandMade("RC901")).findings
    assert "Did you mean 'RC901'?" in finding.message


def test_what_is_no_id_is_not_repeated(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[hunter2] because\n")
    (finding,) = checked(tmp_path, HandMade("RC901")).findings
    assert finding.rule == "RC003"
    assert "hunter2" not in finding.message


def test_an_ignored_rule_that_did_not_run_is_not_called_unused(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[RC901] because\n")
    only = Configuration(Selection(("RC0",)))
    assert checked(tmp_path, HandMade("RC901"), configuration=only).findings == ()


@pytest.mark.parametrize("need", ["probe", "history"])
def test_an_ignored_rule_that_could_not_find_anything_is_not_called_unused(need: str, tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[RC901] because\n")
    assert checked(tmp_path, HandMade("RC901", more=f'needs = "{need}"')).findings == ()


def test_a_comment_in_a_file_whose_findings_are_ignored_anyway_is_not_called_unused(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[RC901] because\n")
    rule = HandMade("RC901", of_project=finds(Place("a.py", 1)))
    report = checked(tmp_path, rule, configuration=Configuration(per_file_ignores={"a.py": ("RC901",)}))
    assert report.findings == ()


def test_what_is_ignored_is_counted(tmp_path: Path):
    write(tmp_path, "a.py", "x = 1  # rootcellar: ignore[RC901] because\n")
    assert checked(tmp_path, HandMade("RC901", of_project=finds(Place("a.py", 1)))).ignored == 1


def test_files_without_such_comments_are_not_tokenized(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tokenize.generate_tokens", None)
    assert list(comments_in("a.py", "x = 1  # nothing\n", ["RC901"])) == []
