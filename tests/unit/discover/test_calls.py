"""Calls: those that rules ask for, by full dotted name."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.profile import Call, Called, Ref

FERNET = "cryptography.fernet.Fernet"


def calls_in(folder: Path, snippet: str, **more: str) -> list[Called]:
    modules = Modules(lay_out(folder, {"code.py": snippet, **more}))
    return Scan(modules, Evaluator(modules), []).calls


def one_call(folder: Path, snippet: str) -> Called:
    found = calls_in(folder, snippet)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("snippet", "name"),
    [
        ("from kombu.serialization import register\nregister('a', str, str)", "kombu.serialization.register"),
        ("from kombu import serialization\nserialization.register('a', str, str)", "kombu.serialization.register"),
        (
            "from kombu.serialization import registry\nregistry.register('a', str, str)",
            "kombu.serialization.registry.register",
        ),
        ("import kombu\nkombu.enable_insecure_serializers()", "kombu.enable_insecure_serializers"),
        ("from cryptography.fernet import Fernet\nFernet(x)", FERNET),
        ("import redis\nredis.Redis(host='a')", "redis.Redis"),
        ("from redis import Redis\nRedis.from_url('redis://a')", "redis.Redis.from_url"),
        ("from redis.client import StrictRedis as R\nR()", "redis.StrictRedis"),
        ("import redis.asyncio as redis\nredis.from_url('redis://a')", "redis.asyncio.from_url"),
        ("from pymongo import MongoClient\nMongoClient()", "pymongo.MongoClient"),
        ("from sqlalchemy import create_engine\nengine = create_engine('x')", "sqlalchemy.create_engine"),
        ("import psycopg2\ndef f():\n    psycopg2.connect('x')", "psycopg2.connect"),
        ("import hmac\nhmac.new(b'a', b'b', 'sha256')", "hmac.new"),
    ],
)
def test_a_call_has_its_full_name(tmp_path: Path, snippet: str, name: str) -> None:
    assert one_call(tmp_path, snippet).name == name


@pytest.mark.parametrize(
    "snippet",
    [
        "def register(*args): ...\nregister('a')",
        "from atexit import register\nregister(print)",
        "class Redis: ...\nRedis(host='a')",
        "x.connect('redis')",
        "from signals import connect\nconnect('redis')",
    ],
)
def test_a_call_of_another_such_name_is_none(tmp_path: Path, snippet: str) -> None:
    assert calls_in(tmp_path, snippet) == []


def test_a_call_has_its_arguments_and_its_function(tmp_path: Path) -> None:
    snippet = (
        "import redis\nPORT = 6380\nclass A:\n    def f(self):\n        redis.Redis('a', PORT, decode_responses=True)"
    )
    call = one_call(tmp_path, snippet)
    assert [value.data for value in call.args] == ["a", 6380]
    assert {name: value.data for name, value in call.kwargs.items()} == {"decode_responses": True}
    assert (call.function, call.place.line) == ("code.A.f", 5)


@pytest.mark.parametrize(
    ("decoder", "expected"),
    [
        ("pickle.loads", Ref("pickle.loads")),
        ("lambda text: yaml.load(text)", Call("yaml.load")),
        ("lambda text: yaml.load(text, Loader=yaml.SafeLoader)", Call("yaml.load")),
        ("decode", Call("marshal.loads")),
        ("eval", Ref("builtins.eval")),
    ],
)
def test_a_serializer_says_what_its_decoder_calls(tmp_path: Path, decoder: str, expected: object) -> None:
    snippet = f"""
        import marshal, pickle, yaml
        from kombu.serialization import register
        def decode(text):
            return marshal.loads(text)
        register("mine", str, {decoder}, content_type="application/x-mine")
    """
    found = one_call(tmp_path, snippet).args[2].data
    assert (type(found), found.name) == (type(expected), expected.name)  # type: ignore[attr-defined]


def test_a_decoders_loader_is_among_its_keywords(tmp_path: Path) -> None:
    snippet = """
        import yaml
        from kombu.serialization import register
        register("mine", str, decoder=lambda text: yaml.load(text, Loader=yaml.SafeLoader))
    """
    assert one_call(tmp_path, snippet).kwargs["decoder"].data.kwargs == {"Loader": Ref("yaml.SafeLoader")}


@pytest.mark.parametrize(
    ("statement", "generator"),
    [
        ("KEY = Fernet.generate_key()", f"{FERNET}.generate_key"),
        ("KEY = os.environ.get('KEY', Fernet.generate_key())", f"{FERNET}.generate_key"),
        ("KEY = os.environ.get('KEY') or Fernet.generate_key()", f"{FERNET}.generate_key"),
        ("SECRET_KEY = os.getenv('S', secrets.token_hex(32))", "secrets.token_hex"),
        ("app.config['SECRET_KEY'] = os.urandom(24)", "os.urandom"),
        ("class Settings:\n    secret: str = str(uuid.uuid4())", "uuid.uuid4"),
        ("SIGNING_KEY = get_random_secret_key()", "django.core.management.utils.get_random_secret_key"),
    ],
)
def test_a_key_that_is_made_at_start_up_is_found(tmp_path: Path, statement: str, generator: str) -> None:
    head = "import os, secrets, uuid\nfrom cryptography.fernet import Fernet\n"
    head += "from django.core.management.utils import get_random_secret_key\n"
    call = one_call(tmp_path, head + statement)
    assert call.name == generator
    assert call.assigned_to in ("KEY", "SECRET_KEY", "secret", "SIGNING_KEY")


@pytest.mark.parametrize("statement", ["task_id = uuid.uuid4()", "name = secrets.token_hex(3)", "os.urandom(3)"])
def test_other_random_values_are_no_keys(tmp_path: Path, statement: str) -> None:
    assert calls_in(tmp_path, f"import os, secrets, uuid\nkey_of = 1\n{statement}") == []


@pytest.mark.parametrize(
    ("statement", "target", "data"),
    [
        ("REDIS_PASSWORD = 'hunter2'", "REDIS_PASSWORD", "hunter2"),
        ("security_key: str = 'abc'", "security_key", "abc"),
        ("self.token = b'abc'", "token", b"abc"),
        ("app.config['SECRET_KEY'] = 'abc'", "SECRET_KEY", "abc"),
        ("SECRET = os.environ.get('SECRET', 'abc')", "SECRET", "abc"),
    ],
)
def test_a_literal_secret_is_found(tmp_path: Path, statement: str, target: str, data: object) -> None:
    call = one_call(tmp_path, f"import os\n{statement}")
    assert (call.name, call.assigned_to, call.args[0].data) == ("=", target, data)
    assert "hunter2" not in repr(call)


@pytest.mark.parametrize(
    "statement", ["PASSWORD = os.environ['PASSWORD']", "password = form.get('x')", "NAME = 'x'", "passed = 3"]
)
def test_what_is_no_literal_secret_is_none(tmp_path: Path, statement: str) -> None:
    assert calls_in(tmp_path, f"import os\nkey = None\n{statement}") == []


APP = "from celery import Celery\n"


@pytest.mark.parametrize(
    ("snippet", "name"),
    [
        ("app = Celery()\napp.backend = object()", "backend="),
        ("app = Celery()\napp._backend = object()", "_backend="),
        ("def make():\n    app = Celery()\n    app.backend_cls = 'x:Y'", "backend_cls="),
        ("class Mine(Celery):\n    def _get_backend(self): ...\napp = Mine()", "_get_backend="),
        ("class Mine(Celery):\n    backend = None\n", "backend="),
        ("app = Celery()\napp.setup_security(digest='sha512')", "setup_security"),
    ],
)
def test_what_is_done_to_an_app_is_found(tmp_path: Path, snippet: str, name: str) -> None:
    assert [call.name for call in calls_in(tmp_path, APP + snippet)] == [f"celery.Celery.{name}"]


@pytest.mark.parametrize(
    "snippet",
    [
        "app = Celery()\nself.backend = app.backend",
        "class Other:\n    backend = None",
        "app = Celery()\nx = app.backend",
    ],
)
def test_other_backends_are_none_of_an_apps(tmp_path: Path, snippet: str) -> None:
    assert calls_in(tmp_path, APP + snippet) == []


def test_backend_aliases_are_found(tmp_path: Path) -> None:
    snippet = """
        from celery.app.backends import BACKEND_ALIASES
        from celery import current_app
        BACKEND_ALIASES["mine"] = "mine.backend:Backend"
        current_app.loader.override_backends = {"mine": "mine.backend:Backend"}
    """
    assert [call.name for call in calls_in(tmp_path, snippet)] == [
        "celery.app.backends.BACKEND_ALIASES=",
        "override_backends=",
    ]
