"""The finer points of the rules about compatibility: what is reported, and what is left alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rootcellar.specialist.check import check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.project import Probe, Project
from unit.rules.marked import found_in, marked_in


def app_on(backend: str, mark: str = "", broker: str = "amqp://localhost") -> str:
    return f"from celery import Celery\n\napp = Celery('bank', broker='{broker}', backend='{backend}'){mark}\n"


ON_REDIS = app_on("redis://results/0")
LACKS = "  # <- RC501"
OLD_RPC = {"requirements.txt": "celery==5.6.3\n"}
BROKER = "services:\n  broker:\n    image: rabbitmq:{tag}{mark}\n{more}"
PORT = "    ports:\n      - 5672:5672\n"

#: name → files
DRIVERS: dict[str, dict[str, str]] = {
    "nothing but Celery": {"requirements.txt": "celery==5.6.3\n", "tasks.py": app_on("redis://results/0", LACKS)},
    "no requirements at all": {"tasks.py": ON_REDIS},
    "requirements of something else": {"requirements.txt": "mkdocs\n", "tasks.py": ON_REDIS},
    "an extra": {"requirements.txt": "celery[redis]==5.6.3\n", "tasks.py": ON_REDIS},
    "kombu's extra": {"requirements.txt": "celery==5.6.3\nkombu[redis]\n", "tasks.py": ON_REDIS},
    "a package that brings it": {"requirements.txt": "celery==5.6.3\ndjango-redis\n", "tasks.py": ON_REDIS},
    "another package's extra": {"requirements.txt": "celery==5.6.3\nlimits[redis]\n", "tasks.py": ON_REDIS},
    "a lock file that knows all": {
        "requirements.txt": "celery==5.6.3\nrq\n",
        "poetry.lock": '[[package]]\nname = "celery"\nversion = "5.6.3"\n\n[[package]]\nname = "rq"\nversion = "2.6"\n',
        "tasks.py": app_on("redis://results/0", LACKS),
    },
    "an environment that has it": {
        "requirements.txt": "celery==5.6.3\nour-base\n",
        ".venv/pyvenv.cfg": "",
        ".venv/lib/python3.12/site-packages/redis-7.0.0.dist-info/METADATA": "",
        "tasks.py": ON_REDIS,
    },
    "a folder without an app that has it": {
        "requirements.txt": "celery==5.6.3\n", "docker/requirements.txt": "redis\n", "tasks.py": ON_REDIS
    },
    "another app's folder that has it": {
        "one/requirements.txt": "celery==5.6.3\n", "one/tasks.py": app_on("redis://results/0", LACKS),
        "two/requirements.txt": "celery[redis]==5.6.3\n", "two/tasks.py": ON_REDIS,
    },
    "a backend that needs none": {"requirements.txt": "celery==5.6.3\n", "tasks.py": app_on("rpc://")},
    "a backend that is not known": {
        "requirements.txt": "celery==5.6.3\n",
        "tasks.py": "import os\nfrom celery import Celery\n\napp = Celery(backend=os.environ['RESULTS'])\n",
    },
    "our store": {"requirements.txt": "celery==5.6.3\nrootcellar[redis]\n", "tasks.py": app_on("cellar+redis://r/0")},
    "our store on PostgreSQL": {
        "requirements.txt": "celery==5.6.3\nrootcellar[postgres]\n", "tasks.py": app_on("cellar+postgresql://r/x")
    },
    "our store without its driver": {
        "requirements.txt": "celery==5.6.3\nrootcellar\n", "tasks.py": app_on("cellar+postgresql://r/x", LACKS)
    },
    "SQLAlchemy without a driver": {
        "requirements.txt": "celery[sqlalchemy]==5.6.3\n", "tasks.py": app_on("db+postgresql://results/x", LACKS)
    },
    "any of two drivers": {
        "requirements.txt": "celery[sqlalchemy]==5.6.3\npsycopg2-binary\n", "tasks.py": app_on("db+postgresql://r/x")
    },
    "the old library for Memcached": {
        "requirements.txt": "celery==5.6.3\npylibmc\n", "tasks.py": app_on("cache+memcached://one/")
    },
    "the old library for Memcached on 5.7": {
        "requirements.txt": "celery==5.7.0\npylibmc\n", "tasks.py": app_on("cache+memcached://one/", LACKS)
    },
}  # fmt: skip

FIT: dict[str, dict[str, str]] = {
    "a release that is not on record, like both its neighbours": {
        "requirements.txt": "celery==5.5.1\nkombu==5.4.2  # <- RC502\n"
    },
    "a release whose neighbours differ": {"requirements.txt": "celery[redis]==5.3.4\nredis==6.0.0\n"},
    "a release with one neighbour": {"requirements.txt": "celery==5.6.9\nkombu==5.5.4\n"},
    "a range": {"requirements.txt": "celery>=5.5,<5.6\nkombu==5.3.7\n"},
    "what an extra limits": {"requirements.txt": "celery[redis]==5.4.0\nredis==6.4.0  # <- RC502\n"},
    "the same without the extra": {"requirements.txt": "celery==5.4.0\nredis==6.4.0\n"},
    "what an extra of kombu limits": {
        "requirements.txt": "celery[redis]==5.5.3\nkombu==5.5.4\nredis==6.4.0  # <- RC502\n"
    },
    "an extra that is not handed on": {"requirements.txt": "celery[redis]==5.4.0\nkombu==5.5.4\nredis==5.3.0\n"},
    "one of two Celerys": {
        "requirements.txt": "celery==5.5.3; python_version > '3'\ncelery==5.3.6; python_version > '2'\nkombu==5.3.7\n"
    },
    "two folders": {"one/requirements.txt": "celery==5.5.3\n", "two/requirements.txt": "kombu==5.3.7\n"},
    "two files of a folder, of which one does not fit": {
        "requirements.txt": "celery==5.5.3\nkombu==5.3.7  # <- RC502\n", "requirements-old.txt": "celery==5.3.6\n"
    },
    "two files of a folder": {
        "requirements.txt": "celery==5.5.3\n", "requirements-old.txt": "celery==5.3.6\nkombu==5.3.7\n"
    },
}  # fmt: skip

INSTALLED: dict[str, dict[str, str]] = {
    name: {
        **files,
        ".venv/pyvenv.cfg": "",
        ".venv/lib/python3.12/site-packages/celery-5.4.0.dist-info/METADATA": "",
    }
    for name, files in {
        "a range that has it": {"requirements.txt": "celery>=5.3\n"},
        "a range that has it not": {"requirements.txt": "celery>=5.5  # <- RC504\n"},
        "nothing said": {"requirements.txt": "celery\n"},
        "a lock, which counts before the range": {
            "requirements.txt": "celery>=5.3\n",
            "poetry.lock": '[[package]]\nname = "celery"\nversion = "5.5.3"  # <- RC504\n',
        },
    }.items()
}

QUEUES: dict[str, dict[str, str]] = {
    "a broker by its name": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://broker//"),
        "compose.yaml": BROKER.format(tag="4.3.1", mark="  # <- RC505", more=""),
    },
    "a broker through its published port": {
        **OLD_RPC, "tasks.py": app_on("rpc://"),
        "compose.yaml": BROKER.format(tag="4.3", mark="  # <- RC505", more=PORT),
    },
    "a broker whose port is not published": {
        **OLD_RPC, "tasks.py": app_on("rpc://"), "compose.yaml": BROKER.format(tag="4.3", mark="", more=""),
    },
    "another broker": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://elsewhere//"),
        "compose.yaml": BROKER.format(tag="4.3", mark="", more=PORT),
    },
    "a broker that is older": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://broker//"),
        "compose.yaml": BROKER.format(tag="4.2-management", mark="", more=""),
    },
    "a broker of no certain version": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://broker//"),
        "compose.yaml": BROKER.format(tag="4-management", mark="", more=""),
    },
    "a broker that permits them": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://broker//"),
        "compose.yaml": BROKER.format(tag="4.3", mark="", more=""),
        "rabbitmq.conf": "deprecated_features.permit.transient_nonexcl_queues = true\n",
    },
    "a broker that is no RabbitMQ": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="redis://broker//"),
        "compose.yaml": BROKER.format(tag="4.3", mark="", more=PORT),
    },
    "a manifest": {
        **OLD_RPC, "tasks.py": app_on("rpc://", broker="amqp://broker//"),
        "broker.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: broker\nspec:\n  template:\n"
        "    spec:\n      containers:\n        - name: broker\n          image: rabbitmq:4.3  # <- RC505\n",
    },
}  # fmt: skip

NAMES: dict[str, dict[str, str]] = {
    name: {"celeryconfig.py": text, "tasks.py": "from celery import Celery\n\napp = Celery()\n" + configured}
    for name, text, configured in (
        ("new names", "broker_url = 'amqp://b'\n", "app.config_from_object('celeryconfig')\n"),
        (
            "both, which another rule speaks of",
            "BROKER_URL = 'amqp://b'\nresult_expires = 1\n",
            "app.config_from_object('celeryconfig')\n",
        ),
        (
            "names behind a prefix",
            "CELERY_BROKER_URL = 'amqp://b'\nCELERY_RESULT_EXPIRES = 60\n",
            "app.config_from_object('celeryconfig', namespace='CELERY')\n",
        ),
        ("an old one alone", "BROKER_URL = 'amqp://b'  # <- RC508\n", "app.config_from_object('celeryconfig')\n"),
        (
            "a name that never was",
            "CELERYD_FROBNICATION = 1  # <- RC503\nBROKER_URL = 'amqp://b'  # <- RC508\n",
            "app.config_from_object('celeryconfig')\n",
        ),
        (
            "a name that lives on",
            "CELERYD_CONCURRENCY = 1  # <- RC508\nCELERYBEAT_SCHEDULE = {}\n",
            "app.config_from_object('celeryconfig')\n",
        ),
    )
}

OLD = "kombu==5.2.4"
JSON: dict[str, dict[str, str]] = {
    name: {
        "one/requirements.txt": f"celery==5.2.7\n{first}\n", "one/tasks.py": app_on(*there),
        "two/requirements.txt": f"{second}\n", "two/tasks.py": app_on(*here),
    }
    for name, first, second, there, here in (
        ("a result store in common", f"{OLD}  # <- RC509", "celery==5.4.0", ("redis://r/1",), ("redis://r/1",)),
        ("a broker in common", f"{OLD}  # <- RC509", "celery==5.4.0", ("redis://r/1",), ("redis://r/2",)),
        ("a range of newer ones", f"{OLD}  # <- RC509", "celery>=5.3", ("redis://r/1",), ("redis://r/1",)),
        ("a range of both", OLD, "celery>=5.1", ("redis://r/1",), ("redis://r/1",)),
        ("both older", OLD, OLD, ("redis://r/1",), ("redis://r/1",)),
        ("nothing in common", OLD, "celery==5.4.0", ("redis://r/1", "", "amqp://a"), ("redis://r/2", "", "amqp://b")),
    )
}  # fmt: skip

SUPPORT: dict[str, dict[str, str]] = {
    "a range below": {"requirements.txt": "celery<5  # <- RC511\n"},
    "a range that goes further": {"requirements.txt": "celery>=4\n"},
    "a lock": {
        "requirements.txt": "celery\n",
        "poetry.lock": '[[package]]\nname = "celery"\nversion = "5.1.2"  # <- RC511\n',
    },
}


def _params(*groups: tuple[dict[str, dict[str, str]], tuple[str, ...]]) -> list[Any]:
    return [pytest.param(files, rules, id=name) for cases, rules in groups for name, files in cases.items()]


@pytest.mark.parametrize(
    ("files", "rules"),
    _params(
        (DRIVERS, ("RC501",)),
        (FIT, ("RC502",)),
        (INSTALLED, ("RC504",)),
        (QUEUES, ("RC505",)),
        (NAMES, ("RC503", "RC508")),
        (JSON, ("RC509",)),
        (SUPPORT, ("RC511",)),
    ),
)
def test_what_is_reported_and_what_is_left_alone(files: dict[str, str], rules: tuple[str, ...], tmp_path: Path):
    marked = marked_in(files, tmp_path)
    assert found_in(tmp_path, *rules) == marked


def findings(files: dict[str, str], root: Path, rule: str, **facts: Any) -> list[Any]:
    """Return what a rule finds where the server answers these facts."""
    setting = facts.pop("setting", "result_backend")
    marked_in(files, root)
    project = replace(Project(profile_of(root)), probes=(Probe(setting, "tasks:app", "any", facts),))
    report = check(project, all_rules(), Configuration(Selection((rule,))))
    assert not report.failures
    return list(report.findings)


@pytest.mark.parametrize(
    ("product", "version", "refuses"),
    [("RabbitMQ", "4.3.0", True), ("RabbitMQ", "4.2.5", False), ("LavinMQ", "4.3.0", False), ("RabbitMQ", "", False)],
)
def test_a_live_broker(product: str, version: str, refuses: bool, tmp_path: Path):
    files = {**OLD_RPC, "tasks.py": app_on("rpc://")}
    found = findings(files, tmp_path, "RC505", setting="broker_url", product=product, version=version)
    assert [one.place.path for one in found] == (["tasks.py"] if refuses else [])


PLAIN = ["date_done", "id", "result", "status", "task_id", "traceback"]
EXTENDED = ["args", "kwargs", "name", "queue", "retries", "worker"]


@pytest.mark.parametrize(
    ("requirement", "extended", "columns", "lacking"),
    [
        pytest.param("celery==5.7.0", False, PLAIN, "children", id="5.7"),
        pytest.param("celery==5.7.0", True, [*PLAIN, *EXTENDED], "children, stamps", id="5.7 with result_extended"),
        pytest.param("celery==5.6.3", False, PLAIN, "", id="5.6"),
        pytest.param("celery==5.6.3", True, PLAIN, ", ".join(EXTENDED), id="5.6 with result_extended"),
        pytest.param("celery==5.6.3", True, [*PLAIN, *EXTENDED], "", id="5.6 with result_extended and its columns"),
        pytest.param("celery>=5.5", False, PLAIN, "", id="a range, of which each may run"),
        pytest.param("celery==5.7.0", False, None, "", id="no table yet"),
    ],
)
def test_a_table_that_lacks_columns(
    requirement: str, extended: bool, columns: list[str] | None, lacking: str, tmp_path: Path
):
    files = {
        "requirements.txt": requirement,
        "tasks.py": app_on("db+sqlite:///results.db") + f"app.conf.result_extended = {extended}\n",
    }
    facts = {"table": "celery_taskmeta", "columns": columns} if columns else {"table": None}
    found = findings(files, tmp_path, "RC507", **facts)
    assert [one.message.partition(" lacks ")[2].partition(", which")[0] for one in found] == (
        [lacking] if lacking else []
    )
