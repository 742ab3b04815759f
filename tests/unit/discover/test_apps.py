"""Apps: found, however they are made and configured, with their settings in Celery's order."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from reading_apps import CELERY, FLASK_DOCS, apps_in, one_app, said
from rootcellar.specialist.profile import App, Place, Setting, Unknown

TARGETS: dict[str, tuple[Mapping[str, str], str, str]] = {
    "a package": ({"shop/__init__.py": "", "shop/celery.py": CELERY + 'app = Celery("x")'}, "shop.celery:app", ""),
    "a package's own file": ({"shop/__init__.py": CELERY + 'app = Celery("x")'}, "shop:app", ""),
    "src": ({"src/shop/__init__.py": "", "src/shop/celery.py": CELERY + 'app = Celery("x")'}, "shop.celery:app", ""),
    "a single file": ({"tasks.py": CELERY + 'app = Celery("x")'}, "tasks:app", ""),
    "a folder that is no package": ({"proj/tasks.py": CELERY + 'app = Celery("x")'}, "tasks:app", ""),
    "a namespace package": ({"proj/celery.py": CELERY + 'app = Celery("x")'}, "proj.celery:app", ""),
    "one project of several": (
        {
            "services/api/requirements.txt": "celery",
            "services/api/api/__init__.py": "",
            "services/api/api/celery.py": CELERY + 'app = Celery("x")',
        },
        "api.celery:app",
        "services/api",
    ),
    "Django's folder": (
        {
            "backend/manage.py": "",
            "backend/site/__init__.py": "",
            "backend/site/celery.py": CELERY + 'app = Celery("x")',
        },
        "site.celery:app",
        "backend",
    ),
    "the first of two names": ({"a.py": CELERY + 'app = celery = Celery("x")'}, "a:app", ""),
    "a factory's result": (
        {
            "make.py": CELERY + "def make():\n    return Celery('x')",
            "worker.py": "from make import make\ncelery_app = make()",
        },
        "worker:celery_app",
        "",
    ),
    "a factory's result among others": (
        {
            "make.py": CELERY + "def make():\n    c = Celery('x')\n    return 1, c",
            "worker.py": "import make\nfastapi, celery_app = make.make()",
        },
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
}


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
    code = (
        'app = Celery("x")\napp.config_from_object({"result_expires": 1})\n'
        'app.config_from_object({"result_backend": "r"})'
    )
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
    files = {
        "app.py": CELERY + 'app = Celery("x", config_source="conf")',
        "conf.py": "result_expires = 1\nresult_expires = 2\n",
    }
    found = [(one.value.data, one.place.line) for one in one_app(tmp_path, files).settings]
    assert found == [(1, 1), (2, 2)]


def test_an_override_of_what_a_base_module_sets_is_read_once(tmp_path: Path) -> None:
    files = {
        "app.py": CELERY + 'app = Celery("x", config_source="conf.prod")',
        "conf/__init__.py": "",
        "conf/base.py": "result_expires = 1\nresult_serializer = 'json'\n",
        "conf/prod.py": (
            "from .base import *\nresult_expires = 2\ntry:\n    from .local import *\nexcept ImportError:\n    pass\n"
        ),
        "conf/local.py": "result_expires = 3\n",
    }
    found = [
        (one.name, one.value.data, one.place.path, one.is_conditional) for one in one_app(tmp_path, files).settings
    ]
    assert found == [
        ("result_serializer", "json", "conf/base.py", False),
        ("result_expires", 2, "conf/prod.py", False),
        ("result_expires", 3, "conf/local.py", True),
    ]


UNKNOWN = {
    "a function of a package": ("import vault\napp.conf.update(vault.read())", "vault.read"),
    "a YAML file": (
        "import yaml\napp.conf.update(yaml.safe_load(open('config.yml'))['celery'])",
        "read from config.yml",
    ),
    "a YAML file in with": (
        "import yaml\nwith open('config.yml') as f:\n    c = yaml.safe_load(f)\napp.conf.update(**c)",
        "read from config.yml",
    ),
    "a module that is not there": (
        "app.config_from_object('nowhere.conf')",
        "nowhere.conf, which is not in the project",
    ),
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
    app = one_app(
        tmp_path, CELERY + 'app = Celery("x", backend="rpc://")', worker={"CELERY_RESULT_BACKEND": "redis://e"}
    )
    setting = environment_setting(app)
    assert setting is not None
    assert app.get("result_backend") == setting
    assert (setting.written, setting.value.data, setting.place) == (
        "CELERY_RESULT_BACKEND",
        "redis://e",
        Place("compose.yml", 9),
    )


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
    assert [(one.name, one.task, one.place.line) for one in beat] == [
        ("nightly", "shop.nightly", 5),
        ("often", "shop.often", 6),
    ]
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


def test_the_default_app_is_found_where_a_project_makes_none(tmp_path: Path) -> None:
    code = """
        from celery import current_app as current_celery_app
        def create_celery():
            celery_app = current_celery_app
            celery_app.config_from_object({"CELERY_RESULT_EXPIRES": 5}, namespace="CELERY")
            return celery_app
        """
    app = one_app(tmp_path, {"make.py": code, "main.py": "from make import create_celery\ncelery = create_celery()\n"})
    assert (app.target, said(app)) == ("main:celery", {"result_expires": 5})


def test_an_app_made_in_two_branches_is_one_app(tmp_path: Path) -> None:
    code = """
        import random
        from celery import Celery
        if random.random() > 0.5:
            app = Celery("x", backend="redis://a")
        else:
            app = Celery("x", backend="redis://b")
        """
    app = one_app(tmp_path, code)
    assert app.unknown == ("the app is made in several places, also in line 6",)


def test_of_two_branches_that_are_known_the_one_taken_counts(tmp_path: Path) -> None:
    code = """
        from celery import Celery
        DEBUG = False
        if DEBUG:
            app = Celery("x", backend="redis://a")
        else:
            app = Celery("x", backend="redis://b")
        """
    assert said(one_app(tmp_path, code)) == {"result_backend": "redis://b"}


def test_a_parameter_hides_the_variable_of_its_name(tmp_path: Path) -> None:
    code = CELERY + 'url = "redis://wrong"\ndef make(url):\n    return Celery("x", backend=url)\n'
    setting = one_app(tmp_path, code).get("result_backend")
    assert setting is not None
    assert "url, which" in setting.value.why


@pytest.mark.parametrize(
    "code",
    [
        'app.config_from_object("redis://:hunter2@h")',
        'app.conf.update(**decrypt("hunter2"))',
        'app.conf.update(**"hunter2")',
        'app.conf.result_backend = "redis://" + decrypt("hunter2")',
        'app.conf.result_backend = f"redis://{vault.read("hunter2")}"'.replace('"hunter2"', "'hunter2'"),
        'app.conf.update(yaml.safe_load(decrypt("hunter2")))',
    ],
)
def test_no_reason_holds_a_literal_of_the_code(tmp_path: Path, code: str) -> None:
    app = one_app(tmp_path, CELERY + "import yaml\nimport vault\nfrom lib import decrypt\napp = Celery('x')\n" + code)
    shown = [repr(app), app.config_source, *app.unknown, *(one.value.why for one in app.settings)]
    shown += [hole for one in app.settings for hole in one.value.holes]
    assert "hunter2" not in " ".join(shown)
