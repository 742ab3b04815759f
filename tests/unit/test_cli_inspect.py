"""`rootcellar inspect`: text, JSON and its schema, the live app, and what it says of things it cannot read."""

import json
import sys
import textwrap
from importlib import resources
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.reading import Case, cases
from corpus.reading import lay_out as lay_out_case
from project_files import lay_out
from rootcellar.cli import cellar
from rootcellar.specialist.discover.tree import MOST_BYTES

SCHEMA = json.loads((resources.files("rootcellar.specialist.profile") / "profile.schema.json").read_text("utf-8"))
APP = """
    from celery import Celery

    app = Celery("shop", broker="amqp://localhost", backend="redis://localhost/1")
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cellar, ["inspect", *arguments], env={"CELERY_RESULT_BACKEND": None})


def seen(*arguments: str) -> Any:
    """Run it with --json, and return what it printed."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.slug))
def test_what_it_prints_of_every_project_is_as_its_schema_says(case: Case, tmp_path: Path) -> None:
    root = lay_out_case(case, tmp_path)
    jsonschema.validate(seen(str(root)), SCHEMA)
    text = run(str(root))
    assert text.exit_code == 0
    assert all(target in text.output for target in case.profile.apps)


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.slug))
def test_it_finds_the_apps_engines_versions_and_tasks_of_every_project(case: Case, tmp_path: Path) -> None:
    report = seen(str(lay_out_case(case, tmp_path)))
    expected = case.profile
    assert sorted(app["target"] for app in report["apps"]) == sorted(expected.apps)
    assert sorted(task["name"] for task in report["tasks"]) == sorted(expected.tasks)
    for app in report["apps"]:
        engine = "cellar" if app["engine"].startswith("cellar") else app["engine"]
        version = expected.celery_of.get(app["target"], expected.celery)
        assert (engine, app["celery"]["version"]) == (expected.backend[app["target"]], version)


def test_nothing_of_the_project_is_imported(tmp_path: Path) -> None:
    bomb = "raise SystemExit('imported')"
    lay_out(tmp_path, {"tasks.py": APP + f"\n    {bomb}\n", "celeryconfig.py": bomb, "conftest.py": bomb})
    assert [app["target"] for app in seen(str(tmp_path))["apps"]] == ["tasks:app"]


def test_the_live_configuration_is_compared_with_what_the_files_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = """
    import os

    app.conf.result_expires = int(os.environ.get("SHOP_EXPIRES", 60))
    app.conf.task_ignore_result = bool(os.getpid())
    app.conf.result_serializer = "yaml"
    app.conf.redis_password = os.environ.get("SHOP_PASSWORD", "")
    """
    lay_out(tmp_path, {"livelyshop.py": textwrap.dedent(APP) + textwrap.dedent(settings)})
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SHOP_EXPIRES", "90")
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2-of-the-shop")
    report = seen(str(tmp_path), "-A", "livelyshop")
    text = run(str(tmp_path), "-A", "livelyshop").output
    sys.modules.pop("livelyshop", None)
    jsonschema.validate(report, SCHEMA)
    assert report["notes"] == []
    found = {one["setting"]: (one["read"], one["live"]) for one in report["live"]}
    assert found.pop("task_ignore_result")[1] is True
    assert found == {"result_expires": (60, 90), "redis_password": ("", "***")}
    assert "hunter2" not in json.dumps(report) + text


def test_an_app_of_another_project_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path / "here", {"one.py": APP})
    lay_out(tmp_path / "there", {"strangershop.py": APP})
    monkeypatch.syspath_prepend(str(tmp_path / "there"))
    report = seen(str(tmp_path / "here"), "-A", "strangershop")
    sys.modules.pop("strangershop", None)
    assert report["live"] is None
    assert "strangershop is none of the apps" in report["notes"][0]
    assert "one:app" in report["notes"][0]


def test_an_app_that_celery_refuses_to_configure_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = "app.conf.update(CELERY_RESULT_SERIALIZER='json', result_expires=60, task_ignore_result=True)"
    lay_out(tmp_path, {"mixedshop.py": textwrap.dedent(APP) + mixed + "\n"})
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run(str(tmp_path), "-A", "mixedshop")
    sys.modules.pop("mixedshop", None)
    assert result.exit_code == 2
    assert "cannot be loaded (ImproperlyConfigured" in result.output


@pytest.mark.redis
def test_servers_are_asked_only_where_that_is_asked_for(tmp_path: Path, redis_url: str) -> None:
    lay_out(tmp_path, {"tasks.py": APP.replace("redis://localhost/1", redis_url)})
    assert seen(str(tmp_path))["probes"] is None
    probes = {one["setting"]: one for one in seen(str(tmp_path), "--probe", "--timeout", "1")["probes"]}
    assert probes["result_backend"]["kind"] == "redis"
    assert probes["result_backend"]["facts"]["maxmemory_policy"] == "noeviction"
    assert probes["result_backend"]["error"] is None


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"notes.txt": "no Python here"}, "No Celery app was found in 1 files."),
        ({"broken.py": "from celery import Celery\napp = Celery(", "tasks.py": APP}, "broken.py:2: it is no Python"),
        ({"latin.py": b"# caf\xe9\nfrom celery import Celery\napp = Celery('x')\n"}, "App latin:app"),
        ({"nul.py": b"from celery import Celery\0\n"}, "nul.py"),
        ({"huge.py": b"x = 'celery Celery'\n" + b"#" * MOST_BYTES, "tasks.py": APP}, "huge.py: it has 2,0"),
    ],
    ids=["no Celery", "broken syntax", "Latin-1", "a NUL byte", "a huge file"],
)
def test_it_reports_what_it_cannot_read_and_goes_on(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    lay_out(tmp_path, files)
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert said in " ".join(result.output.split())


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a/tasks.py": APP})
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert len(seen(str(tmp_path))["apps"]) == 1


@pytest.mark.parametrize(("name", "said"), [("nowhere", "does not exist"), ("file.py", "is a file")])
def test_a_path_that_is_no_folder_is_wrong_usage(name: str, said: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"file.py": APP})
    result = run(str(tmp_path / name))
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


SECRETS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789@:/#?%&=!", min_size=8, max_size=24).map(
    lambda text: f"Zq7{text}"
)

PLACES = {
    "tasks.py": """
from celery import Celery
import os
# {comment}
app = Celery("shop", broker="amqp://user:{in_broker}@mq.example.org//", backend="redis://:{in_backend}@db.example.org/1")
app.conf.redis_password = "{in_setting}"
app.conf.result_backend_transport_options = {{"master_name": "m", "sentinel_kwargs": {{"password": "{in_option}"}}}}
app.conf.update(mongodb_backend_settings={{"host": "mongodb://u:{in_mongodb}@h/x"}}, result_exchange="{in_text}")
TOKEN = os.environ.get("RESULT_TOKEN", "{in_default}")


@app.task(queue="{in_task}")
def send(text="{in_argument}"):
    "{in_docstring}"
    return send.delay("{in_call}").get(timeout=5)
""",
    ".env": "RESULT_PASSWORD={in_env}\nINNOCENT={in_innocent}\nREDIS_URL=redis://:{in_env_url}@h/0\n",
    "compose.yaml": """
services:
  cache:
    image: redis:7
    command: redis-server --requirepass {in_command}
    environment:
      REDIS_PASSWORD: "{in_compose}"
  worker:
    build: .
    command: celery -A tasks worker
    environment:
      - SECRET_KEY={in_worker}
""",
}


NAMES = sorted({field for text in PLACES.values() for _, field, *_ in Formatter().parse(text) if field})


@settings(max_examples=25, deadline=None)
@given(secrets=st.lists(SECRETS, min_size=len(NAMES), max_size=len(NAMES), unique=True))
def test_no_secret_is_ever_shown(secrets: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    values = dict(zip(NAMES, secrets, strict=True))
    root = tmp_path_factory.mktemp("secrets")
    lay_out(root, {path: text.format(**values) for path, text in PLACES.items()})
    for arguments in ([str(root)], [str(root), "--json"]):
        result = run(*arguments)
        assert result.exit_code == 0
        shown = [name for name, value in values.items() if value in result.output]
        assert shown == []


@pytest.mark.parametrize("password", ["1", "redis", "path", "null", "true", '": "', "shop", "line", "\\"])
def test_a_password_that_is_a_word_of_the_report_does_not_break_it(password: str, tmp_path: Path) -> None:
    code = f'from celery import Celery\n\napp = Celery("shop")\napp.conf.redis_password = {password!r}\n'
    lay_out(tmp_path, {"shop.py": code, ".env": f"PASSWORD='{password}'"})
    report = seen(str(tmp_path))
    app = report["apps"][0]
    assert (app["target"], app["path"], app["settings"][0]["value"]) == ("shop:app", "shop.py", "***")
    assert report["env_files"][0]["path"] == ".env"
