"""Mending files: encodings, modes, links, what changed meanwhile; and files that are no Python."""

import os
import stat
import sys
from pathlib import Path

import pytest

from rootcellar.errors import MissingPackage, RootcellarError
from rootcellar.specialist.mending.diff import shown_diff
from rootcellar.specialist.mending.mended import Mended, mended
from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.mending.plain_file import edit_plain
from rootcellar.specialist.mending.write import write_atomically
from rootcellar.specialist.profile import Place
from rootcellar.specialist.rules.finding import Edit, Finding
from unit.check.hand_made import profile

TEXT = 'import os\nresult_backend = "redis://:hunter2@db/0"  # hunter2\nresult_exchange = "odd"\n'


def removed(line: int, setting: str = "result_exchange", path: str = "a.py") -> Edit:
    return Edit("remove", Place(path, line), setting)


def prepared(root: Path, *edits: Edit) -> Mended:
    return mended(profile(root), [Finding("RC901", "", edit.place, edit=edit) for edit in edits])


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path):
    (tmp_path / "a.py").write_text(TEXT)
    done = prepared(tmp_path, removed(3))
    assert (tmp_path / "a.py").read_text() == TEXT
    done.write()
    assert (tmp_path / "a.py").read_text() == TEXT.replace('result_exchange = "odd"\n', "")


def test_several_edits_of_a_file_are_made_whatever_their_order(tmp_path: Path):
    (tmp_path / "a.py").write_text("a = 1\nresult_exchange = 2\nb = 3\nresult_exchange_type = 4\n")
    prepared(tmp_path, removed(2), removed(4, "result_exchange_type")).write()
    assert (tmp_path / "a.py").read_text() == "a = 1\nb = 3\n"


def test_the_same_edit_of_two_findings_is_made_once(tmp_path: Path):
    (tmp_path / "a.py").write_text(TEXT)
    assert prepared(tmp_path, removed(3), removed(3)).refused == ()


def test_what_cannot_be_made_is_told_and_the_rest_is_made(tmp_path: Path):
    (tmp_path / "a.py").write_text(TEXT)
    done = prepared(tmp_path, removed(3), removed(1))
    assert [(one.place.line, one.why) for one in done.refused] == [(1, "result_exchange is not set there")]
    assert len(done.changes) == 1


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("# é\nresult_exchange = 1\n", "utf-8", id="UTF-8"),
        pytest.param("# é\nresult_exchange = 1\n", "utf-8-sig", id="UTF-8 with a mark"),
        pytest.param("# coding: latin-1\nresult_exchange = 1\na = 'é'\n", "latin-1", id="Latin-1 that says so"),
        pytest.param("# é\r\nresult_exchange = 1\r\n", "utf-8", id="Windows line ends"),
    ],
)
def test_a_file_keeps_its_encoding_and_its_line_ends(text: str, encoding: str, tmp_path: Path):
    (tmp_path / "a.py").write_bytes(text.encode(encoding))
    prepared(tmp_path, removed(2)).write()
    after = "".join(line for line in text.splitlines(keepends=True) if "result" not in line)
    assert (tmp_path / "a.py").read_bytes() == after.encode(encoding)


def test_a_file_of_no_certain_encoding_is_left_alone(tmp_path: Path):
    (tmp_path / "a.py").write_bytes(b"# \xe9\nresult_exchange = 1\n")
    done = prepared(tmp_path, removed(2))
    assert done.changes == ()
    assert [one.why for one in done.refused] == ["the file's encoding is not certain"]


def test_a_file_that_changed_meanwhile_is_not_written_and_neither_are_the_others(tmp_path: Path):
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "b.py").write_text(TEXT)
    done = prepared(tmp_path, removed(3), removed(3, path="b.py"))
    (tmp_path / "b.py").write_text(TEXT + "more = 1\n")
    with pytest.raises(RootcellarError, match=r"b\.py has changed since it was read"):
        done.write()
    assert (tmp_path / "a.py").read_text() == TEXT
    assert (tmp_path / "b.py").read_text() == TEXT + "more = 1\n"


def test_a_file_keeps_its_mode(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_text(TEXT)
    file.chmod(0o751)
    prepared(tmp_path, removed(3)).write()
    assert stat.S_IMODE(file.stat().st_mode) == 0o751


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/real.py").write_text(TEXT)
    (tmp_path / "a.py").symlink_to("inner/real.py")
    prepared(tmp_path, removed(3)).write()
    assert (tmp_path / "a.py").is_symlink()
    assert "result_exchange" not in (tmp_path / "inner/real.py").read_text()


def test_where_writing_fails_the_old_file_stays_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.py"
    file.write_text(TEXT)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.py"]
    assert file.read_text() == TEXT


def test_a_line_is_appended_to_a_file_that_does_not_exist(tmp_path: Path):
    edit = Edit("append_line", Place(".gitignore"), value=".env")
    prepared(tmp_path, edit).write()
    assert (tmp_path / ".gitignore").read_text() == ".env\n"
    assert prepared(tmp_path, edit).changes == ()


@pytest.mark.parametrize("path", ["../a.py", "/etc/hosts"])
def test_a_file_outside_the_project_is_left_alone(path: str, tmp_path: Path):
    done = prepared(tmp_path, Edit("append_line", Place(path), value="x"))
    assert [one.why for one in done.refused] == ["the file is outside the project"]


def test_without_libcst_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.py").write_text(TEXT)
    monkeypatch.setitem(sys.modules, "libcst", None)
    for name in [name for name in sys.modules if name.startswith("rootcellar.specialist.mending.")]:
        if name.endswith(("python_file", "spot")):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingPackage, match=r"pip install 'rootcellar\[check\]'"):
        prepared(tmp_path, removed(3))


def test_the_diff_shows_what_changes_without_texts_and_comments(tmp_path: Path):
    (tmp_path / "a.py").write_text(TEXT)
    assert shown_diff(prepared(tmp_path, removed(3)).changes, str) == "\n".join(
        [
            "--- a.py",
            "+++ a.py",
            "@@ -1 +1 @@",
            " import os",
            ' result_backend = "redis://…@db/0"',
            '-result_exchange = "…"',
        ]
    )


@pytest.mark.parametrize(
    ("path", "text", "edit", "after"),
    [
        pytest.param("x", "a", ("append_line", "", ".env"), "a\n.env\n", id="a line behind one without an end"),
        pytest.param("x", "a\r\n", ("append_line", "", "b"), "a\r\nb\r\n", id="a line of Windows"),
        pytest.param("x", " b \n", ("append_line", "", "b"), " b \n", id="no line that is there"),
        pytest.param("c.yml", '- "1:1"\n', ("replace", "1:1", "h:1:1"), '- "h:1:1"\n', id="a port"),
        pytest.param("c.yml", '- "h:1:1"\n', ("replace", "1:1", "h:1:1"), '- "h:1:1"\n', id="no port that is bound"),
        pytest.param(".env", "A=1\n", ("remove", "a", ""), "", id="a variable that goes"),
        pytest.param(".env", "export OLD=1 # x\n", ("rename", "old", "new"), "export NEW=1 # x\n", id="a renamed one"),
        pytest.param(".env.a", "TTL = 0\n", ("set", "ttl", "60"), "TTL = 60\n", id="a variable that is set"),
        pytest.param(".env", "A=0", ("set", "a", "True"), "A=true", id="one set to a truth"),
    ],
)  # fmt: skip
def test_of_a_plain_file_is_edited(path: str, text: str, edit: tuple[str, str, str], after: str):
    action, setting, value = edit
    assert edit_plain(text, Edit(action, Place(path, 1), setting, value), Naming()) == after


@pytest.mark.parametrize(
    ("path", "text", "edit", "said"),
    [
        pytest.param("c.yml", "a: 1\n", ("set", "a", "2"), "not set there in a way", id="a setting in YAML"),
        pytest.param(".env", "B=1\n", ("remove", "a", ""), "not set there", id="another variable"),
        pytest.param(".env", 'A="1\n', ("remove", "a", ""), "next line", id="a value of several lines"),
        pytest.param(".env", "A=1\n", ("set", "a", "f()"), "no literal", id="a value that is a call"),
        pytest.param(".env", "A=1\n", ("set", "a", "'x y'"), "cannot be written", id="a value with a blank"),
        pytest.param("c.yml", "1:1 1:1\n", ("replace", "1:1", "2"), "not stand there once", id="a text that is twice"),
        pytest.param("c.yml", "x\n", ("replace", "1:1", "2"), "not stand there once", id="a text that is not there"),
    ],
)
def test_of_a_plain_file_it_is_refused_to_touch(path: str, text: str, edit: tuple[str, str, str], said: str):
    action, setting, value = edit
    with pytest.raises(NotMended, match=said):
        edit_plain(text, Edit(action, Place(path, 1), setting, value), Naming())


def test_a_line_that_is_not_there_is_refused():
    with pytest.raises(NotMended, match="no such line"):
        edit_plain("a\n", Edit("replace", Place("x", 9), "a", "b"), Naming())
