"""What the rules about drivers and releases say of Celery and kombu, held against those that are installed."""

import datetime
import decimal
import importlib.util
import json
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import celery
import kombu
import kombu.utils.json
import pytest
from packaging.version import Version

from rootcellar.specialist.rules.required import columns_of, handed_on, required

CELERY = Version(Version(celery.__version__).base_version)
_TOOLS = Path(__file__).parents[2] / "tools"
_DATA = Path(required.__code__.co_filename).parent / "data"

#: What stands for a machine on which libraries are missing; prints what using the backend ends with.
_WITHOUT = """
import sys
for name in sys.argv[2].split(","):
    sys.modules[name] = None
from celery import Celery
app = Celery("claims", broker="memory://", backend=sys.argv[1])
try:
    app.backend.get_state("one")
    print("works")
except Exception as exc:
    print(type(exc).__name__)
"""


def without(libraries: str, url: str) -> str:
    """Return what the first use of a backend ends with where libraries are missing: ``works``, or an exception."""
    command = [sys.executable, "-W", "ignore", "-c", _WITHOUT, url, libraries]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.claims("RC501")
@pytest.mark.parametrize(
    ("library", "url"),
    [
        pytest.param("redis", "redis://127.0.0.1:9/0", id="redis-py"),
        pytest.param("pymongo", "mongodb://127.0.0.1:9/results", id="PyMongo"),
        pytest.param("sqlalchemy", "db+sqlite://", id="SQLAlchemy"),
        pytest.param("psycopg", "db+postgresql+psycopg://127.0.0.1:9/results", id="a database's driver"),
    ],
)
def test_a_backend_cannot_be_used_without(library: str, url: str):
    assert without(library, url) in ("ImproperlyConfigured", "ModuleNotFoundError")


@pytest.mark.claims("RC501")
def test_memcached_needs_another_library_since_celery_5_7():
    url, of_old = "cache+memcached://127.0.0.1:9/", "pylibmc,memcache"
    if Version("5.7") <= CELERY:
        pytest.importorskip("pymemcache")
        assert without("pymemcache", url) == "ImproperlyConfigured"
        assert without(of_old, url) != "ImproperlyConfigured"
    else:
        assert without(of_old, url) == "ImproperlyConfigured"


@pytest.mark.claims("RC501")
def test_a_cache_in_memory_needs_no_driver():
    assert without("pylibmc,memcache,pymemcache", "cache+memory://") == "works"


@pytest.mark.claims("RC502")
@pytest.mark.parametrize("name", ["celery", "kombu"])
def test_the_recorded_requirements_are_those_that_the_installed_release_declares(name: str):
    tool = _tool("read_celery_requirements")
    recorded = json.loads((_DATA / "requirements.json").read_text("utf-8"))[name]
    _, version, lines = tool.installed(name)
    if version not in recorded:
        pytest.skip(f"NOT TESTED: no requirements of {name} {version} on record")
    assert recorded[version] == sorted(tool.kept(lines))


@pytest.mark.claims("RC502")
def test_since_5_5_celery_hands_on_to_kombu_which_drivers_it_takes():
    assert handed_on("5.4.0", frozenset({"redis"})) == frozenset()
    assert [handed_on(one, frozenset({"redis"})) for one in ("5.5.3", "5.6.3", "5.7.0")] == [frozenset({"redis"})] * 3


@pytest.mark.claims("RC507")
def test_the_recorded_columns_are_those_of_the_installed_celerys_models():
    recorded = json.loads((_DATA / "columns.json").read_text("utf-8"))
    if celery.__version__ not in recorded:
        pytest.skip(f"NOT TESTED: no columns of Celery {celery.__version__} on record")
    read = _tool("read_celery_columns").read()
    assert columns_of(celery.__version__, extended=False) == set(read["always"])
    assert columns_of(celery.__version__, extended=True) == {*read["always"], *read["extended"]}


@pytest.mark.claims("RC509")
@pytest.mark.parametrize(
    "value",
    [datetime.datetime(2024, 1, 2, 3), datetime.date(2024, 1, 2), uuid.UUID(int=7), decimal.Decimal("0.1"), b"\xff"],
    ids=["a datetime", "a date", "a UUID", "a Decimal", "bytes"],
)
def test_kombu_since_5_3_writes_what_a_reader_of_plain_json_takes_for_a_dictionary(value: Any):
    assert Version(kombu.__version__) >= Version("5.3")
    written = kombu.utils.json.dumps(value)
    assert kombu.utils.json.loads(written) == value
    # Before 5.3 kombu.utils.json.loads() was json.loads().
    assert json.loads(written).keys() == {"__type__", "__value__"}


@pytest.mark.claims("RC509")
def test_what_was_written_as_a_text_stays_one():
    assert kombu.utils.json.loads('"2024-01-02T03:00:00"') == "2024-01-02T03:00:00"


@pytest.mark.claims("RC509")
def test_celery_5_2_takes_a_kombu_of_either_side_and_5_3_only_of_one():
    (old,), (new,) = required("celery", "5.2.7", "kombu"), required("celery", "5.3.0", "kombu")
    assert [old.contains(one) for one in ("5.2.4", "5.3.7")] == [True, True]
    assert [new.contains(one) for one in ("5.2.4", "5.3.7")] == [False, True]


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
