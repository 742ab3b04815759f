"""Evaluation: what expressions come to, without running them."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from project_files import lay_out
from reading_values import evaluated, value_in
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import Call, Place, Ref, Unknown, Value

KNOWN: dict[str, tuple[str, Any]] = {
    "a text": ('x = "redis://"', "redis://"),
    "texts that stand side by side": ('x = "redis://" "h"', "redis://h"),
    "a number": ("x = 5", 5),
    "arithmetic": ("x = 60 * 60 * 24 + 1", 86401),
    "a negative number": ("x = -1", -1),
    "a division": ("x = 7 // 2", 3),
    "a time": ("from datetime import timedelta\nx = timedelta(days=1, hours=2)", timedelta(hours=26)),
    "a time's seconds": ("from datetime import timedelta\nx = int(timedelta(days=1).total_seconds())", 86400),
    "a time by its module": ("import datetime as dt\nx = dt.timedelta(minutes=5)", timedelta(minutes=5)),
    "a time, multiplied": ("from datetime import timedelta\nx = timedelta(days=1) * 3", timedelta(days=3)),
    "a sum of texts": ('a = "h"\nx = "redis://" + a + "/0"', "redis://h/0"),
    "an f-string": ('a = "h"\nx = f"redis://{a}:{6379}/0"', "redis://h:6379/0"),
    "percent with one": ('x = "redis://%s/0" % "h"', "redis://h/0"),
    "percent with several": ('x = "redis://%s:%d/%s" % ("h", 6379, 0)', "redis://h:6379/0"),
    "percent with names": ('x = "redis://%(h)s/0" % {"h": "a"}', "redis://a/0"),
    "format by position": ('x = "redis://{}:{}".format("h", 1)', "redis://h:1"),
    "format by number": ('x = "{1}{0}".format("a", "b")', "ba"),
    "format by name": ('x = "redis://{host}".format(host="h")', "redis://h"),
    "format with doubled braces": ('x = "{{a}}{}".format(1)', "{a}1"),
    "join": ('x = ";".join(["a", "b"])', "a;b"),
    "join of a comprehension": ('x = ";".join(f"sentinel://{h}" for h in ["a", "b"])', "sentinel://a;sentinel://b"),
    "quoting": ('from urllib.parse import quote\nx = quote("p@ss/w")', "p%40ss%2Fw"),
    "quoting by its module": ('import urllib.parse\nx = urllib.parse.quote_plus("a b")', "a+b"),
    "methods of texts": ('x = " Redis ".strip().lower().replace("r", "R")', "Redis"),
    "a split text's part": ('x = "a,b".split(",")[1]', "b"),
    "a slice": ('x = "celeryconfig.py"[:-3]', "celeryconfig"),
    "a conditional expression": ('DEBUG = False\nx = "a" if DEBUG else "b"', "b"),
    "or": ('x = None or "b"', "b"),
    "and": ('x = 1 and "b"', "b"),
    "a comparison": ("x = 3 > 2", True),
    "not": ("x = not True", False),
    "a list": ('x = ["a", *["b"], "c"]', ["a", "b", "c"]),
    "a sum of lists": ('x = ["a"] + ["b"]', ["a", "b"]),
    "a list that grows": ('x = ["a"]\nx += ["b"]\nx.append("c")\nx.extend(["d"])', ["a", "b", "c", "d"]),
    "a dict": ('x = {"a": 1, **{"b": 2}}', {"a": 1, "b": 2}),
    "dict()": ('x = dict({"a": 1}, b=2)', {"a": 1, "b": 2}),
    "a union of dicts": ('x = {"a": 1} | {"b": 2}', {"a": 1, "b": 2}),
    "a dict that grows": ('x = {}\nx["a"] = 1\nx.update(b=2)\nx.setdefault("a", 5)', {"a": 1, "b": 2}),
    "a dict inside one that grows": ('x = {"a": {}}\nx["a"]["b"] = 1', {"a": {"b": 1}}),
    "a dict's copy that grows": ('a = {"a": 1}\nx = a.copy()\nx["b"] = 2', {"a": 1, "b": 2}),
    "a dict that others grow from": ('x = {"a": 1}\nb = x.copy()\nb["b"] = 2', {"a": 1}),
    "a dict's entry": ('d = {"a": {"b": 3}}\nx = d["a"]["b"]', 3),
    "a dict's get": ('x = {"a": 1}.get("b", 7)', 7),
    "a dict comprehension": ('x = {k.upper(): v for k, v in {"a": 1, "b": 2}.items() if v > 1}', {"B": 2}),
    "a list comprehension": ("x = [n * 2 for n in (1, 2)]", [2, 4]),
    "a walrus": ("x = (y := 3) + 1", 4),
    "unpacking": ('x, y = "a", "b"', "a"),
    "bytes": ('x = "abc".encode()', b"abc"),
    "int of a text": ('x = int("12")', 12),
    "str of a number": ("x = str(12)", "12"),
    "a class's attribute": ("class C:\n    a = 1\n    b = a + 1\nx = C.b", 2),
    "an inherited attribute": ("class B:\n    a = 1\nclass C(B): pass\nx = C.a", 1),
    "an instance's attribute": ("class C:\n    def __init__(self, a, b=2): self.a = a; self.b = b\nx = C(5).a", 5),
    "an instance's default": ("class C:\n    def __init__(self, a, b=2): self.a = a; self.b = b\nx = C(5).b", 2),
    "a property": ("class C:\n    a = 1\n    @property\n    def b(self): return self.a + 1\nx = C().b", 2),
    "a class method": ("class C:\n    a = 1\n    @classmethod\n    def b(cls): return cls.a\nx = C.b()", 1),
    "a static method": ("class C:\n    @staticmethod\n    def b(n): return n + 1\nx = C.b(1)", 2),
    "a function": ("def f(a, b=2): return a * b\nx = f(3)", 6),
    "a function with an early return": ("def f(a):\n    if a: return 1\n    return 2\nx = f(False)", 2),
    "a function with variables": (
        'def f(h):\n    u = f"redis://{h}"\n    u += "/0"\n    return u\nx = f("a")',
        "redis://a/0",
    ),
    "a lambda": ("f = lambda n: n + 1\nx = f(1)", 2),
    "a closure": ("def f():\n    a = 4\n    def g(): return a\n    return g()\nx = f()", 4),
    "a function behind a cache": ("from functools import lru_cache\n@lru_cache\ndef f(): return 5\nx = f()", 5),
    "a function behind a called cache": (
        "import functools\n@functools.lru_cache(maxsize=None)\ndef f(): return 5\nx = f()",
        5,
    ),
    "a SimpleNamespace": ("from types import SimpleNamespace\nx = SimpleNamespace(a=3).a", 3),
    "a SimpleNamespace that grows": ("from types import SimpleNamespace\ns = SimpleNamespace()\ns.a = 3\nx = s.a", 3),
    "a dataclass's default": ("from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 3\nx = C().a", 3),
    "a dataclass's argument": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    b: str\n    a: int = 3\nx = C('q', 4).a",
        4,
    ),
    "a dataclass's factory": (
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n"
        "    a: list = field(default_factory=lambda: ['json'])\nx = C().a",
        ["json"],
    ),
    "a dataclass as a dict": (
        "from dataclasses import dataclass, asdict\n@dataclass\nclass C:\n    a: int = 3\nx = asdict(C())",
        {"a": 3},
    ),
    "an enumeration's value": ("import enum\nclass E(enum.Enum):\n    A = 'a'\nx = E.A.value", "a"),
    "getattr": ("class C:\n    a = 1\nx = getattr(C, 'a', 5)", 1),
    "getattr's default": ("class C:\n    a = 1\nx = getattr(C, 'b', 5)", 5),
    "the last of two assignments": ("x = 1\nx = 2", 2),
    "the branch that is taken": ("D = True\nif D:\n    x = 1\nelse:\n    x = 2", 1),
    "the branch of elif": ("D = 2\nif D == 1:\n    x = 1\nelif D == 2:\n    x = 5\nelse:\n    x = 3", 5),
    "what is tried": ("try:\n    x = 1\nexcept ImportError:\n    x = 2", 1),
    "what stands in with": ("with open('f'):\n    x = 4", 4),
    "what type checkers see": ("from typing import TYPE_CHECKING\nx = 1", 1),
    "a name used before it changes": ("a = 1\nx = a\na = 2", 1),
    "the module's name": ("x = __name__", "config"),
    "a name made of itself": ("x = 1\nx = x + 1\nx = x + 1", 3),
    "a repeated text": ("x = 'ab' * 2", "abab"),
    "a file in a temporary folder": ("import os\nx = os.path.join('/tmp', 'results')", "/tmp/results"),
    "a path": ("from pathlib import Path\nx = str(Path('/var') / 'lib' / 'r.db')", "/var/lib/r.db"),
    "typing's cast": ("from typing import cast\nx = cast(str, 'a')", "a"),
    "a crontab": (
        "from celery.schedules import crontab\nx = crontab(hour=3)",
        Call("celery.schedules.crontab", (), {"hour": 3}),
    ),
    "a constant of a package": ("import ssl\nx = ssl.CERT_NONE", Ref("ssl.CERT_NONE")),
    "a function of the project": ("def f(): ...\nx = f", Ref("config.f")),
    "a dsn": (
        "from pydantic import PostgresDsn\nx = str(PostgresDsn.build(scheme='postgresql', username='u', "
        "password='p', host='h', port=5432, path='d'))",
        "postgresql://u:p@h:5432/d",
    ),
    "SQLAlchemy's URL": (
        "from sqlalchemy.engine import URL\nx = 'db+' + URL.create('postgresql', 'u', 'p', 'h', 1, 'd')"
        ".render_as_string(hide_password=False)",
        "db+postgresql://u:p@h:1/d",
    ),
    "a type that is made": ("C = type('C', (), {'a': 1})\nx = C.a", 1),
}


@pytest.mark.parametrize(("code", "data"), KNOWN.values(), ids=KNOWN.keys())
def test_an_expression_that_is_written_out_is_known(tmp_path: Path, code: str, data: Any) -> None:
    value = evaluated(tmp_path, code)
    assert (value.data, value.why) == (data, "")


HOLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an f-string": (
        'import os\nx = f"redis://:{os.environ["P"]}@h"'.replace('["P"]', "['P']"),
        "redis://:{P}@h",
        ("P",),
    ),
    "a variable on the way": ('import os\np = os.environ["P"]\nx = f"redis://:{p}@h"', "redis://:{P}@h", ("P",)),
    "getenv": ('from os import getenv\nx = "redis://" + getenv("H") + "/0"', "redis://{H}/0", ("H",)),
    "percent": ('import os\nx = "redis://%s:%s" % (os.getenv("H"), 1)', "redis://{H}:1", ("H",)),
    "percent with names": ('import os\nx = "r://%(h)s" % {"h": os.getenv("H")}', "r://{h}", ("h",)),
    "format": ('import os\nx = "redis://{}".format(os.getenv("H"))', "redis://{H}", ("H",)),
    "format by name": ('import os\nx = "redis://{h}".format(h=os.getenv("H"))', "redis://{h}", ("h",)),
    "join": ('import os\nx = "".join(["redis://", os.environ["H"]])', "redis://{H}", ("H",)),
    "quote": (
        'import os\nfrom urllib.parse import quote\nx = f"redis://:{quote(os.environ["P"])}@h"'.replace(
            '["P"]', "['P']"
        ),
        "redis://:{P}@h",
        ("P",),
    ),
    "an unknown attribute": ('import secrets_store\nx = f"redis://{secrets_store.host}"', "redis://{host}", ("host",)),
    "an unknown function": (
        'import vault\nx = "redis://:" + vault.read("redis/password")',
        "redis://:{read}",
        ("read",),
    ),
    "a literal's own braces": ('import os\nx = "{a}" + os.environ["P"]', "{a}{P}", ("P",)),
    "a stripped text": ('import os\nx = f"{os.environ[\'H\']}/".rstrip("/") + "/0"', "{H}/0", ("H",)),
    "lower case": ("import os\nx = f\"REDIS://{os.environ['H']}\".lower()", "redis://{H}", ("H",)),
    "a file of the project": (
        'from pathlib import Path\nB = Path(__file__).resolve().parent\nx = f"db+sqlite:///{B / "r.db"}"'.replace(
            '"r.db"', "'r.db'"
        ),
        "db+sqlite:///{PROJECT}/r.db",
        ("PROJECT",),
    ),
    "a file by os.path": (
        'import os\nB = os.path.dirname(os.path.abspath(__file__))\nx = "db+sqlite:///" + os.path.join(B, "r.db")',
        "db+sqlite:///{PROJECT}/r.db",
        ("PROJECT",),
    ),
}


@pytest.mark.parametrize(("code", "text", "holes"), HOLES.values(), ids=HOLES.keys())
def test_an_unknown_part_of_a_text_is_a_hole(tmp_path: Path, code: str, text: str, holes: tuple[str, ...]) -> None:
    value = evaluated(tmp_path, code)
    assert (value.data, value.holes, value.is_known) == (text, holes, False)


UNKNOWN: dict[str, tuple[str, str]] = {
    "a function of a package": ("import boto3\nx = boto3.get('a')", "does not follow: boto3.get"),
    "a file": (
        "import yaml\nwith open('config.yml') as f:\n    c = yaml.safe_load(f)\nx = c['url']",
        "read from config.yml",
    ),
    "JSON": ("import json\nx = json.load(open('conf/app.json'))['a']", "read from conf/app.json"),
    "a variable that nothing sets": ("import os\nx = os.environ['URL']", "environment variable URL"),
    "a name that is nowhere": ("x = missing", "missing is not defined"),
    "a loop": ("for x in range(3): pass", "changes in a loop"),
    "one of two by chance": ("import random\nif random.random() > 1:\n    x = 1\nelse:\n    x = 2", "one of 2 values"),
    "a parameter": ("def f(a): return a\nx = f", ""),
    "a name that is made of itself": ("x = y\ny = x\n", "not defined"),
    "functions in a circle": ("def f(): return g()\ndef g(): return f()\nx = f()", ""),
    "dynaconf": ("from dynaconf import Dynaconf\ns = Dynaconf()\nx = s.URL", "read by dynaconf"),
    "a huge power": ("x = 9 ** 9 ** 9", ""),
    "a huge text": ("x = 'a' * 10_000_000_000", "100,000"),
    "a division by nothing": ("x = 1 / 0", "ZeroDivisionError"),
    "a missing entry": ("x = {}['a']", "no such key"),
    "an index outside": ("x = [1][5]", "IndexError"),
    "an async generator": ("async def f():\n    yield 1\nx = f()", "does not follow"),
    "a decorated function": ("import tenacity\n@tenacity.retry\ndef f(): return 1\nx = f()", "config.f"),
}


@pytest.mark.parametrize(("code", "why"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_cannot_be_known_says_why(tmp_path: Path, code: str, why: str) -> None:
    value = evaluated(tmp_path, code)
    if why:
        assert isinstance(value.data, Unknown)
        assert why in value.why
    else:
        assert isinstance(value.data, (Unknown, Ref))


def test_a_value_is_followed_across_modules(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from .settings import *\n",
        "shop/settings.py": "from .base import HOST as H\nfrom shop import base\nURL = f'redis://{H}:{base.PORT}'\n",
        "shop/base.py": "HOST = 'h'\nPORT = 6379\n",
        "config.py": "import shop.settings\nfrom shop import URL\nx = shop.settings.URL + URL\n",
    }
    value = value_in(tmp_path, files)
    assert value.data == "redis://h:6379redis://h:6379"
    assert Place("shop/base.py", 1, 7) in value.written_at


def test_modules_that_import_one_another_come_to_an_end(tmp_path: Path) -> None:
    files = {"a.py": "from b import *\nfrom b import y\nx = y\n", "b.py": "from a import *\nfrom a import x\ny = x\n"}
    assert isinstance(value_in(tmp_path, files, "a.x").data, Unknown)


def test_of_two_modules_of_one_name_the_nearer_one_counts(tmp_path: Path) -> None:
    files = {
        "one/config.py": "url = 'one'",
        "one/main.py": "from config import url\nx = url",
        "two/config.py": "url = 'two'",
        "two/main.py": "from config import url\nx = url",
    }
    modules = Modules(lay_out(tmp_path, files))
    assert Evaluator(modules).value_of("main.x", near="two/main.py").data == "two"
    assert Evaluator(modules).value_of("main.x", near="one/main.py").data == "one"


def test_entries_of_a_dict_know_their_places_and_values(tmp_path: Path) -> None:
    modules = Modules(
        lay_out(
            tmp_path,
            {
                "config.py": "import os\nx = {\n  'a': 1,\n  'b': f'r://{os.environ['P']}',\n}\n".replace(
                    "['P']", '["P"]'
                )
            },
        )
    )
    evaluator = Evaluator(modules)
    mapping = evaluator.mapping(evaluator.value_of("config.x"))
    assert mapping is not None
    assert [(key, value.holes, place.line) for key, value, place, _ in mapping.placed()] == [
        ("a", (), 3),
        ("b", ("P",), 4),
    ]


def test_a_value_keeps_no_syntax_tree(tmp_path: Path) -> None:
    value = evaluated(tmp_path, "class C:\n    a = 1\ndef f(): ...\nx = [C, {'f': f, 'c': C()}]")
    assert type(value.data[0]) is Ref
    assert type(value.data[1]["f"]) is Ref
    assert type(value.data[1]["c"]) is Call


def test_a_value_does_not_show_itself(tmp_path: Path) -> None:
    assert "hunter2" not in repr(evaluated(tmp_path, "x = 'redis://:hunter2@h'"))


DEEP = {
    "a sum of a thousand texts": "x = " + " + ".join(["'a'"] * 1000),
    "a list in a list in a list": "x = " + "[" * 90 + "]" * 90,
    "a chain of calls": "x = f" + "()" * 90,
    "a chain of attributes": "x = a" + ".b" * 3000,
    "names that follow from one another": "x0 = 1\n"
    + "".join(f"x{n} = x{n - 1} + x{n - 1}\n" for n in range(1, 200))
    + "x = x199",
    "a doubling dict": "d0 = {'a': 1}\n"
    + "".join(f"d{n} = {{'a': d{n - 1}, 'b': d{n - 1}}}\n" for n in range(1, 17))
    + "x = d16",
}


@pytest.mark.parametrize("code", DEEP.values(), ids=DEEP.keys())
def test_deep_code_comes_to_an_end(tmp_path: Path, code: str) -> None:
    assert isinstance(evaluated(tmp_path, code), Value)


def test_an_expression_in_a_function_sees_its_variables(tmp_path: Path) -> None:
    code = "A = 1\ndef f(p=3):\n    b = A + 1\n    return g(b, p)\n"
    modules = Modules(lay_out(tmp_path, {"config.py": code}))
    module = modules.named("config")
    assert module is not None
    function = module.tree.body[1]
    assert isinstance(function, ast.FunctionDef)
    call = function.body[1].value  # type: ignore[attr-defined]
    evaluator = Evaluator(modules)
    assert evaluator.value(call.args[0], module, scope=function).data == 2
    assert isinstance(evaluator.value(call.args[1], module, scope=function).data, Unknown)


@pytest.mark.parametrize(
    "twice", ["'{}{}'.format(@, @)", "'%s%s' % (@, @)", "f'{@}{@}'", "@.replace('a', @)", "@.join([@, @])", "@ + @"]
)
def test_a_text_that_doubles_stays_within_bounds(tmp_path: Path, twice: str) -> None:
    lines = ["x0 = 'aaaa'", *(f"x{n} = {twice.replace('@', f'x{n - 1}')}" for n in range(1, 60)), "x = x59"]
    assert len(str(evaluated(tmp_path, "\n".join(lines)).data)) <= 100_000


def test_a_text_that_is_padded_to_an_absurd_length_is_unknown(tmp_path: Path) -> None:
    assert isinstance(evaluated(tmp_path, "x = 'a'.zfill(10 ** 10)").data, Unknown)


def test_modules_that_each_star_import_two_others_come_to_an_end(tmp_path: Path) -> None:
    files = {f"m{n}.py": f"from m{n + 1} import *\nfrom m{n + 2} import *\n" for n in range(100)}
    files |= {"m100.py": "found = 1", "m101.py": "", "config.py": "from m0 import *\nx = found\ny = missing\n"}
    assert value_in(tmp_path, files, "config.x").data == 1
    assert isinstance(value_in(tmp_path, files, "config.y").data, Unknown)
