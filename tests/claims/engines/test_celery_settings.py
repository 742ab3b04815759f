"""The settings in ``engines/data`` are those of the installed Celery, if it is one of the releases there."""

import importlib.util
from pathlib import Path
from types import ModuleType

import celery
import pytest
from celery.app import defaults

from rootcellar.specialist.engines import RELEASES, celery_settings

_TOOL = Path(__file__).parents[3] / "tools" / "read_celery_settings.py"

is_known = pytest.mark.skipif(
    celery.__version__ not in RELEASES, reason=f"NOT TESTED: no settings of Celery {celery.__version__} on record"
)


@is_known
def test_the_declared_settings_are_celerys():
    recorded = {name for name, setting in celery_settings(celery.__version__).items() if not setting.is_undeclared}
    assert recorded == defaults.SETTING_KEYS


@is_known
def test_the_old_names_are_celerys():
    recorded = {old: one.name for one in celery_settings(celery.__version__).values() for old in one.old}
    assert recorded == defaults._TO_NEW_KEY


@is_known
def test_the_defaults_are_celerys():
    recorded = {name: one.default for name, one in celery_settings(celery.__version__).items() if not one.is_undeclared}
    assert recorded == defaults.DEFAULTS


@is_known
def test_reading_the_installed_celery_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tool = _tool()
    for path in tool.DATA.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("sys.argv", ["read", str(tmp_path)])
    tool.main()
    changed = [path.name for path in tool.DATA.iterdir() if (tmp_path / path.name).read_bytes() != path.read_bytes()]
    assert changed == []


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("read_celery_settings", _TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
