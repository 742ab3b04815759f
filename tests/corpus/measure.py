"""Measures ``check`` on the corpus: which labels it finds, and what it finds besides them, rule by rule.

``python -m corpus.measure`` (with ``tests`` on the path) writes the table ``tests/corpus/TABLE.md``.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from corpus.reading import CORPUS, Case, cases, lay_out
from rootcellar.specialist.check import check
from rootcellar.specialist.inspection import inspection_of
from rootcellar.specialist.rules import all_rules

TABLE = CORPUS / "TABLE.md"

#: rule, path, line
Spot = tuple[str, str, int]


@dataclass
class Score:
    """What was labelled and found (``right``), found only (``wrong``), and labelled only (``missed``)."""

    right: set[tuple[str, Spot]] = field(default_factory=set)
    wrong: set[tuple[str, Spot]] = field(default_factory=set)
    missed: set[tuple[str, Spot]] = field(default_factory=set)

    @property
    def precision(self) -> float:
        """The share of findings that are labelled."""
        return len(self.right) / (len(self.right) + len(self.wrong))

    @property
    def recall(self) -> float:
        """The share of labels that are found."""
        return len(self.right) / (len(self.right) + len(self.missed))

    def add(self, slug: str, labelled: set[Spot], found: set[Spot]) -> None:
        """Count one project."""
        self.right |= {(slug, spot) for spot in labelled & found}
        self.wrong |= {(slug, spot) for spot in found - labelled}
        self.missed |= {(slug, spot) for spot in labelled - found}


def found_in(case: Case, directory: Path) -> set[Spot]:
    """Run every rule over a case, laid out in ``directory``."""
    report = check(inspection_of(lay_out(case, directory)).project, all_rules())
    assert not report.failures, report.failures
    return {(one.rule, one.place.path, one.place.line) for one in report.findings}


def labelled_in(case: Case) -> set[Spot]:
    """Return a case's labels."""
    return {(one.rule, one.path, one.line) for one in case.findings}


def score_of(measured: Iterable[Case]) -> Score:
    """Run every rule over every case."""
    score = Score()
    for case in measured:
        with tempfile.TemporaryDirectory() as directory:
            score.add(case.slug, labelled_in(case), found_in(case, Path(directory)))
    return score


def table_of(score: Score, number: int) -> str:
    """Return the table, as Markdown."""
    right, wrong, missed = (Counter(spot[0] for _, spot in part) for part in (score.right, score.wrong, score.missed))
    rules = all_rules()
    rows = [
        f"| {rule} | {rules[rule].page.name} | {right[rule]} | {wrong[rule]} | {missed[rule]} |"
        for rule in sorted(right | wrong | missed)
    ]
    return "\n".join(
        [
            "# What check finds in the labelled corpus",
            "",
            f"{number} projects, {len(score.right) + len(score.missed)} labels: precision {score.precision:.3f}, "
            f"recall {score.recall:.3f}. Written by `python -m corpus.measure`; README.md tells of the labels.",
            "",
            "| rule | name | found and labelled | found only | labelled only |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    every = cases()
    TABLE.write_text(table_of(score_of(every), len(every)))
