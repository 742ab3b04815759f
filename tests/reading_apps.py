"""Reading the apps of small projects, for tests of discovery."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from project_files import lay_out
from rootcellar.specialist.discover.configuration.apps import find_apps
from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import App, EnvFile, Place, Process, Variable


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
