"""``[tool.rootcellar.check]`` and what the command line adds."""

import os
from pathlib import Path

import pytest

from rootcellar.errors import ConfigurationError
from rootcellar.specialist.checking.configuration import Configuration, configuration_of, with_options
from rootcellar.specialist.checking.paths import fits
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.rules.finding import Severity
from unit.check.hand_made import HandMade, write

IDS = ("RC101", "RC204", "RC205")


def read(root: Path, table: str) -> Configuration:
    write(root, "pyproject.toml", f"[tool.rootcellar.check]\n{table}\n")
    return configuration_of(root, IDS)


def test_a_project_without_a_table_has_the_defaults(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    assert configuration_of(tmp_path, IDS) == Configuration()
    write(tmp_path, "pyproject.toml", "[tool.other]\n")
    assert configuration_of(tmp_path, IDS) == Configuration()


def test_all_keys_are_read(tmp_path: Path):
    read_ = read(
        tmp_path,
        'select = ["security"]\nextend-select = ["RC204"]\nignore = ["RC101"]\nexclude = ["vendor/"]\n'
        'fail-on = "error"\nbaseline = "known.json"\nper-file-ignores = { "deploy/**" = ["RC1"] }',
    )
    assert read_ == Configuration(
        selection=Selection(("security", "RC204"), ("RC101",)),
        per_file_ignores={"deploy/**": ("RC1",)},
        exclude=("vendor/",),
        fail_on=Severity.ERROR,
        baseline=tmp_path / "known.json",
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('selct = ["RC204"]', r"has no 'selct'. Did you mean 'select'\?"),
        ('select = "RC204"', "select must be a list of texts"),
        ('select = ["RC999"]', "select: 'RC999' names no rule"),
        ('ignore = ["secrity"]', r"Did you mean 'security'\?"),
        ('fail-on = "wraning"', r"fail-on must be one of info, warning, error or never. Did you mean 'warning'\?"),
        ("fail-on = 2", "fail-on must be one of"),
        ("baseline = true", "baseline must be a text that is not empty, and is a bool"),
        ('per-file-ignores = ["RC204"]', "per-file-ignores must be a table"),
        ('per-file-ignores = { "a" = ["RC999"] }', "per-file-ignores: 'RC999' names no rule"),
        ("select = [", r"pyproject.toml is no TOML \(at "),
    ],
)
def test_a_wrong_table_is_refused_in_words(table: str, said: str, tmp_path: Path):
    with pytest.raises(ConfigurationError, match=said):
        read(tmp_path, table)


def test_a_broken_file_that_says_nothing_of_us_does_not_keep_a_project_from_being_checked(tmp_path: Path):
    write(tmp_path, "pyproject.toml", "[project\n")
    assert configuration_of(tmp_path, IDS) == Configuration()


def test_the_table_of_the_repository_holds_for_a_folder_of_it(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    read(tmp_path, 'per-file-ignores = { "services/api/*.py" = ["RC204"] }')
    (tmp_path / "services/api").mkdir(parents=True)
    assert configuration_of(tmp_path / "services/api", IDS).prefix == "services/api/"


def test_the_table_of_another_repository_does_not_hold(tmp_path: Path):
    read(tmp_path, 'select = ["RC204"]')
    (tmp_path / "inner/.git").mkdir(parents=True)
    assert configuration_of(tmp_path / "inner", IDS) == Configuration()


@pytest.mark.parametrize(
    ("select", "ignore", "taken"),
    [
        pytest.param(("ALL",), (), True, id="all of them takes it"),
        pytest.param(("RC1",), (), False, id="others leave it"),
        pytest.param(("correctness",), ("RC2",), False, id="a beginning beats a group"),
        pytest.param(("RC204",), ("RC2",), True, id="an id beats a beginning"),
        pytest.param(("RC2",), ("RC204",), False, id="an id left out beats a beginning"),
        pytest.param(("RC204",), ("RC204",), False, id="of equals the one that leaves out wins"),
        pytest.param(("ALL",), ("correctness",), False, id="a group left out beats all"),
    ],
)
def test_the_more_precise_selector_wins(select: tuple[str, ...], ignore: tuple[str, ...], taken: bool):
    assert Selection(select, ignore).takes(HandMade("RC204")) is taken


def test_select_on_the_command_line_replaces_and_ignore_adds():
    configured = Configuration(selection=Selection(("RC1",), ("RC101",)))
    assert with_options(configured, ["RC204,RC205"], [], IDS) == Selection(("RC204", "RC205"), ())
    assert with_options(configured, [], ["RC2"], IDS) == Selection(("RC1",), ("RC101", "RC2"))
    with pytest.raises(ConfigurationError, match=r"--select: 'RC24' names no rule. Did you mean 'RC204'\?"):
        with_options(configured, ["RC24"], [], IDS)


@pytest.mark.parametrize("pattern", ["a/b.py", "*.py", "b.py", "a", "a/", "a/*", "**/b.py", "./a/b.py", "?/b.py"])
def test_a_path_fits_the_pattern(pattern: str):
    assert fits("a/b.py", pattern)


@pytest.mark.parametrize("pattern", ["a/c.py", "*.yml", "b", "a/b", "*/c/*", "/a/b.py", "c/**"])
def test_a_path_does_not_fit_the_pattern(pattern: str):
    assert not fits("a/b.py", pattern)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pyproject.toml")
    assert configuration_of(tmp_path, IDS) == Configuration()
