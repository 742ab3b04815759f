"""Django's settings: which module counts, and what Celery sees of it."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.configuration.apps import find_apps
from rootcellar.specialist.discover.configuration.django import django_settings, installed_apps
from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import App, Place, Process, Variable

CELERY = """
    import os
    from celery import Celery
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
    app = Celery("site_")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.autodiscover_tasks()
    """
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', '{}')\n"


def reading(folder: Path, files: dict[str, str], **worker: str) -> tuple[Modules, Evaluator]:
    modules = Modules(lay_out(folder, files))
    given = tuple(Variable(name, value, Place("compose.yml", 3)) for name, value in worker.items())
    return modules, Evaluator(
        modules, Environment([], [Process("w", Place("compose.yml"), "worker", environment=given)])
    )


def app_in(folder: Path, settings: str, celery: str = CELERY, **worker: str) -> App:
    files = {"manage.py": MANAGE.format("site_.settings"), "site_/__init__.py": "", "site_/celery.py": celery}
    modules, evaluator = reading(folder, {**files, "site_/settings.py": settings}, **worker)
    found, _ = find_apps(modules, evaluator)
    assert len(found) == 1
    return found[0]


def test_only_names_with_the_prefix_are_read(tmp_path: Path) -> None:
    app = app_in(
        tmp_path, 'CELERY_RESULT_BACKEND = "django-db"\nresult_expires = 5\nDEBUG = True\nRESULT_EXTENDED = True\n'
    )
    assert [(one.name, one.origin) for one in app.settings] == [("result_backend", "django")]
    assert [one.written for one in app.unread_settings] == ["RESULT_EXTENDED"]
    assert (app.config_source, app.namespace) == ("django.conf:settings", "CELERY")


def test_the_object_itself_is_the_same_as_its_name(tmp_path: Path) -> None:
    celery = (
        "from celery import Celery\nfrom django.conf import settings\n"
        'app = Celery("x")\napp.config_from_object(settings, namespace="CELERY")\n'
    )
    app = app_in(tmp_path, "CELERY_RESULT_EXPIRES = 5\n", celery)
    assert app.known("result_expires") == 5


def test_settings_used_as_values_are_followed(tmp_path: Path) -> None:
    celery = (
        "from celery import Celery\nfrom django.conf import settings\n"
        'app = Celery("x", backend=settings.RESULTS, broker=getattr(settings, "MISSING", "memory://"))\n'
    )
    app = app_in(tmp_path, 'HOST = "h"\nRESULTS = f"redis://{HOST}/0"\n', celery)
    assert (app.known("result_backend"), app.known("broker_url")) == ("redis://h/0", "memory://")


def test_a_dict_of_the_settings_can_be_the_configuration(tmp_path: Path) -> None:
    celery = (
        "from celery import Celery\nfrom django.conf import settings\n"
        'app = Celery("x")\napp.conf.update(settings.CELERY)\n'
    )
    app = app_in(tmp_path, 'CELERY = {"result_expires": 7}\n', celery)
    assert app.known("result_expires") == 7


CHOICES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "what celery.py says": (
        {"site_/celery.py": MANAGE.format("site_.a"), "manage.py": MANAGE.format("site_.b")},
        {},
        "site_.a",
    ),
    "what manage.py says": ({"manage.py": MANAGE.format("site_.b")}, {}, "site_.b"),
    "production before development": (
        {"manage.py": MANAGE.format("site_.local"), "site_/wsgi.py": MANAGE.format("site_.production")},
        {},
        "site_.production",
    ),
    "the worker's environment before all": (
        {"manage.py": MANAGE.format("site_.production")},
        {"DJANGO_SETTINGS_MODULE": "site_.a"},
        "site_.a",
    ),
    "an assignment": ({"run.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'site_.b'\n"}, {}, "site_.b"),
    "not a test's": (
        {"manage.py": MANAGE.format("site_.b"), "tests/conftest.py": MANAGE.format("site_.production")},
        {},
        "site_.b",
    ),
}


@pytest.mark.parametrize(("files", "worker", "name"), CHOICES.values(), ids=CHOICES.keys())
def test_the_module_that_counts_is(tmp_path: Path, files: dict[str, str], worker: dict[str, str], name: str) -> None:
    every = {f"site_/{one}.py": "" for one in ("__init__", "a", "b", "local", "production")}
    modules, evaluator = reading(tmp_path, {**every, **files}, **worker)
    found = django_settings(modules, evaluator)
    assert found is not None
    assert found.name == name


def test_no_django_has_no_settings(tmp_path: Path) -> None:
    modules, evaluator = reading(tmp_path, {"app.py": "x = 1"})
    assert django_settings(modules, evaluator) is None
    assert installed_apps(modules, evaluator) == ()


def test_installed_apps_are_put_together(tmp_path: Path) -> None:
    files = {
        "manage.py": MANAGE.format("config.production"),
        "config/__init__.py": "",
        "config/base.py": 'DJANGO = ["django.contrib.auth"]\nINSTALLED_APPS = DJANGO + ["shop"]\n',
        "config/production.py": 'from .base import *\nINSTALLED_APPS += ["django_celery_results"]\n',
    }
    modules, evaluator = reading(tmp_path, files)
    assert installed_apps(modules, evaluator) == ("django.contrib.auth", "shop", "django_celery_results")


def test_a_schedule_that_grows_in_the_settings_is_whole(tmp_path: Path) -> None:
    settings = (
        'CELERY_BEAT_SCHEDULE = {"a": {"task": "x.a", "schedule": 1}}\n'
        'CELERY_BEAT_SCHEDULE["b"] = {"task": "x.b", "schedule": 2}\n'
    )
    assert [one.task for one in app_in(tmp_path, settings).beat] == ["x.a", "x.b"]


def test_settings_as_a_class_are_read(tmp_path: Path) -> None:
    celery = """
        import os
        from celery import Celery
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
        os.environ.setdefault("DJANGO_CONFIGURATION", "Production")
        app = Celery("site_")
        app.config_from_object("django.conf:settings", namespace="CELERY")
        """
    settings = """
        from configurations import Configuration
        class Base(Configuration):
            CELERY_RESULT_EXPIRES = 1
        class Production(Base):
            CELERY_RESULT_BACKEND = "django-db"
        """
    app = app_in(tmp_path, settings, celery)
    assert {one.name: one.value.data for one in app.settings} == {"result_expires": 1, "result_backend": "django-db"}


def test_a_settings_module_outside_the_project_is_unknown(tmp_path: Path) -> None:
    files = {"site_/__init__.py": "", "site_/celery.py": CELERY.replace("site_.settings", "elsewhere.settings")}
    modules, evaluator = reading(tmp_path, files)
    found, _ = find_apps(modules, evaluator)
    assert found[0].settings == ()
    assert "DJANGO_SETTINGS_MODULE" in found[0].unknown[0]


def test_django_environ_reads_what_the_environment_says(tmp_path: Path) -> None:
    settings = 'import environ\nenv = environ.Env()\nCELERY_RESULT_BACKEND = env("RESULTS", default="django-db")\n'
    app = app_in(tmp_path, settings, RESULTS="redis://e")
    assert app.known("result_backend") == "redis://e"
