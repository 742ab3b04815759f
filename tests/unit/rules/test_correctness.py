"""The finer points of the rules about correctness: what is reported, and what is left alone.

A project is files by name; a line that ends with ``# <- RC231`` is one in which that rule finds something, and no
other line is.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from rootcellar.specialist.check import check
from rootcellar.specialist.checking.configuration import Configuration
from rootcellar.specialist.checking.selection import Selection
from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.settings_values import _long

_MARK = re.compile(r" *# <- (RC\d{3})$")

RULES = all_rules()
APP = 'from celery import Celery, chord\n\napp = Celery("bank", broker="amqp://localhost", backend="{backend}")\n'
MODULE = {"tasks.py": 'from celery import Celery\n\napp = Celery("bank")\napp.config_from_object("celeryconfig")\n'}
TASKS = """
@app.task
def add(x, y):
    return x + y


@app.task(ignore_result=True)
def tell(whom):
    print(whom)
"""


def app_on(backend: str, more: str = "") -> str:
    return APP.format(backend=backend) + more + TASKS


def found_in(files: Mapping[str, str], root: Path, rule: str) -> tuple[list[str], list[str]]:
    """Return the places the rule reports and those that are marked."""
    marked = []
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        lines = text.lstrip("\n").splitlines()
        marked += [f"{name}:{number}" for number, line in enumerate(lines, 1) if _MARK.search(line)]
        (root / name).write_text("\n".join(_MARK.sub("", line) for line in lines) + "\n", "utf-8")
    report = check(Project(profile_of(root)), RULES, Configuration(Selection((rule,))))
    assert not report.failures
    return [str(one.place) for one in report.findings], marked


CASES: dict[str, tuple[str, dict[str, str]]] = {
    "a name of a later Celery is unknown to this one": (
        "RC201",
        {
            **MODULE,
            "requirements.txt": "celery==5.4.0",
            "celeryconfig.py": "result_backend = 'db+sqlite:///x'\ndatabase_create_tables_at_setup = True  # <- RC201",
        },
    ),
    "settings of other packages are not Celery's": (
        "RC201",
        {**MODULE, "celeryconfig.py": "redbeat_redis_url = 'redis://localhost'\nresult_backend = 'redis://localhost'"},
    ),
    "a setting that Celery reads and does not declare is known": (
        "RC201",
        {**MODULE, "celeryconfig.py": "redis_backend_health_check_interval = 30\nresult_backend_thread_safe = True"},
    ),
    "text of digits is right where Celery converts it": (
        "RC202",
        {**MODULE, "celeryconfig.py": "result_backend = 'redis'\nredis_port = '6379'\nredis_socket_timeout = '5'"},
    ),
    "a list of brokers, TLS options of a broker and one module are right": (
        "RC202",
        {
            **MODULE,
            "celeryconfig.py": "broker_url = ['amqp://a', 'amqp://b']\nbroker_use_ssl = {'ca_certs': 'x'}\n"
            "imports = 'bank.tasks'\nredis_backend_use_ssl = None\nbroker_pool_limit = None",
        },
    ),
    "a timedelta is right for result_expires only where Celery takes one": (
        "RC202",
        {
            **MODULE,
            "celeryconfig.py": "from datetime import timedelta\n\nresult_expires = timedelta(1)\n"
            "result_extended = timedelta(1)  # <- RC202",
        },
    ),
    "a value that cannot be known is of no wrong type": (
        "RC202",
        {**MODULE, "celeryconfig.py": "import os\n\nresult_expires = load()\nredis_db = os.environ['DB']"},
    ),
    "a timedelta of decades is in the wrong unit too": (
        "RC203",
        {
            **MODULE,
            "celeryconfig.py": "from datetime import timedelta\n\nresult_expires = timedelta(days=86400)  # <- RC203",
        },
    ),
    "settings of a backend that cannot be known are left alone": (
        "RC204",
        {
            **MODULE,
            "celeryconfig.py": "import os\n\nresult_backend = os.environ['RESULTS']\nredis_max_connections = 20",
        },
    ),
    "a setting of this backend that its Celery does not have yet is no other backend's": (
        "RC204",
        {
            **MODULE,
            "requirements.txt": "celery==5.4.0",
            "celeryconfig.py": "result_backend = 'db+sqlite:///x'\ndatabase_create_tables_at_setup = True",
        },
    ),
    "without a result backend no engine's settings are read": (
        "RC204",
        {**MODULE, "celeryconfig.py": "broker_url = 'redis://localhost'\nredis_max_connections = 20  # <- RC204"},
    ),
    "result_persistent is RPC's": (
        "RC204",
        {
            **MODULE,
            "celeryconfig.py": "result_backend = 'redis://localhost'\nresult_persistent = True  # <- RC204",
        },
    ),
    "a setting under its old and its new name is not mixed": (
        "RC205",
        {**MODULE, "celeryconfig.py": "result_backend = 'rpc://'\nCELERY_RESULT_BACKEND = 'rpc://'"},
    ),
    "in a configuration that is mostly old the new name is reported": (
        "RC205",
        {
            **MODULE,
            "celeryconfig.py": "CELERY_RESULT_BACKEND = 'rpc://'\nCELERY_TASK_SERIALIZER = 'json'\n"
            "result_expires = 60  # <- RC205",
        },
    ),
    "a later update of an old configuration is not mixed": (
        "RC205",
        {
            "tasks.py": MODULE["tasks.py"] + "app.conf.update(result_expires=60)\n",
            "celeryconfig.py": "CELERY_RESULT_BACKEND = 'rpc://'",
        },
    ),
    "a Redis URL of rootcellar's has settings of its own": (
        "RC208",
        {
            **MODULE,
            "celeryconfig.py": "result_backend = 'cellar+redis://localhost'\nredis_socket_keepalive_options = {1: 1}",
        },
    ),
    "sentinel_kwargs may hold TLS options": (
        "RC209",
        {
            **MODULE,
            "celeryconfig.py": "result_backend = 'sentinel://localhost'\n"
            "result_backend_transport_options = {'master_name': 'm', 'sentinel_kwargs': {'ssl': True}}",
        },
    ),
    "pool options where nothing outside of tasks reads results are left alone": (
        "RC210",
        {"tasks.py": app_on("db+sqlite:///x", "app.conf.database_engine_options = {'pool_size': 5}\n")},
    ),
    "a periodic task may drop runs that come too late": (
        "RC212",
        {
            "tasks.py": app_on("redis://localhost").replace("@app.task\n", "@app.task(expires=86400)\n")
            + "\n\napp.conf.beat_schedule = {'a': {'task': 'tasks.add', 'schedule': 60}}\n"
        },
    ),
    "a task that ignores its result can only mean its message": (
        "RC212",
        {"tasks.py": app_on("redis://localhost").replace("(ignore_result=True)", "(ignore_result=True, expires=9999)")},
    ),
    "a chord on Redis runs with members that ignore their results": (
        "RC215",
        {
            "tasks.py": app_on("redis://localhost"),
            "call.py": "from celery import chord\nfrom tasks import add, tell\n\n"
            "chord([tell.s(1), tell.s(2)])(add.si(1, 1))",
        },
    ),
    "a chord on MongoDB does not": (
        "RC215",
        {
            "tasks.py": app_on("mongodb://localhost"),
            "call.py": "from celery import chord\nfrom tasks import add, tell\n\n"
            "chord([tell.s(1), tell.s(2)])(add.si(1, 1))  # <- RC215",
        },
    ),
    "a call that asks for the result gets it": (
        "RC215",
        {
            "tasks.py": app_on("redis://localhost"),
            "call.py": "from tasks import tell\n\n"
            "result = tell.apply_async(('Ada',), ignore_result=False)\nresult.get(timeout=5)",
        },
    ),
    "only the first use of a task is reported where results are ignored globally": (
        "RC216",
        {
            "tasks.py": app_on("redis://localhost", "app.conf.task_ignore_result = True\n"),
            "call.py": "from tasks import add\n\n"
            "add.delay(1, 1).get(timeout=5)  # <- RC216\nadd.delay(1, 2).get(timeout=5)",
        },
    ),
    "a configuration that could not be read may set a backend": (
        "RC217",
        {
            "tasks.py": "from celery import Celery\n\napp = Celery('bank')\napp.config_from_object(load())\n" + TASKS,
            "call.py": "from tasks import add\n\nadd.delay(1, 1).get(timeout=5)",
        },
    ),
    "get in a test has no timeout and no finding": (
        "RC219",
        {
            "tasks.py": app_on("redis://localhost"),
            "tests/test_add.py": "from tasks import add\n\n\ndef test_add():\n    assert add.delay(1, 1).get() == 2",
        },
    ),
    "a timeout by position counts, and None is none": (
        "RC219",
        {
            "tasks.py": app_on("redis://localhost"),
            "call.py": "from tasks import add\n\nadd.delay(1, 1).get(5)\nadd.delay(1, 1).get(timeout=None)  # <- RC219",
        },
    ),
    "one result object is read twice on RPC without harm": (
        "RC220",
        {
            "tasks.py": app_on("rpc://"),
            "call.py": "from tasks import add\n\n"
            "result = add.delay(1, 1)\nresult.get(timeout=5)\nresult.get(timeout=5)",
        },
    ),
    "a memcached runs chords": (
        "RC221",
        {
            "tasks.py": app_on("cache+memcached://localhost"),
            "call.py": "from celery import chord\nfrom tasks import add\n\nchord([add.s(1, 1)])(add.si(1, 1))",
        },
    ),
    "a memory cache does not": (
        "RC221",
        {
            "tasks.py": app_on("cache+memory://"),
            "call.py": "from celery import chord\nfrom tasks import add\n\n"
            "chord([add.s(1, 1)])(add.si(1, 1))  # <- RC221",
        },
    ),
    "the master's name may be set elsewhere": (
        "RC223",
        {
            **MODULE,
            "celeryconfig.py": "import os\n\nresult_backend = 'sentinel://localhost'\n"
            "result_backend_transport_options = {'master_name': os.environ['MASTER']}",
        },
    ),
    "Redis hosts behind logins are several hosts": (
        "RC224",
        {
            **MODULE,
            "celeryconfig.py": "import os\n\np = os.environ['P']\n"
            "result_backend = f'redis://:{p}@a:6379,:{p}@b:6379/0'  # <- RC224",
        },
    ),
    "redis-cluster:// is no backend of Celery's": (
        "RC224",
        {**MODULE, "celeryconfig.py": "result_backend = 'redis-cluster://a:6379/0'  # <- RC224"},
    ),
    "a private backend object is reported too": (
        "RC225",
        {"tasks.py": app_on("redis://localhost", "app._backend = object()  # <- RC225\n")},
    ),
    "a database before 5.7 pickles what a task returns": (
        "RC226",
        {
            "requirements.txt": "celery==5.6.3",
            "tasks.py": app_on("db+sqlite:///x") + "\n\n@app.task\ndef owners():\n    return {1, 2}\n",
        },
    ),
    "a database from 5.7 on does not": (
        "RC226",
        {
            "requirements.txt": "celery==5.7.0",
            "tasks.py": app_on("db+sqlite:///x") + "\n\n@app.task\ndef owners():\n    return {1, 2}  # <- RC226\n",
        },
    ),
    "the locked kombu says what JSON carries": (
        "RC226",
        {
            "requirements.txt": "celery==5.2.7\nkombu==5.3.4",
            "tasks.py": app_on("redis://localhost").replace(
                "import Celery", "import Celery\nfrom decimal import Decimal"
            )
            + "\n\n@app.task\ndef price():\n    return Decimal(1)\n",
        },
    ),
    "a client that sends another app's tasks shares its store on purpose": (
        "RC227",
        {
            "worker/requirements.txt": "celery",
            "worker/tasks.py": app_on("redis://redis/1"),
            "web/requirements.txt": "celery",
            "web/client.py": APP.format(backend="redis://redis/1") + "\napp.send_task('tasks.add', (1, 1))\n",
        },
    ),
    "a password that is not known does not hide that a database is shared": (
        "RC227",
        {
            "a/requirements.txt": "celery",
            "a/tasks.py": "import os\n" + app_on("X").replace('"X"', "f\"db+postgresql://{os.environ['A']}@db/main\""),
            "b/requirements.txt": "celery",
            "b/jobs.py": "import os\n"
            + app_on("X")
            .replace('"X"', "f\"db+postgresql://{os.environ['B']}@db/main\"")
            .replace('/main")', '/main")  # <- RC227'),
        },
    ),
    "a variable beside the setting with the prefix is no mistake": (
        "RC228",
        {
            "tasks.py": "from celery import Celery\n\napp = Celery('bank')\n"
            "app.config_from_object('settings', namespace='CELERY')\n",
            "settings.py": "BROKER_URL = 'amqp://localhost'\nCELERY_BROKER_URL = BROKER_URL\n"
            "RESULT_BACKEND = 'rpc://'  # <- RC228",
        },
    ),
    "a class of one's own and a URL that is not known are no unknown names": (
        "RC229",
        {**MODULE, "celeryconfig.py": "import os\n\nresult_backend = 'shop.backends:Dual'"},
    ),
    "Celery tells upper from lower case": (
        "RC229",
        {**MODULE, "celeryconfig.py": "result_backend = 'Redis://localhost/0'  # <- RC229"},
    ),
    "a hole in place of the scheme may be anything": (
        "RC229",
        {**MODULE, "celeryconfig.py": "import os\n\nresult_backend = os.environ['KIND'] + '://localhost/0'"},
    ),
    "the variable with the same value is no contradiction": (
        "RC230",
        {"tasks.py": app_on("redis://localhost/1"), ".env": "CELERY_RESULT_BACKEND=redis://localhost/1"},
    ),
    "an example of an env file sets nothing": (
        "RC230",
        {"tasks.py": app_on("redis://localhost/1"), ".env.example": "CELERY_RESULT_BACKEND=redis://localhost/2"},
    ),
    "a value that may not be set is not overridden": (
        "RC231",
        {
            "tasks.py": MODULE["tasks.py"] + "\nif DEBUG:\n    app.conf.result_expires = 60\n",
            "celeryconfig.py": "result_expires = 3600",
        },
    ),
    "an at sign cuts a database's password and not Redis'": (
        "RC234",
        {
            **MODULE,
            "celeryconfig.py": "broker_url = 'redis://:a@b@localhost/0'\n"
            "result_backend = 'db+postgresql://u:a@b@localhost/x'  # <- RC234",
        },
    ),
    "a password that is not known is not judged": (
        "RC234",
        {**MODULE, "celeryconfig.py": "import os\n\nresult_backend = f\"redis://:{os.environ['P']}@localhost/0\""},
    ),
}


@pytest.mark.parametrize(("rule", "files"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_the_rule_finds_the_marked_lines_and_no_others(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    found, marked = found_in(files, tmp_path, rule)
    assert found == marked


@pytest.mark.parametrize(
    ("seconds", "words"), [(1000, "17 minutes"), (864_000, "10 days"), (10**9, "32 years"), (90, "90 seconds")]
)
def test_a_time_is_said_in_the_unit_in_which_it_is_short(seconds: float, words: str) -> None:
    assert _long(seconds) == words
