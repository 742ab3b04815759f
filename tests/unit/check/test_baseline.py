"""The baseline: what it keeps quiet about, and for how long."""

import json
from pathlib import Path

import pytest

from rootcellar.errors import ConfigurationError
from rootcellar.specialist.checking.baseline import Known, read_baseline, write_baseline
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.profile import Place
from unit.check.hand_made import HandMade, checked, finds, write

TEXT = 'a = 1\nresult_backend = "redis://:hunter2@db/0"\nb = 2\n'


def found_at(*lines: int) -> HandMade:
    return HandMade("RC901", of_project=finds(*(Place("a.py", line) for line in lines)))


def known_of(root: Path, *lines: int) -> tuple[Known, ...]:
    return tuple(checked(root, found_at(*lines)).known_now())


def test_what_is_known_is_not_reported(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    report = checked(tmp_path, found_at(2), known=known_of(tmp_path, 2))
    assert (report.findings, report.known, report.stale) == ((), 1, ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("import os\n\n" + TEXT, 4, id="lines before it"),
        pytest.param(TEXT.replace("hunter2", "another"), 2, id="another password"),
        pytest.param(TEXT.replace(" = ", "=").replace("db/0", "db/1"), 2, id="blanks and texts"),
        pytest.param(TEXT.replace('db/0"', 'db/0"  # why'), 2, id="a comment"),
    ],
)
def test_it_stays_known_through_changes_of(text: str, line: int, tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    known = known_of(tmp_path, 2)
    write(tmp_path, "a.py", text)
    assert checked(tmp_path, found_at(line), known=known).findings == ()


def test_another_finding_of_the_same_rule_is_reported(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    report = checked(tmp_path, found_at(2, 3), known=known_of(tmp_path, 2))
    assert [finding.place.line for finding in report.findings] == [3]


def test_a_second_line_that_looks_the_same_is_reported(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    known = known_of(tmp_path, 2)
    write(tmp_path, "a.py", TEXT + TEXT)
    assert len(checked(tmp_path, found_at(2, 5), known=known).findings) == 1


def test_what_is_mended_is_called_stale(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    known = known_of(tmp_path, 2)
    assert checked(tmp_path, found_at(), known=known).stale == known


def test_what_was_not_looked_for_is_not_called_stale(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    known = known_of(tmp_path, 2)
    report = checked(tmp_path, found_at(2), known=known, configuration=Configuration(Selection(("RC0",))))
    assert report.stale == ()


def test_the_file_holds_paths_rules_and_hashes(tmp_path: Path):
    write(tmp_path, "a.py", TEXT)
    known = known_of(tmp_path, 2)
    write_baseline(tmp_path / "known.json", known)
    data = json.loads((tmp_path / "known.json").read_text())
    assert data == {
        "version": 1,
        "findings": [{"path": "a.py", "rule": "RC901", "fingerprint": known[0].fingerprint}],
    }
    assert read_baseline(tmp_path / "known.json") == known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "There is no baseline"),
        ("{", "cannot be read"),
        ("[]", "is no baseline"),
        ('{"version": 2, "findings": []}', "of another version"),
        ('{"version": 1, "findings": [{"path": "a"}]}', "not whole"),
    ],
)
def test_a_wrong_file_is_refused_in_words(text: str | None, said: str, tmp_path: Path):
    file = tmp_path / "known.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_baseline(file)
