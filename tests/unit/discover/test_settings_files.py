"""Settings that a Django settings module does not write itself: included by file name, or put there by some call."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.configuration.apps import find_apps
from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import App

CELERY = """
    import os
    from celery import Celery
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bank.settings")
    app = Celery("bank")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    """


def app_in(folder: Path, settings: str, **more: str) -> App:
    files = {"bank/__init__.py": "", "bank/celery.py": CELERY, "bank/settings.py": settings}
    files |= {f"bank/{name.replace('__', '/')}.py": text for name, text in more.items()}
    modules = Modules(lay_out(folder, files))
    found, _ = find_apps(modules, Evaluator(modules, Environment([], [])))
    assert len(found) == 1
    return found[0]


INCLUDES = {
    "a file": "include('parts/tasks.py')",
    "a pattern": "include('parts/*.py', scope=globals())",
    "one that may be missing": "include(optional('parts/tasks.py'), optional('parts/mine.py'))",
}


@pytest.mark.parametrize("statement", INCLUDES.values(), ids=INCLUDES.keys())
def test_what_split_settings_includes_is_read(statement: str, tmp_path: Path) -> None:
    settings = f"from split_settings.tools import include, optional\n{statement}\n"
    app = app_in(tmp_path, settings, parts__tasks="CELERY_RESULT_BACKEND = 'redis://h/0'\n")
    assert app.known("result_backend") == "redis://h/0"


FILLED = {
    "a class that writes itself into the module": "from bank.base import Base\nBase.load(__name__)\n",
    "a call that is given globals()": "from bank.base import load\nloaded = load(target=globals())\n",
    "globals() updated": "import json\nglobals().update(json.load(open('x')))\n",
    "globals() item by item": "from bank.base import all_\nfor key, one in all_.items():\n    globals()[key] = one\n",
}


@pytest.mark.parametrize("settings", FILLED.values(), ids=FILLED.keys())
def test_settings_put_there_by_a_call_are_unknown_and_not_unset(settings: str, tmp_path: Path) -> None:
    app = app_in(tmp_path, settings)
    assert app.is_unknown("result_backend")
    assert "bank/settings.py" in app.unknown[0]


def test_so_are_those_of_a_module_that_is_taken_over(tmp_path: Path) -> None:
    app = app_in(tmp_path, "from bank.base import *\n", base="from bank.load import load\nload(__name__)\n")
    assert app.is_unknown("result_backend")


@pytest.mark.parametrize(
    "statement",
    ["import logging\nlogging.getLogger(__name__).info('x')", "import logging\nlog = logging.getLogger(__name__)",
     "import django_heroku\ndjango_heroku.settings(locals())"],
)  # fmt: skip
def test_a_call_that_puts_no_setting_there_makes_nothing_unknown(statement: str, tmp_path: Path) -> None:
    assert not app_in(tmp_path, f"{statement}\nDEBUG = True\n").unknown
