"""Precision and recall of ``check`` on the labelled corpus."""

from functools import cache

from corpus.measure import TABLE, Score, score_of, table_of
from corpus.reading import cases


@cache
def score() -> Score:
    """Run every rule over every project, once."""
    return score_of(cases())


def test_at_least_95_in_100_findings_are_labelled() -> None:
    assert score().precision >= 0.95, sorted(score().wrong)


def test_at_least_95_in_100_labels_are_found() -> None:
    assert score().recall >= 0.95, sorted(score().missed)


def test_the_table_is_what_is_measured() -> None:
    assert TABLE.read_text() == table_of(score(), len(cases()))
