"""Apps: found, however they are made and configured, with their settings in Celery's order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.apps import find_apps
from rootcellar.specialist.discover.environment import Environment
from rootcellar.specialist.discover.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import App, EnvFile, Place, Process, Setting, Unknown, Variable


def apps_in(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    env: Mapping[str, str] | None = None,
    worker: Mapping[str, str] | None = None,
    version: str = "5.7.0",
) -> list[App]:
    modules = Modules(lay_out(folder, files))
    variables = tuple(Variable(name, value, Place(".env", n)) for n, (name, value) in enumerate((env or {}).items(), 1))
    given = tuple(Variable(name, value, Place("compose.yml", 9)) for name, value in (worker or {}).items())
    environment = Environment(
        [EnvFile(".env", variables)], [Process("worker", Place("compose.yml", 5), "worker", environment=given)]
    )
    found, unread = find_apps(modules, Evaluator(modules, environment), lambda path: version)
    assert unread == []
    return found


def one_app(folder: Path, files: Mapping[str, str | bytes] | str, **more: Any) -> App:
    found = apps_in(folder, {"app.py": files} if isinstance(files, str) else files, **more)
    assert len(found) == 1, [app.target for app in found]
    return found[0]


def said(app: App) -> dict[str, Any]:
    """Return name → data of the settings that count."""
    return {one.name: one.value.data for one in app.settings}


BACKEND = {"result_backend": "redis://h/0"}
CELERY = "from celery import Celery\n"
FLASK_DOCS = {
    "shop/__init__.py": """
        from celery import Celery, Task
        from flask import Flask
        def celery_init_app(app: Flask) -> Celery:
            class FlaskTask(Task):
                pass
            celery_app = Celery(app.name, task_cls=FlaskTask)
            celery_app.config_from_object(app.config["CELERY"])
            celery_app.set_default()
            app.extensions["celery"] = celery_app
            return celery_app
        def create_app() -> Flask:
            app = Flask(__name__)
            app.config.from_mapping(
                CELERY=dict(
                    result_backend="redis://h/0",
                ),
            )
            celery_init_app(app)
            return app
        """,
    "make_celery.py": """
        from shop import create_app
        flask_app = create_app()
        celery_app = flask_app.extensions["celery"]
        """,
}

STYLES: dict[str, tuple[Mapping[str, str] | str, Mapping[str, Any], str]] = {
    "keywords": (CELERY + 'app = Celery("x", backend="redis://h/0")', BACKEND, "keyword"),
    "by position": (CELERY + 'app = Celery("x", None, "redis://h/0")', BACKEND, "keyword"),
    "the app class by its module": ('import celery\napp = celery.Celery("x", backend="redis://h/0")', BACKEND, "keyword"),
    "an annotated variable": (CELERY + 'app: Celery = Celery("x", backend="redis://h/0")', BACKEND, "keyword"),
    "any setting as a keyword": (
        CELERY + 'app = Celery("x", set_as_current=True, fixups=[], result_expires=5)',
        {"result_expires": 5},
        "keyword",
    ),
    "keywords of a dict": (CELERY + 'O = {"backend": "redis://h/0"}\napp = Celery("x", **O)', BACKEND, "keyword"),
    "update with keywords": (CELERY + 'app = Celery("x")\napp.conf.update(result_backend="redis://h/0")', BACKEND, "update"),
    "update with a dict": (CELERY + 'app = Celery("x")\napp.conf.update({"result_backend": "redis://h/0"})', BACKEND, "update"),
    "update with a dict of another module": (
        {"app.py": CELERY + 'import conf\napp = Celery("x")\napp.conf.update(**conf.C)', "conf.py": 'C = dict(result_backend="redis://h/0")'},
        BACKEND,
        "update",
    ),
    "an attribute": (CELERY + 'app = Celery("x")\napp.conf.result_backend = "redis://h/0"', BACKEND, "attribute"),
    "an item": (CELERY + 'app = Celery("x")\napp.conf["result_backend"] = "redis://h/0"', BACKEND, "item"),
    "setattr": (CELERY + 'app = Celery("x")\nsetattr(app.conf, "result_backend", "redis://h/0")', BACKEND, "attribute"),
    "conf under another name": (CELERY + 'app = Celery("x")\nc = app.conf\nc.result_backend = "redis://h/0"', BACKEND, "attribute"),
    "a loop over a dict": (
        CELERY + 'C = {"result_backend": "redis://h/0"}\napp = Celery("x")\nfor k, v in C.items():\n    app.conf[k] = v',
        BACKEND,
        "mapping",
    ),
    "a setting changed in place": (
        CELERY + 'app = Celery("x")\napp.conf.beat_schedule = {"a": 1}\napp.conf.beat_schedule["b"] = 2',
        {"beat_schedule": {"a": 1, "b": 2}},
        "attribute",
    ),
    "a setting updated in place": (
        CELERY + 'app = Celery("x", task_routes={"a": 1})\napp.conf.task_routes.update({"b": 2})',
        {"task_routes": {"a": 1, "b": 2}},
        "keyword",
    ),
    "a module by name": (
        {"app.py": CELERY + 'app = Celery("x")\napp.config_from_object("celeryconfig")', "celeryconfig.py": 'result_backend = "redis://h/0"\nother = 1'},
        BACKEND,
        "module",
    ),
    "a module of a package": (
        {
            "shop/__init__.py": "",
            "shop/celery.py": CELERY + 'app = Celery("x")\napp.config_from_object("shop.celeryconfig")',
            "shop/celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "a module beside the app's": (
        {
            "shop/__init__.py": "",
            "shop/celery.py": CELERY + 'app = Celery("x")\napp.config_from_object("celeryconfig")',
            "shop/celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "a module by a name put together": (
        {
            "shop/__init__.py": CELERY + 'app = Celery("x")\napp.config_from_object("%s.celeryconfig" % __name__)',
            "shop/celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "a module object": (
        {
            "shop/__init__.py": "",
            "shop/celery.py": CELERY + 'from . import celeryconfig\napp = Celery("x")\napp.config_from_object(celeryconfig)',
            "shop/celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "config_source": (
        {"app.py": CELERY + 'app = Celery("x", config_source="celeryconfig")', "celeryconfig.py": 'result_backend = "redis://h/0"'},
        BACKEND,
        "module",
    ),
    "a class": (CELERY + 'class C:\n    result_backend = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C)', BACKEND, "class"),
    "a class by name": (
        {"app.py": CELERY + 'app = Celery("x")\napp.config_from_object("conf:C")', "conf.py": 'class C:\n    result_backend = "redis://h/0"'},
        BACKEND,
        "class",
    ),
    "a class by a dotted name": (
        {"app.py": CELERY + 'app = Celery("x")\napp.config_from_object("conf.C")', "conf.py": 'class C:\n    result_backend = "redis://h/0"'},
        BACKEND,
        "class",
    ),
    "an inherited class": (
        CELERY + 'class B:\n    result_backend = "redis://b"\nclass C(B):\n    result_backend = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C())',
        BACKEND,
        "class",
    ),
    "an instance that sets itself up": (
        CELERY + 'class C:\n    def __init__(self, h): self.result_backend = f"redis://{h}/0"\napp = Celery("x")\napp.config_from_object(C("h"))',
        BACKEND,
        "class",
    ),
    "a dataclass": (
        CELERY + 'from dataclasses import dataclass\n@dataclass\nclass C:\n    result_backend: str = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C())',
        BACKEND,
        "class",
    ),
    "a class chosen from a dict": (
        CELERY + 'import os\nclass D: result_backend = "redis://d"\nclass P: result_backend = "redis://h/0"\n'
        'app = Celery("x")\napp.config_from_object({"d": D, "p": P}[os.environ.get("E", "p")])',
        BACKEND,
        "class",
    ),
    "a namespace of objects": (
        CELERY + 'from types import SimpleNamespace\napp = Celery("x")\napp.config_from_object(SimpleNamespace(result_backend="redis://h/0"))',
        BACKEND,
        "mapping",
    ),
    "a dict": (CELERY + 'app = Celery("x")\napp.config_from_object({"result_backend": "redis://h/0"})', BACKEND, "mapping"),
    "pydantic": (
        CELERY + 'from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    result_backend: str = "redis://h/0"\n    debug: bool = False\n'
        'app = Celery("x")\napp.config_from_object(S())',
        BACKEND,
        "class",
    ),
    "pydantic as a dict": (
        CELERY + 'from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    result_backend: str = "redis://h/0"\n'
        's = S()\napp = Celery("x")\napp.conf.update(s.model_dump())',
        BACKEND,
        "update",
    ),
    "add_defaults": (CELERY + 'app = Celery("x")\napp.add_defaults(lambda: {"result_backend": "redis://h/0"})', BACKEND, "mapping"),
    "a factory": (
        CELERY + 'def make(url):\n    c = Celery("x", backend=url)\n    return c\napp = make("redis://h/0")',
        BACKEND,
        "keyword",
    ),
    "a factory that configures afterwards": (
        CELERY + 'def make():\n    c = Celery("x")\n    c.conf.result_backend = "redis://h/0"\n    return c\napp = make()',
        BACKEND,
        "attribute",
    ),
    "a factory of another module": (
        {"app.py": "from make import make\napp = make('redis://h/0')", "make.py": CELERY + "def make(url):\n    return Celery('x', backend=url)"},
        BACKEND,
        "keyword",
    ),
    "a factory configured where it is called": (
        CELERY + 'def make():\n    return Celery("x")\napp = make()\napp.conf.update(result_backend="redis://h/0")',
        BACKEND,
        "update",
    ),
    "a function that is handed the app": (
        CELERY + 'def configure(c, url):\n    c.conf.result_backend = url\napp = Celery("x")\nconfigure(app, "redis://h/0")',
        BACKEND,
        "attribute",
    ),
    "a function of another module that is handed the app": (
        {
            "app.py": CELERY + 'app = Celery("x")',
            "setup.py": "def init(celery, url):\n    celery.conf.update(result_backend=url)",
            "main.py": "from app import app\nfrom setup import init\ndef create():\n    init(app, 'redis://h/0')",
        },
        BACKEND,
        "update",
    ),
    "configured in another module": (
        {
            "shop/__init__.py": "from .celery import app as celery_app",
            "shop/celery.py": CELERY + 'app = Celery("x")',
            "shop/worker.py": "from shop import celery_app\ncelery_app.conf.result_backend = 'redis://h/0'",
        },
        BACKEND,
        "attribute",
    ),
    "a subclass of Celery": (
        CELERY + 'class Shop(Celery):\n    def __init__(self, *a):\n        super().__init__(*a)\n        self.conf.result_backend = "redis://h/0"\napp = Shop("x")',
        BACKEND,
        "attribute",
    ),
    "Flask's documentation": (FLASK_DOCS, BACKEND, "mapping"),
    "Flask's old pattern": (
        'from celery import Celery\nfrom flask import Flask\n'
        'def make_celery(app):\n    celery = Celery(app.import_name, backend=app.config["CELERY_RESULT_BACKEND"])\n'
        '    celery.conf.update(app.config)\n    return celery\n'
        'flask_app = Flask(__name__)\nflask_app.config.update(CELERY_RESULT_BACKEND="redis://h/0", SECRET="s")\n'
        'celery = make_celery(flask_app)',
        BACKEND,
        "keyword",
    ),
    "Flask with a class": (
        {
            "app.py": CELERY + 'from flask import Flask\nfrom conf import Config\ncelery = Celery(__name__, backend=Config.RESULT)\n'
            'def create_app():\n    app = Flask(__name__)\n    app.config.from_object(Config)\n    celery.conf.update(app.config)\n    return app',
            "conf.py": 'class Config:\n    RESULT = "redis://h/0"\n    SQLALCHEMY_URI = "x"',
        },
        BACKEND,
        "keyword",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "settings", "origin"), STYLES.values(), ids=STYLES.keys())
def test_a_way_of_configuring_is_read(
    tmp_path: Path, files: Mapping[str, str] | str, settings: Mapping[str, Any], origin: str
) -> None:
    app = one_app(tmp_path, files)
    assert (said(app), app.unknown, app.unread_settings) == (settings, (), ())
    assert origin in app.styles


TARGETS: dict[str, tuple[Mapping[str, str], str, str]] = {
    "a package": ({"shop/__init__.py": "", "shop/celery.py": CELERY + 'app = Celery("x")'}, "shop.celery:app", ""),
    "a package's own file": ({"shop/__init__.py": CELERY + 'app = Celery("x")'}, "shop:app", ""),
    "src": ({"src/shop/__init__.py": "", "src/shop/celery.py": CELERY + 'app = Celery("x")'}, "shop.celery:app", ""),
    "a single file": ({"tasks.py": CELERY + 'app = Celery("x")'}, "tasks:app", ""),
    "a folder that is no package": ({"proj/tasks.py": CELERY + 'app = Celery("x")'}, "tasks:app", ""),
    "a namespace package": ({"proj/celery.py": CELERY + 'app = Celery("x")'}, "proj.celery:app", ""),
    "one project of several": (
        {"services/api/requirements.txt": "celery", "services/api/api/__init__.py": "", "services/api/api/celery.py": CELERY + 'app = Celery("x")'},
        "api.celery:app",
        "services/api",
    ),
    "Django's folder": (
        {"backend/manage.py": "", "backend/site/__init__.py": "", "backend/site/celery.py": CELERY + 'app = Celery("x")'},
        "site.celery:app",
        "backend",
    ),
    "the first of two names": ({"a.py": CELERY + 'app = celery = Celery("x")'}, "a:app", ""),
    "a factory's result": (
        {"make.py": CELERY + "def make():\n    return Celery('x')", "worker.py": "from make import make\ncelery_app = make()"},
        "worker:celery_app",
        "",
    ),
    "a factory's result among others": (
        {"make.py": CELERY + "def make():\n    c = Celery('x')\n    return 1, c", "worker.py": "import make\nfastapi, celery_app = make.make()"},
        "worker:celery_app",
        "",
    ),
    "a factory within a factory": (
        {
            "make.py": CELERY + "def make():\n    return Celery('x')\ndef outer():\n    app = make()\n    return app",
            "worker.py": "import make\ncelery_app = make.outer()",
        },
        "worker:celery_app",
        "",
    ),
    "Flask's extensions": (FLASK_DOCS, "make_celery:celery_app", ""),
    "a factory that nobody calls": ({"make.py": CELERY + "def make():\n    return Celery('x')"}, "make:make()", ""),
    "a class": ({"a.py": CELERY + "class W:\n    app = Celery('x')"}, "a:W.app", ""),
    "examples": ({"examples/one/app.py": CELERY + 'app = Celery("x")'}, "app:app", ""),
}  # fmt: skip


@pytest.mark.parametrize(("files", "target", "root"), TARGETS.values(), ids=TARGETS.keys())
def test_an_app_is_called_as_the_command_line_would(
    tmp_path: Path, files: Mapping[str, str], target: str, root: str
) -> None:
    app = one_app(tmp_path, files)
    assert (app.target, app.root) == (target, root)


NO_APPS = {
    "a test": {"tests/test_app.py": CELERY + 'app = Celery("x")'},
    "a fixture": {"conftest.py": CELERY + 'app = Celery("x")'},
    "another library's class": {"app.py": 'from vegetables import Celery\napp = Celery("x")'},
    "a comment": {"app.py": '# Celery("x")\n'},
    "an app that is thrown away": {"app.py": CELERY + 'Celery("x").send_task("a")'},
    "no Python that parses": {"app.py": CELERY + 'app = Celery("x"\n'},
    "nothing": {"README.md": "Celery"},
}


@pytest.mark.parametrize("files", NO_APPS.values(), ids=NO_APPS.keys())
def test_what_is_no_app_is_not_found(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert apps_in(tmp_path, files) == []


def test_several_apps_are_each_found_once(tmp_path: Path) -> None:
    make = CELERY + "def make(name, url):\n    return Celery(name, backend=url)\n"
    files = {
        "make.py": make,
        "orders.py": "from make import make\napp = make('orders', 'redis://o')\nalso = app",
        "bills.py": "from make import make\napp = make('bills', 'redis://b')",
        "plain.py": CELERY + "app = Celery('p')",
    }
    found = {app.target: said(app) for app in apps_in(tmp_path, files)}
    assert found == {
        "orders:app": {"result_backend": "redis://o"},
        "bills:app": {"result_backend": "redis://b"},
        "plain:app": {},
    }


def test_what_is_given_to_the_app_wins_over_its_configuration_object(tmp_path: Path) -> None:
    code = """
        from celery import Celery
        app = Celery("x", backend="redis://keyword")
        app.conf.update(result_expires=1)
        app.config_from_object("celeryconfig")
        """
    config = 'result_backend = "redis://module"\nresult_expires = 2\n'
    app = one_app(tmp_path, {"app.py": code, "celeryconfig.py": config})
    assert [(one.value.data, one.place) for one in app.all("result_backend")] == [
        ("redis://module", Place("celeryconfig.py", 1, 0)),
        ("redis://keyword", Place("app.py", 2, 18)),
    ]
    assert [one.value.data for one in app.all("result_expires")] == [2, 1]
    assert (app.config_source, app.styles) == ("celeryconfig", ("module", "keyword", "update"))


def test_a_second_configuration_object_replaces_the_first(tmp_path: Path) -> None:
    code = 'app = Celery("x")\napp.config_from_object({"result_expires": 1})\napp.config_from_object({"result_backend": "r"})'
    assert said(one_app(tmp_path, CELERY + code)) == {"result_backend": "r"}


def test_defaults_win_over_the_configuration_object_and_lose_to_changes(tmp_path: Path) -> None:
    code = """
        from celery import Celery
        app = Celery("x")
        app.conf.result_expires = 3
        app.add_defaults({"result_expires": 2})
        app.config_from_object({"result_expires": 1})
        """
    assert [one.value.data for one in one_app(tmp_path, code).all("result_expires")] == [1, 2, 3]


NAMESPACED = """
    from celery import Celery
    app = Celery("x", backend="redis://keyword")
    app.config_from_object("conf", namespace="SHOP")
    """


@pytest.mark.parametrize(("version", "wins"), [("5.6.3", "redis://prefixed"), ("5.7.0", "redis://keyword")])
def test_which_of_prefixed_name_and_keyword_wins_depends_on_the_release(
    tmp_path: Path, version: str, wins: str
) -> None:
    files = {"app.py": NAMESPACED, "conf.py": 'SHOP_RESULT_BACKEND = "redis://prefixed"'}
    setting = one_app(tmp_path, files, version=version).get("result_backend")
    assert setting is not None
    assert setting.value.data == wins


def read_and_unread(app: App) -> tuple[dict[str, str], dict[str, str]]:
    return {one.written: one.name for one in app.settings}, {one.written: one.name for one in app.unread_settings}


NAMES: dict[str, tuple[str, str | None, str, dict[str, str], dict[str, str]]] = {
    "new names": ('result_backend = "r"\nredis_url = 1\nlogger = 2', None, "5.7.0", {"result_backend": "result_backend", "redis_url": "redis_url"}, {}),
    "a helper": ('redis_url = "r"\nresult_backend = redis_url', None, "5.7.0", {"result_backend": "result_backend"}, {}),
    "old names": (
        'BROKER_URL = "b"\nCELERY_RESULT_BACKEND = "r"\nCELERY_TASK_RESULT_EXPIRES = 1\nCELERYD_CONCURRENCY = 2\nCELERYBEAT_SCHEDULE = {}\nDEBUG = 1',
        None,
        "5.7.0",
        {
            "BROKER_URL": "broker_url", "CELERY_RESULT_BACKEND": "result_backend",
            "CELERY_TASK_RESULT_EXPIRES": "result_expires", "CELERYD_CONCURRENCY": "worker_concurrency",
            "CELERYBEAT_SCHEDULE": "beat_schedule",
        },
        {},
    ),
    "prefixed names without a namespace": ('CELERY_BROKER_URL = "b"', None, "5.7.0", {}, {"CELERY_BROKER_URL": "broker_url"}),
    "a prefixed name that Celery does not have": ("CELERY_NONSENSE = 1", None, "5.7.0", {"CELERY_NONSENSE": "celery_nonsense"}, {}),
    "a namespace": (
        'CELERY_RESULT_BACKEND = "r"\nCELERY_NONSENSE = 1\nCELERY_TASK_RESULT_EXPIRES = 1\nDEBUG = 1\nREDIS_HOST = "h"',
        "CELERY",
        "5.7.0",
        {"CELERY_RESULT_BACKEND": "result_backend", "CELERY_NONSENSE": "nonsense", "CELERY_TASK_RESULT_EXPIRES": "result_expires"},
        {},
    ),
    "names without the prefix": ('RESULT_BACKEND = "r"\nTASK_SERIALIZER = "json"', "CELERY", "5.7.0", {}, {"RESULT_BACKEND": "result_backend", "TASK_SERIALIZER": "task_serializer"}),
    "a step to a prefixed name": ('RESULT_BACKEND = "r"\nCELERY_RESULT_BACKEND = RESULT_BACKEND', "CELERY", "5.7.0", {"CELERY_RESULT_BACKEND": "result_backend"}, {}),
    "old names with a namespace, from 5.7 on": ('BROKER_URL = "b"', "CELERY", "5.7.0", {"BROKER_URL": "broker_url"}, {}),
    "old names with a namespace, before 5.7": ('BROKER_URL = "b"', "CELERY", "5.6.3", {}, {"BROKER_URL": "broker_url"}),
    "a lower-case name with a namespace": ('result_backend = "b"', "CELERY", "5.6.3", {"result_backend": "result_backend"}, {}),
    "a lower-case namespace": ('celery_result_backend = "b"', "celery", "5.7.0", {"celery_result_backend": "result_backend"}, {}),
    "another namespace": ('SHOP_RESULT_EXPIRES = 1\nCELERY_RESULT_EXPIRES = 2', "SHOP_", "5.7.0", {"SHOP_RESULT_EXPIRES": "result_expires"}, {"CELERY_RESULT_EXPIRES": "result_expires"}),
}  # fmt: skip


@pytest.mark.parametrize(("code", "namespace", "version", "read", "unread"), NAMES.values(), ids=NAMES.keys())
def test_names_are_read_as_the_release_reads_them(
    tmp_path: Path, code: str, namespace: str | None, version: str, read: dict[str, str], unread: dict[str, str]
) -> None:
    app_code = CELERY + f'app = Celery("x")\napp.config_from_object("conf", namespace={namespace!r})'
    app = one_app(tmp_path, {"app.py": app_code, "conf.py": code}, version=version)
    assert read_and_unread(app) == (read, unread)
    assert app.namespace == namespace


def test_both_sides_of_a_condition_that_cannot_be_known_are_read(tmp_path: Path) -> None:
    code = """
        import random
        from celery import Celery
        app = Celery("x")
        if random.random() > 0.5:
            app.conf.result_backend = "redis://a"
        else:
            app.conf.result_backend = "redis://b"
        """
    found = [(one.value.data, one.is_conditional) for one in one_app(tmp_path, code).all("result_backend")]
    assert found == [("redis://a", True), ("redis://b", True)]


def test_of_a_condition_that_is_known_only_one_side_is_read(tmp_path: Path) -> None:
    code = """
        import os
        from celery import Celery
        app = Celery("x")
        if os.environ.get("ENV", "production") == "production":
            app.conf.result_backend = "redis://a"
        else:
            app.conf.result_backend = "redis://b"
        """
    assert [(one.value.data, one.is_conditional) for one in one_app(tmp_path, code).settings] == [("redis://a", False)]


def test_a_module_that_sets_a_name_twice_is_read_twice(tmp_path: Path) -> None:
    files = {"app.py": CELERY + 'app = Celery("x", config_source="conf")', "conf.py": "result_expires = 1\nresult_expires = 2\n"}
    found = [(one.value.data, one.place.line) for one in one_app(tmp_path, files).settings]
    assert found == [(1, 1), (2, 2)]


def test_an_override_of_what_a_base_module_sets_is_read_once(tmp_path: Path) -> None:
    files = {
        "app.py": CELERY + 'app = Celery("x", config_source="conf.prod")',
        "conf/__init__.py": "",
        "conf/base.py": "result_expires = 1\nresult_serializer = 'json'\n",
        "conf/prod.py": "from .base import *\nresult_expires = 2\ntry:\n    from .local import *\nexcept ImportError:\n    pass\n",
        "conf/local.py": "result_expires = 3\n",
    }
    found = [(one.name, one.value.data, one.place.path, one.is_conditional) for one in one_app(tmp_path, files).settings]
    assert found == [
        ("result_serializer", "json", "conf/base.py", False),
        ("result_expires", 2, "conf/prod.py", False),
        ("result_expires", 3, "conf/local.py", True),
    ]


UNKNOWN = {
    "a function of a package": ("import vault\napp.conf.update(vault.read())", "vault.read"),
    "a YAML file": ("import yaml\napp.conf.update(yaml.safe_load(open('config.yml'))['celery'])", "read from config.yml"),
    "a YAML file in with": ("import yaml\nwith open('config.yml') as f:\n    c = yaml.safe_load(f)\napp.conf.update(**c)", "read from config.yml"),
    "a module that is not there": ("app.config_from_object('nowhere.conf')", "nowhere.conf, which is not in the project"),
    "a variable that names it": ("app.config_from_envvar('CONF')", "environment variable CONF"),
    "an object of a package": ("from lib import settings\napp.config_from_object(settings)", "lib.settings"),
}


@pytest.mark.parametrize(("code", "why"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_configuration_that_cannot_be_read_says_why(tmp_path: Path, code: str, why: str) -> None:
    app = one_app(tmp_path, CELERY + 'app = Celery("x")\n' + code)
    assert app.settings == ()
    assert why in " ".join(app.unknown)
    assert app.is_unknown("result_backend")


def test_one_unknown_value_leaves_the_others_known(tmp_path: Path) -> None:
    app = one_app(tmp_path, CELERY + 'import vault\napp = Celery("x", backend=vault.url(), result_expires=5)')
    assert (app.known("result_expires"), app.unknown) == (5, ())
    setting = app.get("result_backend")
    assert setting is not None
    assert isinstance(setting.value.data, Unknown)
    assert app.is_unknown("result_backend")


# The environment.


def environment_setting(app: App) -> Setting | None:
    return next((one for one in app.settings if one.origin == "environment"), None)


def test_the_environment_of_a_worker_wins_over_everything(tmp_path: Path) -> None:
    app = one_app(tmp_path, CELERY + 'app = Celery("x", backend="rpc://")', worker={"CELERY_RESULT_BACKEND": "redis://e"})
    setting = environment_setting(app)
    assert setting is not None
    assert app.get("result_backend") == setting
    assert (setting.written, setting.value.data, setting.place) == ("CELERY_RESULT_BACKEND", "redis://e", Place("compose.yml", 9))


@pytest.mark.parametrize("backend", ['os.environ["CELERY_RESULT_BACKEND"]', '"redis://e"'])
def test_an_environment_that_says_the_same_is_not_told_twice(tmp_path: Path, backend: str) -> None:
    code = CELERY + f"import os\napp = Celery('x', backend={backend})"
    app = one_app(tmp_path, code, worker={"CELERY_RESULT_BACKEND": "redis://e"})
    assert [one.origin for one in app.settings] == ["keyword"]


def test_an_env_file_counts_only_where_something_loads_it(tmp_path: Path) -> None:
    code = CELERY + 'app = Celery("x", backend="rpc://")'
    env = {"CELERY_RESULT_BACKEND": "redis://e"}
    assert environment_setting(one_app(tmp_path / "without", code, env=env)) is None
    loaded = "from dotenv import load_dotenv\nload_dotenv()\n" + code
    assert environment_setting(one_app(tmp_path / "with", loaded, env=env)) is not None


def test_the_variable_of_the_loader_names_the_module_of_an_app_without_one(tmp_path: Path) -> None:
    files = {"app.py": CELERY + 'app = Celery("x")', "conf.py": "result_expires = 1"}
    assert said(one_app(tmp_path, files, worker={"CELERY_CONFIG_MODULE": "conf"})) == {"result_expires": 1}


# Beat.


def test_the_schedule_is_read(tmp_path: Path) -> None:
    code = """
        from celery import Celery
        from celery.schedules import crontab
        app = Celery("x")
        app.conf.beat_schedule = {
            "nightly": {"task": "shop.nightly", "schedule": crontab(hour=3)},
            "often": {"task": "shop.often", "schedule": 10.0},
        }
        """
    beat = one_app(tmp_path, code).beat
    assert [(one.name, one.task, one.place.line) for one in beat] == [("nightly", "shop.nightly", 5), ("often", "shop.often", 6)]
    assert beat[1].schedule.data == 10.0


def test_periodic_tasks_are_read(tmp_path: Path) -> None:
    code = """
        from celery import Celery
        app = Celery("x")
        @app.on_after_configure.connect
        def setup(sender, **kwargs):
            sender.add_periodic_task(10.0, ping.s("a"), name="ping often")
            sender.add_periodic_task(20.0, named.s())
        @app.task
        def ping(a): ...
        @app.task(name="other.name")
        def named(): ...
        """
    beat = one_app(tmp_path, code).beat
    assert [(one.name, one.task, one.schedule.data) for one in beat] == [
        ("ping often", "app.ping", 10.0),
        ("other.name", "other.name", 20.0),
    ]


def test_a_secret_is_in_no_representation(tmp_path: Path) -> None:
    app = one_app(tmp_path, CELERY + 'app = Celery("x", backend="redis://:hunter2@h", redis_password="hunter2")')
    assert "hunter2" not in repr(app)
