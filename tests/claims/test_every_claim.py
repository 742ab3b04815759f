"""Every rule whose page says what Celery or a server does has a test that makes it do so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from rootcellar.specialist.rules import all_rules

_HERE = Path(__file__).parent


def _marked(file: Path) -> Iterator[str]:
    """Yield the rule ids that a file's ``@pytest.mark.claims(…)`` name."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "claims":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


PROVEN = {rule_id for file in _HERE.rglob("test_*.py") for rule_id in _marked(file)}


@pytest.mark.parametrize("rule_id", [pytest.param(rule_id, id=rule_id) for rule_id in all_rules()])
def test_what_a_page_claims_has_a_proof(rule_id: str) -> None:
    if all_rules()[rule_id].page.claims:
        assert rule_id in PROVEN, f"{rule_id}: no test is marked with it; write one, or set claims = false in its page"


def test_every_proof_is_of_a_rule() -> None:
    assert sorted(PROVEN - all_rules().keys()) == []
