"""`rootcellar check -A`: what the loaded app says counts where the files do not say it."""

import json
import subprocess
import sys
from pathlib import Path

from rootcellar.specialist.checking.loaded import as_loaded
from rootcellar.specialist.profile import Place, Setting, Unknown
from rootcellar.specialist.rules.project import Project
from unit.check.hand_made import profile, setting, write


def loaded(root: Path, *settings: Setting, **live: object) -> Project:
    of = profile(root, *settings)
    (app,) = of.apps
    return as_loaded(Project(of, live={app.target: live}))


def test_a_value_that_is_not_known_becomes_the_live_one(tmp_path: Path):
    project = loaded(tmp_path, setting("result_backend", Unknown("why"), 7), result_backend="rpc://")
    (app,) = project.profile.apps
    assert project.engine(app).name == "rpc"
    assert app.where("result_backend") == Place("shop/celery.py", 7)


def test_a_setting_that_the_files_do_not_have_stands_where_the_app_does(tmp_path: Path):
    (app,) = loaded(tmp_path, result_expires=60).profile.apps
    assert app.known("result_expires") == 60
    assert app.where("result_expires") == app.place


def test_a_default_adds_nothing(tmp_path: Path):
    (app,) = loaded(tmp_path, task_ignore_result=False).profile.apps
    assert app.settings == ()


def test_what_the_files_say_is_kept_in_front(tmp_path: Path):
    (app,) = loaded(tmp_path, setting("result_expires", 3), result_expires=60).profile.apps
    assert [one.value.data for one in app.all("result_expires")] == [3, 60]
    assert app.get("result_expires").origin == "live"


def test_an_app_that_was_not_loaded_stays_as_it_is(tmp_path: Path):
    of = profile(tmp_path, setting("result_expires", 3))
    assert as_loaded(Project(of, live={"other:app": {"result_expires": 60}})).profile.apps == of.apps


def test_the_command_finds_what_only_the_loaded_app_knows(tmp_path: Path):
    write(
        tmp_path,
        "tasks.py",
        "import json\nfrom celery import Celery\n\napp = Celery('a', backend='redis://localhost/0')\n"
        "app.conf.update(json.loads('{\"result_expires\": 63072000}'))\n",
    )
    command = [sys.executable, "-m", "rootcellar", "check", "--json", "--select", "RC414"]

    def found(*arguments: str) -> list[str]:
        done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return [one["rule"] for one in json.loads(done.stdout)["findings"]]

    assert found() == []
    assert found("-A", "tasks") == ["RC414"]
    mounted = [sys.executable, "-m", "celery", "-A", "tasks", "cellar", *command[3:]]
    done = subprocess.run(mounted, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert [one["rule"] for one in json.loads(done.stdout)["findings"]] == ["RC414"]
