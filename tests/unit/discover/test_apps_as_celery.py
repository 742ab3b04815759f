"""What is read of an app is what the installed Celery makes of the same code."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import celery
import pytest

from reading_apps import CELERY, one_app

MADE = CELERY + 'app = Celery("x", set_as_current=False, backend="rpc://keyword", result_expires=1)\n'
CODE = {
    "keywords": MADE,
    "a module, under keywords": MADE + 'app.config_from_object("conf_new")',
    "a namespace, and keywords": MADE + 'app.config_from_object("conf_prefixed", namespace="CELERY")',
    "a namespace, and changes": (
        MADE + "app.conf.update(CELERY_RESULT_EXPIRES=7, result_extended=True)\n"
        'app.config_from_object("conf_prefixed", namespace="CELERY")'
    ),
    "a namespace, and old names": (
        CELERY + 'app = Celery("x", set_as_current=False)\napp.config_from_object("conf_old", namespace="CELERY")'
    ),
    "old names": CELERY + 'app = Celery("x", set_as_current=False)\napp.config_from_object("conf_old")',
    "changes before the module": (
        CELERY + 'app = Celery("x", set_as_current=False)\napp.conf.result_expires = 4\n'
        'app.conf["result_serializer"] = "yaml"\napp.config_from_object("conf_new")'
    ),
    "two objects": (
        CELERY + 'app = Celery("x", set_as_current=False)\napp.config_from_object("conf_old")\n'
        'app.config_from_object({"result_serializer": "yaml"})'
    ),
    "defaults": (
        CELERY + 'app = Celery("x", set_as_current=False)\napp.config_from_object("conf_new")\n'
        'app.add_defaults({"result_expires": 8, "result_extended": True})\napp.conf.result_extended = False'
    ),
    "a class": (
        CELERY + "class B:\n    result_expires = 2\n    result_extended = True\nclass C(B):\n    result_expires = 3\n"
        'app = Celery("x", set_as_current=False, config_source=C)'
    ),
    "None as a keyword": CELERY + 'app = Celery("x", None, None, set_as_current=False, config_source="conf_new")',
}
CONFIGURATIONS = {
    "conf_new.py": 'result_backend = "cache+memory://"\nresult_expires = 5\nresult_expires = 6\n',
    "conf_prefixed.py": (
        'CELERY_RESULT_BACKEND = "cache+memory://"\nCELERY_RESULT_EXPIRES = 5\nresult_serializer = "yaml"\n'
    ),
    "conf_old.py": 'CELERY_RESULT_BACKEND = "cache+memory://"\nCELERY_TASK_RESULT_EXPIRES = 6\n',
}
NAMES = ("result_backend", "result_expires", "result_serializer", "result_extended")
SCRIPT = """
import importlib, json, sys
names = json.loads(sys.argv[1])
found = {}
for name in sys.argv[2:]:
    conf = importlib.import_module(name).app.conf
    found[name] = {key: conf[key] if key != "result_backend" else conf.result_backend for key in names}
print(json.dumps(found, default=repr))
"""


@pytest.fixture(scope="module")
def in_celery(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return name of the code → setting → value, as Celery has it."""
    folder = tmp_path_factory.mktemp("projects")
    for path, text in CONFIGURATIONS.items():
        (folder / path).write_text(text)
    modules = {f"app{n}": name for n, name in enumerate(CODE)}
    for module, name in modules.items():
        (folder / f"{module}.py").write_text(CODE[name])
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, json.dumps(NAMES), *modules]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={"PYTHONPATH": "."})
    return {modules[module]: settings for module, settings in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", CODE)
def test_the_settings_that_count_are_those_of_celery(
    tmp_path: Path, name: str, in_celery: Mapping[str, Mapping[str, Any]]
) -> None:
    app = one_app(tmp_path, {"app.py": CODE[name], **CONFIGURATIONS}, version=celery.__version__)
    read = {key: app.known(key) for key in NAMES if app.get(key) is not None}
    assert read == {key: in_celery[name][key] for key in read}
    defaults = {"result_backend": None, "result_serializer": "json", "result_extended": False}
    unread = {key: in_celery[name][key] for key in defaults if key not in read}
    assert unread == {key: defaults[key] for key in unread}
