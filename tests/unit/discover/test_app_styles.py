"""The ways in which people configure an app: each is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reading_apps import BACKEND, CELERY, FLASK_DOCS, one_app, said

STYLES: dict[str, tuple[Mapping[str, str] | str, Mapping[str, Any], str]] = {
    "keywords": (CELERY + 'app = Celery("x", backend="redis://h/0")', BACKEND, "keyword"),
    "by position": (CELERY + 'app = Celery("x", None, "redis://h/0")', BACKEND, "keyword"),
    "the app class by its module": (
        'import celery\napp = celery.Celery("x", backend="redis://h/0")',
        BACKEND,
        "keyword",
    ),
    "an annotated variable": (CELERY + 'app: Celery = Celery("x", backend="redis://h/0")', BACKEND, "keyword"),
    "any setting as a keyword": (
        CELERY + 'app = Celery("x", set_as_current=True, fixups=[], result_expires=5)',
        {"result_expires": 5},
        "keyword",
    ),
    "keywords of a dict": (CELERY + 'O = {"backend": "redis://h/0"}\napp = Celery("x", **O)', BACKEND, "keyword"),
    "update with keywords": (
        CELERY + 'app = Celery("x")\napp.conf.update(result_backend="redis://h/0")',
        BACKEND,
        "update",
    ),
    "update with a dict": (
        CELERY + 'app = Celery("x")\napp.conf.update({"result_backend": "redis://h/0"})',
        BACKEND,
        "update",
    ),
    "update with a dict of another module": (
        {
            "app.py": CELERY + 'import conf\napp = Celery("x")\napp.conf.update(**conf.C)',
            "conf.py": 'C = dict(result_backend="redis://h/0")',
        },
        BACKEND,
        "update",
    ),
    "an attribute": (CELERY + 'app = Celery("x")\napp.conf.result_backend = "redis://h/0"', BACKEND, "attribute"),
    "an item": (CELERY + 'app = Celery("x")\napp.conf["result_backend"] = "redis://h/0"', BACKEND, "item"),
    "setattr": (CELERY + 'app = Celery("x")\nsetattr(app.conf, "result_backend", "redis://h/0")', BACKEND, "attribute"),
    "conf under another name": (
        CELERY + 'app = Celery("x")\nc = app.conf\nc.result_backend = "redis://h/0"',
        BACKEND,
        "attribute",
    ),
    "a loop over a dict": (
        CELERY
        + 'C = {"result_backend": "redis://h/0"}\napp = Celery("x")\nfor k, v in C.items():\n    app.conf[k] = v',
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
        {
            "app.py": CELERY + 'app = Celery("x")\napp.config_from_object("celeryconfig")',
            "celeryconfig.py": 'result_backend = "redis://h/0"\nother = 1',
        },
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
            "shop/celery.py": CELERY
            + 'from . import celeryconfig\napp = Celery("x")\napp.config_from_object(celeryconfig)',
            "shop/celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "config_source": (
        {
            "app.py": CELERY + 'app = Celery("x", config_source="celeryconfig")',
            "celeryconfig.py": 'result_backend = "redis://h/0"',
        },
        BACKEND,
        "module",
    ),
    "a class": (
        CELERY + 'class C:\n    result_backend = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C)',
        BACKEND,
        "class",
    ),
    "a class by name": (
        {
            "app.py": CELERY + 'app = Celery("x")\napp.config_from_object("conf:C")',
            "conf.py": 'class C:\n    result_backend = "redis://h/0"',
        },
        BACKEND,
        "class",
    ),
    "a class by a dotted name": (
        {
            "app.py": CELERY + 'app = Celery("x")\napp.config_from_object("conf.C")',
            "conf.py": 'class C:\n    result_backend = "redis://h/0"',
        },
        BACKEND,
        "class",
    ),
    "an inherited class": (
        CELERY
        + (
            'class B:\n    result_backend = "redis://b"\nclass C(B):\n'
            '    result_backend = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C())'
        ),
        BACKEND,
        "class",
    ),
    "an instance that sets itself up": (
        CELERY
        + (
            'class C:\n    def __init__(self, h): self.result_backend = f"redis://{h}/0"\n'
            'app = Celery("x")\napp.config_from_object(C("h"))'
        ),
        BACKEND,
        "class",
    ),
    "a dataclass": (
        CELERY
        + (
            "from dataclasses import dataclass\n@dataclass\nclass C:\n"
            '    result_backend: str = "redis://h/0"\napp = Celery("x")\napp.config_from_object(C())'
        ),
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
        CELERY
        + 'from types import SimpleNamespace\napp = Celery("x")\napp.config_from_object(SimpleNamespace(result_backend="redis://h/0"))',
        BACKEND,
        "mapping",
    ),
    "a dict": (
        CELERY + 'app = Celery("x")\napp.config_from_object({"result_backend": "redis://h/0"})',
        BACKEND,
        "mapping",
    ),
    "pydantic": (
        CELERY
        + (
            "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n"
            '    result_backend: str = "redis://h/0"\n    debug: bool = False\n'
        )
        + 'app = Celery("x")\napp.config_from_object(S())',
        BACKEND,
        "class",
    ),
    "pydantic as a dict": (
        CELERY
        + 'from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    result_backend: str = "redis://h/0"\n'
        's = S()\napp = Celery("x")\napp.conf.update(s.model_dump())',
        BACKEND,
        "update",
    ),
    "add_defaults": (
        CELERY + 'app = Celery("x")\napp.add_defaults(lambda: {"result_backend": "redis://h/0"})',
        BACKEND,
        "mapping",
    ),
    "a factory": (
        CELERY + 'def make(url):\n    c = Celery("x", backend=url)\n    return c\napp = make("redis://h/0")',
        BACKEND,
        "keyword",
    ),
    "a factory that configures afterwards": (
        CELERY
        + 'def make():\n    c = Celery("x")\n    c.conf.result_backend = "redis://h/0"\n    return c\napp = make()',
        BACKEND,
        "attribute",
    ),
    "a factory of another module": (
        {
            "app.py": "from make import make\napp = make('redis://h/0')",
            "make.py": CELERY + "def make(url):\n    return Celery('x', backend=url)",
        },
        BACKEND,
        "keyword",
    ),
    "a factory configured where it is called": (
        CELERY + 'def make():\n    return Celery("x")\napp = make()\napp.conf.update(result_backend="redis://h/0")',
        BACKEND,
        "update",
    ),
    "a function that is handed the app": (
        CELERY
        + 'def configure(c, url):\n    c.conf.result_backend = url\napp = Celery("x")\nconfigure(app, "redis://h/0")',
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
        CELERY
        + (
            "class Shop(Celery):\n    def __init__(self, *a):\n        super().__init__(*a)\n"
            '        self.conf.result_backend = "redis://h/0"\napp = Shop("x")'
        ),
        BACKEND,
        "attribute",
    ),
    "Flask's documentation": (FLASK_DOCS, BACKEND, "mapping"),
    "Flask's old pattern": (
        "from celery import Celery\nfrom flask import Flask\n"
        'def make_celery(app):\n    celery = Celery(app.import_name, backend=app.config["CELERY_RESULT_BACKEND"])\n'
        "    celery.conf.update(app.config)\n    return celery\n"
        'flask_app = Flask(__name__)\nflask_app.config.update(CELERY_RESULT_BACKEND="redis://h/0", SECRET="s")\n'
        "celery = make_celery(flask_app)",
        BACKEND,
        "keyword",
    ),
    "Flask with a class": (
        {
            "app.py": CELERY
            + "from flask import Flask\nfrom conf import Config\ncelery = Celery(__name__, backend=Config.RESULT)\n"
            "def create_app():\n    app = Flask(__name__)\n    app.config.from_object(Config)\n"
            "    celery.conf.update(app.config)\n    return app",
            "conf.py": 'class Config:\n    RESULT = "redis://h/0"\n    SQLALCHEMY_URI = "x"',
        },
        BACKEND,
        "keyword",
    ),
}


@pytest.mark.parametrize(("files", "settings", "origin"), STYLES.values(), ids=STYLES.keys())
def test_a_way_of_configuring_is_read(
    tmp_path: Path, files: Mapping[str, str] | str, settings: Mapping[str, Any], origin: str
) -> None:
    app = one_app(tmp_path, files)
    assert (said(app), app.unknown, app.unread_settings) == (settings, (), ())
    assert origin in app.styles
