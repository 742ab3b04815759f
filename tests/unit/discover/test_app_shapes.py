"""Apps that are made, named or configured in a way of their own, and tasks of such apps."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from project_files import lay_out
from reading_apps import one_app, said
from rootcellar.specialist.discover.assemble import profile_of

BACKEND = {"result_backend": "redis://h/0"}
SHAPES: dict[str, Mapping[str, str] | str] = {
    "a factory that also gives the app another Task": (
        "from celery import Celery\ncelery = Celery('x')\n"
        "def create():\n    celery.conf.result_backend = 'redis://h/0'\n"
        "    class Context(celery.Task):\n        pass\n    celery.Task = Context\n"
    ),
    "the class under another name": (
        "import celery\nMaker = celery.Celery\napp = Maker('x')\napp.conf.result_backend = 'redis://h/0'\n"
    ),
    "a class that is known at run time only": (
        "from bank.load import load\nmaker = load()\napp = maker(main='x')\n"
        "app.config_from_object({'result_backend': 'redis://h/0'})\napp.autodiscover_tasks()\n"
    ),
    "a project's settings at large": {
        "conf.py": "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
        "    redis_url: str = 'redis://h/1'\n    database_dsn: str = 'x'\n    result_backend: str = 'redis://h/0'\n",
        "app.py": "from celery import Celery\nfrom conf import Settings\n"
        "app = Celery('x')\napp.conf.update(Settings())\n",
    },
}


@pytest.mark.parametrize("files", SHAPES.values(), ids=SHAPES.keys())
def test_the_app_is_found_and_its_settings_read(files: Mapping[str, str] | str, tmp_path: Path) -> None:
    assert said(one_app(tmp_path, files)) == BACKEND


def test_tasks_are_found_by_a_decorator_under_another_name(tmp_path: Path) -> None:
    files = {
        "bank/__init__.py": "",
        "bank/celery.py": "from celery import Celery\napp = Celery('x')\ntask = app.task\n",
        "bank/jobs.py": "from bank.celery import task\n@task\ndef add():\n    pass\n"
        "@task(name='total')\ndef total():\n    pass\n",
    }
    lay_out(tmp_path, files)
    assert [one.name for one in profile_of(tmp_path).tasks] == ["bank.jobs.add", "total"]
