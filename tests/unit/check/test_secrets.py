"""A secret in a whole project: no rule, and no form of output, ever shows it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rootcellar.cli import cellar
from rootcellar.specialist.check import check
from rootcellar.specialist.discover.assemble import profile_of
from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.project import Project
from unit.check.hand_made import write
from unit.check.test_source_line import all_forms

#: files of one project; ``@@`` is where the secret stands
FILES = {
    "shop/__init__.py": "",
    "shop/celery.py": """\
import os
from celery import Celery
from cryptography.fernet import Fernet

app = Celery("shop", broker="amqp://shop:@@@rabbit.example.org//", backend="redis://:@@@cache.example.org:6379/0")
app.conf.update(
    redis_password="@@",
    result_expries="@@",
    result_expires="@@",
    result_serializer="@@",
    accept_content=["@@"],
    database_url="db+postgresql://u:@@@db/x",
    redis_backend_use_ssl={"ssl_cert_reqs": "none", "ssl_password": "@@"},
    result_backend_transport_options={"master_name": "@@", "sentinel_kwargs": {"password": "@@"}, "@@": 1},
    result_compression_level="@@",  # @@
    security_key="@@",
    result_chord_join_timeout=os.environ.get("JOIN", "@@"),
)
box = Fernet(os.environ.get("FERNET_KEY", "@@"))


@app.task(expires=86400, name="@@", result_expires="@@")
def add(a, b):
    "@@"
    return {a, "@@"}


def total():
    result = add.delay(1, "@@")
    return result.get(), result.get()
""",
    "shop/web.py": """\
from flask import Flask
from celery import chord
from celery.result import AsyncResult
from shop.celery import add, app

app.conf.result_backend = f"redis://:{'@@'}@cache:6379/@@"


def view():
    AsyncResult("@@").get()
    return chord([add.s(1, "@@")])(add.s("@@"))
""",
    "other/celeryconfig.py": """\
CELERY_RESULT_BACKEND = "postgresql://u:@@@db.example.org/@@"
BROKER_URL = "redis://u:@@@db.example.org:6379/0"
result_backend = "foo://:@@@x"
CELERY_RESULT_PASSWORD = "@@"
""",
    "other/tasks.py": """\
from celery import Celery

app = Celery("@@")
app.config_from_object("celeryconfig")
app.backend = make("@@")
""",
    ".env": "CELERY_RESULT_BACKEND=redis://:@@@cache:6379/0\nREDIS_PASSWORD=@@\nODD=@@\n",
    ".env.example": "REDIS_PASSWORD=@@\nDATABASE_URL=postgres://u:@@@db/x\n",
    "Procfile": "worker: celery -A shop worker -b redis://:@@@h/0\n",
    "Dockerfile": "FROM python:3.11\nENV REDIS_PASSWORD=@@\nARG TOKEN=@@\nCMD celery -A shop worker --password @@\n",
    "redis.conf": "requirepass @@\nmaxmemory-policy allkeys-lru\nbind 0.0.0.0\n",
    "requirements.txt": "celery==5.2.7\n--extra-index-url https://u:@@@pypi.example.org/simple\n",
}
COMPOSE = """\
services:
  redis:
    image: redis:7
    command: redis-server --requirepass @@ --maxmemory-policy allkeys-lru
    ports: ["6379:6379"]
  db:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: "@@"
      URL: "postgres://u:@@@db/x"
  worker:
    image: shop
    command: celery -A shop worker
    environment:
      - CELERY_RESULT_BACKEND=redis://:@@@redis:6379/0
      - SECRET_KEY=@@
"""
SECRETS = st.text("abcXYZ0189._~-+*!$", min_size=6, max_size=14).map(lambda text: f"q{text}7Zz")


def lay_out(root: Path, secret: str) -> None:
    for path, text in {**FILES, "compose.yaml": COMPOSE}.items():
        write(root, path, text.replace("@@", secret))


@given(secret=SECRETS)
@settings(max_examples=15, deadline=None)
def test_no_rule_and_no_form_shows_it(secret: str):
    with TemporaryDirectory() as folder:
        lay_out(Path(folder), secret)
        report = check(Project(profile_of(Path(folder))), all_rules())
        assert report.failures == ()
        assert len(report.findings) > 15
        assert secret not in all_forms(report)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
@pytest.mark.parametrize("secret", ["hunter2hunter2", "Tr0ub4dor&3", "p%40ss/w:rd"])
def test_no_output_of_the_command_shows_it(form: str, secret: str, tmp_path: Path):
    lay_out(tmp_path, secret)
    result = CliRunner().invoke(cellar, ["check", str(tmp_path), "--format", form, "--diff"])
    assert result.exit_code == 1
    assert "shop/celery.py" in result.stdout
    assert secret not in result.output


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("celeryconfig.py", "result_backend = 'redis://:@@@h/0\n", id="Python that does not parse"),
        pytest.param("compose.yaml", "services:\n  - @@: {password: @@\n", id="YAML that does not parse"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check]\nselect = ['@@'\n", id="TOML that does not parse"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check]\nbaseline = 1 # @@\n", id="a wrong configuration"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check]\nselect = ['@@']\n", id="a selector"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check]\n@@ = 1\n", id="a key of the configuration"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check]\nfail-on = '@@'\n", id="a severity"),
        pytest.param("pyproject.toml", "[tool.rootcellar.check.per-file-ignores]\n@@ = 1\n", id="a pattern"),
        pytest.param("Pipfile.lock", '{"@@": @@', id="JSON that does not parse"),
    ],
)
def test_no_error_shows_it(path: str, text: str, tmp_path: Path):
    write(tmp_path, "tasks.py", 'from celery import Celery\n\napp = Celery("a", backend="rpc://")\n')
    write(tmp_path, path, text.replace("@@", "hunter2hunter2"))
    assert "hunter2" not in CliRunner().invoke(cellar, ["check", str(tmp_path)]).output
