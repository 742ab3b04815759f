"""Django system checks, by a real `manage.py check` of a project made for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unit.check.hand_made import write

MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = [{installed}]
SILENCED_SYSTEM_CHECKS = [{silenced}]
CELERY_BROKER_URL = "amqp://localhost"
CELERY_RESULT_BACKEND = "redis://:hunter2@localhost:6379/0"
CELERY_RESULT_EXPIRES = 63_072_000
"""
APP = """\
from celery import Celery

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""
ONLY = '[tool.rootcellar.check]\nselect = ["RC101", "RC414"]\n'
INSTALLED = '"rootcellar.contrib.django_checks"'


def managed(
    root: Path, *arguments: str, installed: str = INSTALLED, silenced: str = "", table: str = ONLY
) -> subprocess.CompletedProcess[str]:
    """Make the project and run ``manage.py check`` in it."""
    write(root, "manage.py", MANAGE)
    write(root, "site_settings.py", SETTINGS.format(installed=installed, silenced=silenced))
    write(root, "shop/celery.py", APP)
    write(root, "shop/__init__.py", "")
    write(root, "pyproject.toml", table)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "CELERY"))}
    command = [sys.executable, "-W", "error", "manage.py", "check", *arguments]
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=60)


def test_findings_are_reported_with_id_place_and_mend(tmp_path: Path):
    done = managed(tmp_path)
    assert "site_settings.py:10: (rootcellar.RC414)" in done.stderr
    assert "HINT: " in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_an_error_fails_the_check_and_a_warning_does_not(tmp_path: Path):
    assert managed(tmp_path).returncode == 1  # RC101: the password in the code
    assert managed(tmp_path, silenced='"rootcellar.RC101"').returncode == 0


def test_the_checks_have_a_tag_of_their_own(tmp_path: Path):
    assert "rootcellar" in managed(tmp_path, "--list-tags").stdout.split()
    assert "rootcellar.RC414" in managed(tmp_path, "--tag", "rootcellar").stderr


def test_an_import_in_an_app_config_does_too(tmp_path: Path):
    write(
        tmp_path,
        "shop/apps.py",
        "from django.apps import AppConfig\n\n\nclass Shop(AppConfig):\n    name = 'shop'\n\n"
        "    def ready(self):\n        import rootcellar.contrib.django_checks  # noqa: F401\n",
    )
    assert "rootcellar.RC414" in managed(tmp_path, installed='"shop"').stderr


def test_checks_of_some_apps_leave_the_project_alone(tmp_path: Path):
    write(tmp_path, "shop/models.py", "")
    assert "rootcellar" not in managed(tmp_path, "shop", installed=f'"shop", {INSTALLED}').stderr


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[tool.rootcellar.check]\nselect = ["RC99"]\n', "'RC99' names no rule"),
        ('[tool.rootcellar.check]\nbaseline = "nowhere.json"\n', "There is no baseline"),
    ],
)
def test_a_wrong_configuration_is_a_warning_and_the_site_starts(table: str, said: str, tmp_path: Path):
    done = managed(tmp_path, table=table)
    assert done.returncode == 0
    assert "(rootcellar.failed)" in done.stderr
    assert said in done.stderr
