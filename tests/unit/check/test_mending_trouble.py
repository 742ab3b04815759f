"""`rootcellar check --fix` where something stands in its way: it says what, and nothing is lost."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from project_files import lay_out
from rootcellar.cli import cellar
from rootcellar.specialist.mending.write import Writing
from servers import wait_until

CONFIG = """\
broker_url = "amqp://localhost"
result_backend = "rpc://"
result_exchange = "x"
"""
MENDED = """\
broker_url = "amqp://localhost"
result_backend = "rpc://"
result_persistent = True
"""
APP = 'from celery import Celery\n\napp = Celery("shop")\napp.config_from_object("celeryconfig")\n'


def fix(folder: Path, *options: str) -> Result:
    result = CliRunner().invoke(cellar, ["check", str(folder), "--fix", *options], env={"CELERY_RESULT_BACKEND": None})
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def refusals(result: Result) -> list[str]:
    return [line.removeprefix("Not mended: ") for line in result.output.splitlines() if line.startswith("Not mended: ")]


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def python(text: str) -> dict[str, str]:
    return {"tasks.py": f"from celery import Celery\n\n{text}"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a setting that goes and one that comes."""
    lay_out(tmp_path / "project", {"celeryconfig.py": CONFIG, "app.py": APP})
    return tmp_path / "project"


def test_without_anything_in_its_way_it_is_mended(project: Path):
    assert refusals(fix(project)) == []
    assert (project / "celeryconfig.py").read_text() == MENDED


def test_a_read_only_file_stays_as_it_is(project: Path):
    (project / "celeryconfig.py").chmod(0o444)
    result = fix(project)
    assert set(refusals(result)) == {
        "celeryconfig.py:2: the file is read-only",
        "celeryconfig.py:3: the file is read-only",
    }
    assert result.exit_code == 1
    assert files_in(project) == {"celeryconfig.py": CONFIG, "app.py": APP}


def test_in_a_folder_without_permission_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    try:
        lay_out(folder, {"celeryconfig.py": CONFIG, "app.py": APP})
        fix(folder, "--select", "RC0")  # so that all is imported that nobody else may read
        for path in (folder, *folder.iterdir()):
            os.chown(path, 65534, -1) if os.geteuid() == 0 else None
        folder.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            result = fix(folder)
        finally:
            os.seteuid(os.getuid())
        assert {one.partition(": ")[2] for one in refusals(result)} == {"its folder cannot be written to"}
        assert files_in(folder) == {"celeryconfig.py": CONFIG, "app.py": APP}
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_file_that_changes_meanwhile_is_not_overwritten(project: Path, monkeypatch: pytest.MonkeyPatch):
    add = Writing.add

    def and_somebody_else_writes(self: Writing, path: Path, data: bytes) -> None:
        add(self, path, data)
        (project / "celeryconfig.py").write_text(CONFIG + "more = 1\n")

    monkeypatch.setattr(Writing, "add", and_somebody_else_writes)
    result = fix(project)
    assert result.exit_code == 1
    assert "celeryconfig.py has changed since it was read. No file was written. Run the command again." in result.output
    assert files_in(project) == {"celeryconfig.py": CONFIG + "more = 1\n", "app.py": APP}


def test_a_file_that_goes_meanwhile_does_not_come_back(project: Path, monkeypatch: pytest.MonkeyPatch):
    add = Writing.add

    def and_somebody_deletes(self: Writing, path: Path, data: bytes) -> None:
        add(self, path, data)
        (project / "celeryconfig.py").unlink()

    monkeypatch.setattr(Writing, "add", and_somebody_deletes)
    result = fix(project)
    assert (result.exit_code, files_in(project)) == (1, {"app.py": APP})


def test_a_linked_file_is_mended_where_it_is(project: Path):
    (project / "real").mkdir()
    (project / "celeryconfig.py").rename(project / "real/settings.py")
    (project / "celeryconfig.py").symlink_to("real/settings.py")
    fix(project)
    assert (project / "celeryconfig.py").is_symlink()
    assert (project / "real/settings.py").read_text() == MENDED


def test_a_file_with_two_links_is_mended_once(project: Path):
    (project / "other.py").symlink_to("celeryconfig.py")
    (project / "more.py").write_text(APP.replace("celeryconfig", "other"))
    fix(project)
    assert (project / "celeryconfig.py").read_text() == MENDED


def test_a_file_outside_the_project_stays_as_it_is(project: Path, tmp_path: Path):
    (project / "celeryconfig.py").rename(tmp_path / "shared.py")
    (project / "celeryconfig.py").symlink_to(tmp_path / "shared.py")
    assert {one.partition(": ")[2] for one in refusals(fix(project))} == {"the file is a link out of the project"}
    assert (tmp_path / "shared.py").read_text() == CONFIG


def test_beside_a_file_with_a_syntax_error_others_are_mended(project: Path):
    lay_out(project, {"broken.py": "if:\n"})
    fix(project)
    assert (project / "broken.py").read_text() == "if:\n"
    assert (project / "celeryconfig.py").read_text() == MENDED


def test_a_name_in_a_file_with_a_syntax_error_counts_as_a_use(project: Path):
    lay_out(project, {"broken.py": "print result_exchange\n"})
    (refused,) = refusals(fix(project))
    assert refused.endswith(": result_exchange is also used in broken.py:1")


#: what is written, what it becomes, what is said of what is left
TROUBLE = {
    "a setting that is set twice": (
        'app = Celery("t", backend="rpc://", result_exchange="x")\napp.conf.result_persistent = True\n'
        'app.conf.result_exchange = "y"\napp.conf["result_exchange"] = "z"\n',
        'app = Celery("t", backend="rpc://")\napp.conf.result_persistent = True\n',
        [],
    ),
    "a setting that a later one would overrule": (
        'app = Celery("t", backend="rpc://")\napp.conf.result_persistent = False\n',
        'app = Celery("t", backend="rpc://")\napp.conf.result_persistent = True\n',
        [],
    ),
    "a setting that is set only sometimes": (
        'import os\n\napp = Celery("t", backend="rpc://")\nif os.environ.get("LOCAL"):\n'
        "    app.conf.result_persistent = False\n",
        None,
        ["tasks.py:7: result_persistent is set in tasks.py:7 under a condition"],
    ),
    "a backend that is set only sometimes": (
        'import os\n\napp = Celery("t")\nif os.environ.get("X"):\n    app.conf.result_backend = "rpc://"\n'
        '    app.conf.result_exchange = "x"\n',
        'import os\n\napp = Celery("t")\nif os.environ.get("X"):\n    app.conf.result_backend = "rpc://"\n'
        "    app.conf.result_persistent = True\n",
        [],
    ),
    "a value of several lines with a comment inside": (
        'app = Celery("t", backend="rpc://", result_persistent=True)\napp.conf.result_exchange = (\n    # why\n'
        '    "x"\n    "y"\n)  # gone\napp.conf.timezone = "UTC"\n',
        'app = Celery("t", backend="rpc://", result_persistent=True)\napp.conf.timezone = "UTC"\n',
        [],
    ),
    "a dictionary before which others are spread": (
        'defaults = {"timezone": "UTC"}\napp = Celery("t")\n'
        'app.conf.update({**defaults, "result_backend": "rpc://", "result_exchange": "x"})\n',
        'defaults = {"timezone": "UTC"}\napp = Celery("t")\n'
        'app.conf.update({**defaults, "result_backend": "rpc://", "result_persistent": True})\n',
        [],
    ),
    "keywords behind which others are spread": (
        'defaults = {"timezone": "UTC"}\napp = Celery("t", backend="rpc://", **defaults)\n',
        None,
        ["tasks.py:4: it is not certain that result_persistent can be given there"],
    ),
    "a dictionary of two apps of which one needs it": (
        'common = {\n    "result_compression": "gzip",\n    "timezone": "UTC",\n}\n'
        'one = Celery("one", backend="db+sqlite:///one.db")\none.conf.update(common)\n'
        'two = Celery("two", backend="mongodb://localhost/two")\ntwo.conf.update(common)\n',
        None,
        ["tasks.py:4: tasks:two is configured there too, and may need it as it is"],
    ),
    "a dictionary of two apps of which none needs it": (
        'common = {\n    "result_compression": "gzip",\n    "timezone": "UTC",\n}\n'
        'one = Celery("one", backend="db+sqlite:///one.db")\none.conf.update(common)\n'
        'two = Celery("two", backend="db+sqlite:///two.db")\ntwo.conf.update(common)\n',
        'common = {\n    "timezone": "UTC",\n}\n'
        'one = Celery("one", backend="db+sqlite:///one.db")\none.conf.update(common)\n'
        'two = Celery("two", backend="db+sqlite:///two.db")\ntwo.conf.update(common)\n',
        [],
    ),
    "a setting that the project's own code reads": (
        'app = Celery("t", backend="rpc://", result_persistent=True, result_exchange="x")\n'
        'print(f"to {app.conf.result_exchange!r}")\n',
        None,
        ["tasks.py:3: result_exchange is also used in tasks.py:4"],
    ),
    "a setting that the project's own code reads by its name": (
        'app = Celery("t", backend="rpc://", result_persistent=True, result_ttl=3)\nage = app.conf.get("result_ttl")\n',
        None,
        ["tasks.py:3: result_ttl is also used in tasks.py:4"],
    ),
    "a name that only a comment and a docstring speak of": (
        'app = Celery("t", backend="rpc://", result_persistent=True, result_ttl=3)  # result_ttl\n\n\ndef f():\n'
        '    """Mind result_ttl."""\n',
        'app = Celery("t", backend="rpc://", result_persistent=True)  # result_ttl\n\n\ndef f():\n'
        '    """Mind result_ttl."""\n',
        [],
    ),
    "a misspelt setting beside the right one": (
        'app = Celery("t", backend="rpc://", result_persistent=True, result_expires=60, result_expire=3600)\n',
        None,
        ["tasks.py:3: result_expires is set in tasks.py:3"],
    ),
    "a list that is worked out": (
        'import os\n\napp = Celery("t")\napp.conf.accept_content = os.environ.get("A", "json,pickle").split(",")\n',
        None,
        ["tasks.py:6: the value of accept_content is worked out, and not written out"],
    ),
    "a field of a settings class": (
        'from dataclasses import asdict, dataclass\n\n\n@dataclass\nclass Settings:\n    result_backend: str = "rpc://"\n'
        '    result_persistent: bool = True\n    result_exchange: str = "x"\n\n\n'
        'app = Celery("t")\napp.conf.update(asdict(Settings()))\n',
        None,
        ["tasks.py:10: result_exchange is a field of a class, which may be filled from elsewhere"],
    ),
    "a value for the project's own class": (
        'def settings(result_backend):\n    return {"result_backend": result_backend}\n\n\napp = Celery("t")\n'
        'app.conf.update(settings(result_backend="rpc://"))\n',
        'def settings(result_backend):\n    return {"result_backend": result_backend, "result_persistent": True}\n\n\n'
        'app = Celery("t")\napp.conf.update(settings(result_backend="rpc://"))\n',
        [],
    ),
    "an f-string": (
        'host = "h"\napp = Celery("t", backend=f"rpc://{host}", result_exchange=f"to-{host}")\n',
        'host = "h"\napp = Celery("t", backend=f"rpc://{host}", result_persistent=True)\n',
        [],
    ),
    "a character of several bytes before it": (
        'app = Celery("t", backend="rpc://", result_persistent=True)\n'
        'app.conf.update(app_name="ü€", result_exchange="x"); print("ü", app)\n',
        'app = Celery("t", backend="rpc://", result_persistent=True)\n'
        'app.conf.update(app_name="ü€"); print("ü", app)\n',
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "becomes", "said"), TROUBLE.values(), ids=TROUBLE)
def test_it_is_known_what_to_do_with(text: str, becomes: str | None, said: list[str], tmp_path: Path):
    lay_out(tmp_path, python(text))
    result = fix(tmp_path)
    after = files_in(tmp_path)
    assert after == python(text if becomes is None else becomes), result.output
    assert refusals(result) == said
    again = fix(tmp_path)
    assert files_in(tmp_path) == after
    assert "mended." not in again.stderr


MANY = 60


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Path]:
    """A project of many apps, and a long file."""
    app = 'from celery import Celery\n\napp = Celery("a", backend="rpc://", result_exchange="x")\n'
    lay_out(tmp_path / "many", {f"app{number:03}.py": app for number in range(MANY)})
    return tmp_path / "many"


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "rootcellar", "check", str(folder), "--fix", "--select", "RC211"]


def test_where_a_disk_is_full_no_file_is_changed(many: Path):
    with (many / "app050.py").open("a") as file:
        file.write("# much\n" * 2_000)
    before = files_in(many)
    limit = 10_000

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(command(many), capture_output=True, text=True, preexec_fn=little_room)
    assert (done.returncode, files_in(many)) == (1, before)
    assert done.stderr.splitlines()[-1] == ("Error: app050.py cannot be written (File too large). No file was changed.")


def test_an_interruption_leaves_all_files_or_none_changed(many: Path):
    before = files_in(many)
    process = subprocess.Popen(command(many), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = many / "app000.py"

    def is_writing() -> bool:
        return any(name.endswith(".tmp") for name in os.listdir(many)) or first.read_text() != before[first.name]

    wait_until(lambda: process.poll() is not None or is_writing(), "it writes")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said.splitlines()[-1]) == (130, "Interrupted.")
    after = {path: text.replace(', result_exchange="x"', "") for path, text in before.items()}
    assert files_in(many) in (before, after)
