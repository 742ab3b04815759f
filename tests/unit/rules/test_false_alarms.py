"""What looks like a mistake and is none; and, beside it, what is one. A marked line is one where that rule reports."""

from pathlib import Path

import pytest

from unit.rules.marked import findings_in, found_in, marked_in

APP = "from celery import Celery\n\napp = Celery('bank', broker='amqp://localhost', backend='{}')\n"
TASK = "\n\n@app.task\ndef add(x, y):\n    return x + y\n"

CASES: dict[str, dict[str, str]] = {
    "what is got once it is there": {
        "app.py": APP.format("redis://localhost/0") + TASK,
        "web.py": """
from celery.result import AsyncResult

from app import app


def show(id):
    result = AsyncResult(id, app=app)
    if result.ready():
        return result.get()
    return None


async def look(id):
    result = AsyncResult(id, app=app)
    return result.get() if result.ready() else None


def wait(id):
    return AsyncResult(id, app=app).get()  # <- RC219


async def hold(id):
    return AsyncResult(id, app=app).get(timeout=3)  # <- RC232
""",
    },
    "a timeout that is handed on": {
        "app.py": APP.format("redis://localhost/0") + TASK,
        "web.py": "from app import add\n\n\ndef show(**options):\n    return add.delay(1, 2).get(**options)\n\n\n"
        "def tell():\n    options = {'timeout': 3}\n    return add.delay(1, 2).get(**options)\n\n\n"
        "def wait():\n    options = {'propagate': False}\n    return add.delay(1, 2).get(**options)  # <- RC219\n",
    },
    "a loop that sends, and looks at what it sent": {
        "app.py": APP.format("redis://localhost/0") + TASK,
        "run.py": """
import time

from app import add


def each(numbers):
    for number in numbers:
        result = add.delay(number, 1)
        print(result.ready())
        time.sleep(1)


def one(number):
    result = add.delay(number, 1)
    for _ in range(30):  # <- RC416
        if result.ready():
            break
        time.sleep(1)
""",
    },
    "a store in memory, of tasks that run where they are called": {
        "app.py": APP.format("cache+memory://") + "app.conf.task_always_eager = True\n" + TASK
    },
    "a store in memory": {
        "app.py": "from celery import Celery\n\napp = Celery('bank', backend='cache+memory://')  # <- RC309\n" + TASK
    },
    "old names that were never any, and change nothing": {
        "app.py": APP.format("redis://localhost/0")
        + "app.conf.update(CELERY_ENABLE_UTC=True)\napp.conf.update(CELERY_ENABLE_UTC=False)  # <- RC228\n"
    },
    "a host that is none": {"app.py": APP.format("redis://change-me.invalid:6379/0")},
    "a key that is made once and kept": {
        "keys.py": """
import os
import secrets

FILE = ".secret"
if os.path.exists(FILE):
    with open(FILE) as stream:
        SIGNING_KEY = stream.read()
else:
    SIGNING_KEY = secrets.token_hex()
    with open(FILE, "w") as stream:
        stream.write(SIGNING_KEY)

SECRET_KEY = secrets.token_hex()  # <- RC116
"""
    },
    "beat that a script starts": {
        "app.py": APP.format("db+postgresql://localhost/x") + TASK,
        "compose.yaml": "services:\n  worker:\n    build: .\n    command: celery -A app worker\n"
        "  beat:\n    build: .\n    command: /start-celerybeat\n",
    },
    "no beat, and a heart that has one": {
        "app.py": "from celery import Celery\n\n"
        "app = Celery('bank', backend='db+postgresql://localhost/x')  # <- RC301\n" + TASK,
        "compose.yaml": "services:\n  worker:\n    build: .\n    command: celery -A app worker\n"
        "  watch:\n    build: .\n    command: send-heartbeat\n",
    },
    "what is about a secret, or is to be known": {
        "conf.py": "TOKEN_ALGO = 'HS256'\nJWT_ALG = 'RS256x'\nPASSWORD_ROUNDS = '12000x'\n"
        "HOST_RSA_KEY = 'AAAAB3NzaC1yc2EAAAABIwAAAQEAq2A7hRGmdnm9tUDbO9ID'\n"
        "TOKEN = 'Kd8wQz2mVb5x'  # <- RC101\n"
    },
    "a login of the machine's own, the name twice": {
        "app.py": "from celery import Celery\n\napp = Celery('bank', broker='amqp://bank:bank@localhost//')\n"
        "other = Celery('till', broker='amqp://till:Kd8wQz2m@localhost//')  # <- RC101\n"
    },
    "settings for tests": {
        "bank/settings/test.py": "SECRET_KEY = 'Kd8wQz2mVb5x'\n",
        "bank/settings/local.py": "SECRET_KEY = 'Kd8wQz2mVb5x'  # <- RC101\n",
    },
    "an example with words for passwords": {
        ".env.example": "REDIS_PASSWORD=securedbypassword123\nDB_PASSWORD=bank123456\nMAIL_PASSWORD=mailpassword\n"
        "BROKER_URL=amqp://bank:bank-secret1@mq//\nKEY_PASSWORD=Kd8wQz2m  # <- RC105\n"
    },
}
RULES = ("RC101", "RC105", "RC107", "RC116", "RC219", "RC228", "RC232", "RC301", "RC309", "RC416")


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_the_rules_find_the_marked_lines_and_no_others(files: dict[str, str], tmp_path: Path) -> None:
    marked = marked_in(files, tmp_path)
    assert found_in(tmp_path, *RULES) == marked


def test_a_url_in_a_list_of_variables_is_reported_once(tmp_path: Path) -> None:
    text = "services:\n  web:\n    image: bank\n    environment:\n      - DATABASE_URL=postgresql://b:Kd8wQz2m@db/b\n"
    (tmp_path / "compose.yaml").write_text(text)
    found = findings_in(tmp_path, "RC106")
    assert [(one.place.line, "DATABASE_URL" in one.message) for one in found] == [(5, True)]
