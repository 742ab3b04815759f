"""Uses of results through several files, odd ones among them; and the names that are known."""

import pkgutil
from pathlib import Path

import celery
import pytest

from result_uses import SHOP, uses_in
from rootcellar.specialist.discover.results.flow import celery_names


def test_results_come_from_other_files_even_through_ones_that_mention_nothing_of_celery(tmp_path: Path) -> None:
    files = {
        **SHOP,
        "shop/api.py": "from shop.tasks import add\n\ndef start():\n    return add.delay(1, 2)\n",
        "shop/facade.py": "from shop.api import start as begin\nfrom shop.api import start\n",
        "shop/page.py": "from shop.facade import begin\nfrom shop.api import start\n\nbegin()\nstart().get()\n",
        "shop/package/__init__.py": "from ..tasks import add as plus\n",
        "shop/relative.py": "from .package import plus\n\nplus.delay().get()\n",
        "shop/starred.py": "from shop.tasks import *\n\nadd.delay().get()\n",
    }
    found = {(use.place.path, use.place.line) for use in uses_in(tmp_path, files) if use.kind == "get"}
    assert found == {("shop/page.py", 5), ("shop/relative.py", 3), ("shop/starred.py", 3)}


def test_modules_that_import_one_another_know_each_others_tasks(tmp_path: Path) -> None:
    files = {
        "a.py": "from celery import shared_task\nimport b\n@shared_task\ndef one():\n    b.two.delay().get()\n",
        "b.py": "from celery import shared_task\nimport a\n@shared_task\ndef two():\n    a.one.delay().get()\n",
    }
    gets = [use for use in uses_in(tmp_path, files) if use.kind == "get"]
    assert [(use.place.path, use.tasks, use.inside_task) for use in gets] == [
        ("a.py", ("b.two",), "a.one"),
        ("b.py", ("a.one",), "b.two"),
    ]


def test_parts_of_a_project_whose_modules_have_the_same_names_are_kept_apart(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {}
    for part, name in (("one", "first"), ("two", "second")):
        files[f"services/{part}/app/__init__.py"] = ""
        files[f"services/{part}/app/worker.py"] = "from celery import Celery\ncelery = Celery()\n"
        files[f"services/{part}/app/tasks.py"] = (
            f"from app.worker import celery\n@celery.task(name='{name}')\ndef send(): ...\n"
        )
        files[f"services/{part}/app/web.py"] = "from app.tasks import send\nsend.delay().get()\n"
    gets = [use for use in uses_in(tmp_path, files) if use.kind == "get"]
    assert [(use.place.path, use.tasks) for use in gets] == [
        ("services/one/app/web.py", ("first",)),
        ("services/two/app/web.py", ("second",)),
    ]


def test_a_project_that_is_a_package_itself_has_a_celery_of_its_own(tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "celery.py": "from celery import Celery\napp = Celery()\n",
        "tasks.py": "from .celery import app\n@app.task\ndef send(): ...\n",
        "web.py": "from .tasks import send\nfrom .celery import app\nsend.delay().get()\napp.AsyncResult('1')\n",
    }
    assert [(use.kind, use.place.line) for use in uses_in(tmp_path, files)] == [
        ("send", 3),
        ("get", 3),
        ("lookup", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"from celery import Celery\napp = Celery(\n",
        b"from celery import Celery\n\x00\n",
        b"# celery\nx = " + b"(" * 300 + b"1" + b")" * 300,
        b"# celery\nx = " + b"+".join([b"1"] * 5000),
        b"# celery .get(\ndef f():\n    x.get() " + b"| x" * 3000,
        b"# celery\nprint 'Python 2'",
        "# celery\nname = 'ä'".encode("latin-1"),
    ],
)
def test_odd_files_hide_nothing_of_the_others(tmp_path: Path, text: bytes) -> None:
    files = {**SHOP, "aaa.py": text, "shop/code.py": "from shop.tasks import add\nadd.delay().get()"}
    assert [use.kind for use in uses_in(tmp_path, files)] == ["send", "get"]


@pytest.mark.parametrize(
    "name",
    sorted(
        celery_names.OURS.keys()
        | celery_names.GROUP_RESULT_CLASSES
        | celery_names.RESTORERS
        | celery_names.GROUPS
        | celery_names.CHAINS
        | celery_names.CHORDS
        | celery_names.CHUNKS
        | celery_names.ALLOW_JOINS
        | {"celery.result.AsyncResult", "celery.contrib.abortable.AbortableAsyncResult"}
    ),
)
def test_the_names_that_are_known_are_there(name: str) -> None:
    assert callable(pkgutil.resolve_name(name))


def test_what_a_star_brings_is_among_celerys_names() -> None:
    assert set(celery.__all__) >= celery_names.PUBLIC
