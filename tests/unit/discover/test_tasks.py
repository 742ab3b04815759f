"""Tasks: found in all the ways in which they are made, under the names that Celery gives them."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.profile import App, Place, Task

APP = {"shop/__init__.py": "", "shop/celery.py": 'from celery import Celery\napp = Celery("shop")\n'}
SHOP_APP = App("shop.celery:app", Place("shop/celery.py", 2))


def tasks_in(folder: Path, files: dict[str, str | bytes], apps: tuple[App, ...] = (SHOP_APP,)) -> list[Task]:
    modules = Modules(lay_out(folder, files))
    return Scan(modules, Evaluator(modules), apps).tasks


def one_task(folder: Path, snippet: str, path: str = "shop/tasks.py") -> Task:
    found = tasks_in(folder, {**APP, path: snippet})
    assert len(found) == 1, found
    return found[0]


MADE = {
    "the app's decorator": ("from shop.celery import app\n@app.task\ndef send(): ...", "shop.tasks.send", True),
    "the app's decorator, called": (
        "from .celery import app\n@app.task(bind=True)\ndef send(self): ...",
        "shop.tasks.send",
        True,
    ),
    "the app's decorator by its module": (
        "import shop.celery\n@shop.celery.app.task\ndef send(): ...",
        "shop.tasks.send",
        True,
    ),
    "the app under another name": (
        "from shop.celery import app as worker\n@worker.task()\ndef send(): ...",
        "shop.tasks.send",
        True,
    ),
    "a name of its own": (
        "from shop.celery import app\n@app.task(name='orders.send')\ndef send(): ...",
        "orders.send",
        True,
    ),
    "a name that is a constant": (
        "from shop.celery import app\nNAME = 'orders.send'\n@app.task(name=NAME)\ndef send(): ...",
        "orders.send",
        True,
    ),
    "a shared task": ("from celery import shared_task\n@shared_task\ndef send(): ...", "shop.tasks.send", False),
    "a shared task, called": ("import celery\n@celery.shared_task()\ndef send(): ...", "shop.tasks.send", False),
    "a coroutine": ("from shop.celery import app\n@app.task\nasync def send(): ...", "shop.tasks.send", True),
    "several decorators": (
        "from shop.celery import app\nfrom x import traced\n@traced\n@app.task\n@traced\ndef send(): ...",
        "shop.tasks.send",
        True,
    ),
    "the old decorator": ("from celery.task import task\n@task\ndef send(): ...", "shop.tasks.send", False),
    "a periodic task": (
        "from celery.task import periodic_task\n@periodic_task(run_every=5)\ndef send(): ...",
        "shop.tasks.send",
        False,
    ),
    "the current app": (
        "from celery import current_app\n@current_app.task\ndef send(): ...",
        "shop.tasks.send",
        False,
    ),
    "a call": ("from shop.celery import app\ndef send(): ...\ntask = app.task(send)", "shop.tasks.send", True),
    "a call with options": (
        "from shop.celery import app\ndef send(): ...\ntask = app.task(name='x')(send)",
        "x",
        True,
    ),
    "a function in a function": (
        "from shop.celery import app\ndef make():\n    @app.task\n    def send(): ...\n    return send",
        "shop.tasks.send",
        True,
    ),
    "a function in a condition": (
        "from shop.celery import app\nif app:\n    @app.task\n    def send(): ...",
        "shop.tasks.send",
        True,
    ),
    "a decorator of the project's": (
        "from shop.celery import app\ndef quiet(**options):\n    return app.task(ignore_result=True, **options)\n"
        "@quiet()\ndef send(): ...",
        "shop.tasks.send",
        True,
    ),
    "an app that is a parameter": (
        "from celery import Celery\ndef make(worker: Celery):\n    @worker.task\n    def send(): ...",
        "shop.tasks.send",
        False,
    ),
    "an app that is called celery": (
        "from elsewhere import celery\n@celery.task\ndef send(): ...",
        "shop.tasks.send",
        False,
    ),
    "a class": (
        "from celery import Task\nclass Send(Task):\n    name = 'send'\n    def run(self): ...",
        "send",
        False,
    ),
    "a class without a name": (
        "import celery\nfrom shop.celery import app\nclass Send(celery.Task):\n    def run(self): ...\n"
        "send = app.register_task(Send())",
        "shop.tasks.Send",
        False,
    ),
    "a class of the app's": (
        "from shop.celery import app\nclass Send(app.Task):\n    def run(self): ...",
        "shop.tasks.Send",
        False,
    ),
    "a class of a class": (
        "from celery import Task\nclass Base(Task):\n    abstract = True\n"
        "class Send(Base):\n    name = 'send'\n    def run(self): ...",
        "send",
        False,
    ),
}

NOT_MADE = {
    "functions without decorators": "from celery import Celery\ndef send(): ...",
    "other libraries' tasks": (
        "import celery\nfrom invoke import task\nfrom prefect import task as flow\n@task\ndef one(c): ...\n"
        "@flow\ndef two(): ...\n@task(name='x')\ndef three(): ..."
    ),
    "other libraries' apps": (
        "import procrastinate\nfrom huey import RedisHuey\nfrom celery import shared_task\n"
        "app = procrastinate.App()\nhuey = RedisHuey()\n@app.task\ndef one(): ...\n@huey.task()\ndef two(): ..."
    ),
    "bases of other tasks": (
        "from celery import Task\nclass Base(Task):\n    def on_failure(self, *args): ...\n"
        "class Other(Base):\n    abstract = True\n    def run(self): ..."
    ),
    "signals": "from celery.signals import task_success\n@task_success.connect\ndef seen(**kwargs): ...",
}


@pytest.mark.parametrize("how", MADE)
def test_a_task_is_found_however_it_is_made(tmp_path: Path, how: str) -> None:
    snippet, name, is_of_app = MADE[how]
    task = one_task(tmp_path, snippet)
    assert (task.name, task.app) == (name, "shop.celery:app" if is_of_app else "")
    assert task.place.path == "shop/tasks.py"


@pytest.mark.parametrize("what", NOT_MADE)
def test_what_is_no_task_is_none(tmp_path: Path, what: str) -> None:
    assert tasks_in(tmp_path, {**APP, "shop/tasks.py": NOT_MADE[what]}) == []


def test_a_task_stands_where_its_function_does_and_its_options_where_they_do(tmp_path: Path) -> None:
    snippet = """
        from shop.celery import app
        MINUTE = 60
        @app.task(
            ignore_result=True,
            expires=5 * MINUTE,
            bind=True,
        )
        def send(self): ...
    """
    task = one_task(tmp_path, snippet)
    assert task.place == Place("shop/tasks.py", 8, 0)
    assert {name: (value.data, task.option_places[name].line) for name, value in task.options.items()} == {
        "ignore_result": (True, 4),
        "expires": (300, 5),
        "bind": (True, 6),
    }
    assert task.ignores_result is True


def test_options_may_be_spread_from_a_dict(tmp_path: Path) -> None:
    snippet = "from shop.celery import app\nQUIET = {'ignore_result': True}\n@app.task(**QUIET)\ndef send(): ..."
    assert one_task(tmp_path, snippet).ignores_result is True


def test_options_are_inherited_from_the_base(tmp_path: Path) -> None:
    snippet = """
        from celery import Task
        from shop.celery import app
        class Quiet(Task):
            ignore_result = True
        class Quieter(Quiet):
            expires = 60
        @app.task(base=Quieter, expires=5)
        def send(): ...
    """
    task = one_task(tmp_path, snippet)
    assert task.ignores_result is True
    assert task.option_places["ignore_result"].line == 4
    assert task.options["expires"].data == 5


def test_attributes_of_a_class_are_options(tmp_path: Path) -> None:
    snippet = """
        from celery import Task
        class Send(Task):
            name = "send"
            ignore_result: bool = True
            colour = "red"
            def run(self):
                return {1, 2}
    """
    task = one_task(tmp_path, snippet)
    assert set(task.options) == {"name", "ignore_result"}
    assert task.function == "shop.tasks.Send"
    assert [returned.kind for returned in task.returns] == ["builtins.set"]


def test_an_option_that_cannot_be_known_is_unknown(tmp_path: Path) -> None:
    snippet = "from shop.celery import app\nfrom x import y\n@app.task(ignore_result=y())\ndef send(): ..."
    task = one_task(tmp_path, snippet)
    assert task.ignores_result is None
    assert not task.options["ignore_result"].is_known


def test_the_app_of_a_factory_is_the_one_of_the_profile(tmp_path: Path) -> None:
    files = {
        "worker.py": "from celery import Celery\ndef make():\n    app = Celery()\n    return app\ncelery = make()\n",
        "jobs.py": "from worker import celery\n@celery.task\ndef send(): ...\n",
    }
    assert [task.app for task in tasks_in(tmp_path, files, (App("worker:celery", Place("worker.py", 3)),))] == [
        "worker:celery"
    ]


def test_two_apps_have_their_own_tasks(tmp_path: Path) -> None:
    head = "from celery import Celery\na = Celery()\nb = Celery()\n"
    files = {"one.py": f"{head}@a.task\ndef x(): ...\n@b.task\ndef y(): ...\n"}
    apps = (App("one:a", Place("one.py", 2)), App("one:b", Place("one.py", 3)))
    assert {task.name: task.app for task in tasks_in(tmp_path, files, apps)} == {"one.x": "one:a", "one.y": "one:b"}


def test_an_app_is_found_through_the_package_that_hands_it_on(tmp_path: Path) -> None:
    files = {
        **APP,
        "shop/__init__.py": "from .celery import app as celery_app\n__all__ = ('celery_app',)\n",
        "shop/tasks.py": "from shop import celery_app\n@celery_app.task\ndef send(): ...\n",
    }
    assert [task.app for task in tasks_in(tmp_path, files)] == ["shop.celery:app"]
