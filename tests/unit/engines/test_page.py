"""The documentation's page of the engines."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_GENERATOR = Path(__file__).parents[3] / "docs" / "engines_page.py"


@pytest.fixture
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engines_page", _GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_table_says(generator: ModuleType):
    written = _GENERATOR.parent / "reference" / "engines.md"
    assert written.read_text("utf-8") == generator.page(), "write it with: python docs/engines_page.py"
