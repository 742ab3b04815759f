"""Every rule's page: its bad example is found, line by line, and its good one is left alone."""

import subprocess
from importlib import resources
from pathlib import Path

import pytest

from rootcellar.specialist.check import check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.mending.mended import mended
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.page import Example, page, parse
from rootcellar.specialist.rules.project import Probe, Project
from rootcellar.specialist.rules.rule import Rule

RULES = all_rules()
PAGES = sorted(
    file.name.removesuffix(".md")
    for file in (resources.files("rootcellar.specialist.rules") / "pages").iterdir()
    if file.name.endswith(".md")
)
IDS = [pytest.param(rule_id, id=rule_id) for rule_id in RULES if rule_id in PAGES]


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


def lay_out(example: Example, root: Path) -> None:
    for path, text in example.files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def make_repository(example: Example, root: Path) -> None:
    git(root, "init", "--quiet")
    for path in example.tracked or ():
        git(root, "add", "--force", "--", path)
    git(root, "commit", "--quiet", "--allow-empty", "-m", "state")


def found_in(rule: Rule, example: Example, root: Path) -> list[tuple[str, int]]:
    """Lay out an example, run the rule over it, and return where it found something."""
    lay_out(example, root)
    if example.tracked is not None:
        make_repository(example, root)
    return [(one.place.path, one.place.line) for one in findings_of(rule, example, root)]


def findings_of(rule: Rule, example: Example, root: Path) -> list[Finding]:
    profile = profile_of(root)
    assert profile.unread == ()
    probes = tuple(Probe(**probe) for probe in example.probes) or None
    commits = None
    if rule.page.needs == "history":
        from rootcellar.specialist.history import credentials_in_history

        commits = tuple(credentials_in_history(root))
    project = Project(profile, probes=probes, history=commits)
    # Rules about comments speak of what the other rules found.
    selected = ("ALL",) if rule.of_comment else (rule.id,)
    report = check(project, RULES, Configuration(Selection(selected)))
    assert [failure for failure in report.failures if failure.rule == rule.id] == []
    return [one for one in report.findings if one.rule == rule.id]


@pytest.mark.parametrize("rule_id", IDS)
def test_a_rules_bad_example_is_found_in_exactly_the_marked_lines(rule_id: str, tmp_path: Path):
    rule = RULES[rule_id]
    assert rule.page.bad.marked
    assert sorted(set(found_in(rule, rule.page.bad, tmp_path))) == sorted(rule.page.bad.marked)


@pytest.mark.parametrize("rule_id", IDS)
def test_a_rules_good_example_is_left_alone(rule_id: str, tmp_path: Path):
    rule = RULES[rule_id]
    assert rule.page.good.marked == ()
    assert found_in(rule, rule.page.good, tmp_path) == []


@pytest.mark.parametrize("rule_id", IDS)
def test_a_rule_that_says_so_mends_its_bad_example_for_good(rule_id: str, tmp_path: Path):
    rule = RULES[rule_id]
    example = rule.page.bad
    found_in(rule, example, tmp_path)
    findings = findings_of(rule, example, tmp_path)
    assert any(one.edit for one in findings) is rule.page.mends_itself
    done = mended(profile_of(tmp_path), findings)
    assert done.refused == ()
    done.write()
    left = findings_of(rule, example, tmp_path)
    assert [one for one in left if one.edit] == []
    assert len(left) == len([one for one in findings if one.edit is None])


@pytest.mark.parametrize("rule_id", [pytest.param(rule_id, id=rule_id) for rule_id in PAGES])
def test_a_rules_page_is_well_formed(rule_id: str):
    one = page(rule_id)
    assert one.name == one.name.lower().strip()
    assert not one.title.endswith(".")
    assert all((one.title, one.why, one.mend, one.sources, one.bad.files, one.good.files))
    assert one.needs in ("", "probe", "history")


def test_every_page_has_a_rule_and_every_rule_a_page():
    assert sorted(RULES) == PAGES


def test_no_two_rules_have_the_same_name():
    names = [page(rule_id).name for rule_id in PAGES]
    assert len(set(names)) == len(names)


def test_a_page_without_a_section_is_refused_by_name():
    with pytest.raises(ValueError, match="RC999: the page lacks Good, Mend"):
        parse("RC999", "+++\nname='x'\ngroup='security'\nseverity='info'\nsources=[]\n+++\n# T\n\nWhy\n\n## Bad\n\nx\n")
