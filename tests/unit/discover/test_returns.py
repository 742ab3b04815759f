"""Returns: what a task visibly returns."""

import ast
from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.returns import returns_of
from rootcellar.specialist.profile import Returned

HEAD = """
import datetime
import datetime as dt
import decimal
import io
import uuid
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple, TypedDict

import numpy as np
import pandas as pd
from django.shortcuts import get_object_or_404
from django.utils import timezone
from pydantic import BaseModel

from models import Order, Shipped

@dataclass
class Point:
    x: int

class Answer(BaseModel):
    text: str

class Pair(NamedTuple):
    x: int

class Triple(Pair):
    pass

class Row(TypedDict):
    x: int

class Said:
    def __json__(self):
        return {}

def helper():
    return set()

"""


def returned(folder: Path, body: str) -> list[Returned]:
    """What ``def f(x):`` with this body returns."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    modules = Modules(
        lay_out(
            folder,
            {
                "code.py": f"{HEAD}\ndef f(x):\n{lines}\n".encode(),
                "models.py": b"class Order:\n    pass\nfrom other import Shipped\n",
                "other.py": b"class Shipped:\n    pass\n",
            },
        )
    )
    module = modules.at("code.py")
    assert module is not None
    function = module.tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    return list(returns_of(function, module, modules))


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1", "builtins.int"),
        ("'a'", "builtins.str"),
        ("f'{x}'", "builtins.str"),
        ("'%s' % x", "builtins.str"),
        ("', '.join(x)", "builtins.str"),
        ("b'a'", "builtins.bytes"),
        ("'a'.encode()", "builtins.bytes"),
        ("x.encode('utf-8')", "builtins.bytes"),
        ("bytes(x)", "builtins.bytes"),
        ("None", "None"),
        ("True", "builtins.bool"),
        ("x == 1", "builtins.bool"),
        ("not x", "builtins.bool"),
        ("{1, 2}", "builtins.set"),
        ("set(x)", "builtins.set"),
        ("frozenset(x)", "builtins.frozenset"),
        ("{y for y in x}", "builtins.set"),
        ("{1} | x", "builtins.set"),
        ("{'a': 1}", "builtins.dict"),
        ("dict(a=1)", "builtins.dict"),
        ("{y: 1 for y in x}", "builtins.dict"),
        ("[1]", "builtins.list"),
        ("sorted({1})", "builtins.list"),
        ("list(set(x))", "builtins.list"),
        ("(1, 2)", "builtins.tuple"),
        ("(y for y in x)", "types.GeneratorType"),
        ("lambda: 1", "types.LambdaType"),
        ("map(str, x)", "builtins.map"),
        ("open('x')", "io.IOBase"),
        ("io.BytesIO()", "io.IOBase"),
        ("datetime.datetime.now()", "datetime.datetime"),
        ("dt.datetime.utcnow()", "datetime.datetime"),
        ("datetime.datetime(2020, 1, 1)", "datetime.datetime"),
        ("timezone.now()", "datetime.datetime"),
        ("timezone.now() + timedelta(days=1)", "datetime.datetime"),
        ("timezone.now() - timezone.now()", "datetime.timedelta"),
        ("timezone.now().isoformat()", "builtins.str"),
        ("timezone.now().date()", "datetime.date"),
        ("timezone.now().timestamp()", "builtins.float"),
        ("date.today()", "datetime.date"),
        ("timedelta(days=1)", "datetime.timedelta"),
        ("timedelta(days=1).total_seconds()", "builtins.float"),
        ("Decimal('1')", "decimal.Decimal"),
        ("decimal.Decimal('1') * 2", "decimal.Decimal"),
        ("float(Decimal('1'))", "builtins.float"),
        ("str(uuid.uuid4())", "builtins.str"),
        ("uuid.uuid4()", "uuid.UUID"),
        ("uuid.uuid4().hex", "unknown"),
        ("Point(1)", "code.Point"),
        ("asdict(Point(1))", "builtins.dict"),
        ("Answer(text='a')", "code.Answer"),
        ("Answer(text='a').model_dump()", "builtins.dict"),
        ("Answer(text='a').dict()", "builtins.dict"),
        ("Answer(text='a').model_dump_json()", "builtins.str"),
        ("Pair(1)", "builtins.tuple"),
        ("Triple(1)", "builtins.tuple"),
        ("Row(x=1)", "builtins.dict"),
        ("Said()", "builtins.dict"),
        ("Order()", "models.Order"),
        ("Shipped()", "other.Shipped"),
        ("Elsewhere()", "unknown"),
        ("Order.objects.get(pk=x)", "django.model"),
        ("Order.objects.create(x=x)", "django.model"),
        ("Order.objects.filter(x=x).first()", "django.model"),
        ("get_object_or_404(Order, pk=x)", "django.model"),
        ("Order.objects.all()", "django.queryset"),
        ("Order.objects.filter(x=x).order_by('y')[:10]", "django.queryset"),
        ("Order.objects.filter(x=x)[0]", "django.model"),
        ("Order.objects.values('x')", "django.queryset"),
        ("Order.objects.values_list('x', flat=True)", "django.queryset"),
        ("Order.objects.filter(x=x).count()", "builtins.int"),
        ("Order.objects.exists()", "builtins.bool"),
        ("Order.objects.get(pk=x).pk", "unknown"),
        ("np.array(x)", "numpy.ndarray"),
        ("np.array(x).tolist()", "builtins.list"),
        ("pd.DataFrame(x)", "pandas.DataFrame"),
        ("pd.read_csv(x)", "pandas.DataFrame"),
        ("pd.read_csv(x).head()", "pandas.DataFrame"),
        ("pd.read_csv(x).to_dict()", "builtins.dict"),
        ("x", "unknown"),
        ("x.get('a')", "unknown"),
        ("helper()", "unknown"),
        ("x[0]", "unknown"),
    ],
)
def test_a_return_shows_its_kind(tmp_path: Path, expression: str, kind: str) -> None:
    assert [one.kind for one in returned(tmp_path, f"return {expression}")] == [kind]


@pytest.mark.parametrize(
    ("expression", "kind", "inside"),
    [
        ("{'at': timezone.now(), 'n': 1}", "builtins.dict", ("datetime.datetime", "builtins.int")),
        ("{'all': [{1}]}", "builtins.dict", ("builtins.list", "builtins.set", "builtins.int")),
        ("[Order.objects.get(pk=1)]", "builtins.list", ("django.model",)),
        ("list(Order.objects.all())", "builtins.list", ("django.model",)),
        ("list(Order.objects.values('x'))", "builtins.list", ("builtins.dict",)),
        ("[Decimal(y) for y in x]", "builtins.list", ("decimal.Decimal",)),
        ("{y: uuid.uuid4() for y in x}", "builtins.dict", ("uuid.UUID",)),
        ("dict(at=timezone.now())", "builtins.dict", ("datetime.datetime",)),
        ("{**{'at': timezone.now()}}", "builtins.dict", ("datetime.datetime",)),
        ("tuple(Decimal(y) for y in x)", "builtins.tuple", ("decimal.Decimal",)),
    ],
)
def test_a_container_shows_what_is_in_it(tmp_path: Path, expression: str, kind: str, inside: tuple[str, ...]) -> None:
    assert [(one.kind, one.inside) for one in returned(tmp_path, f"return {expression}")] == [(kind, inside)]


@pytest.mark.parametrize(
    ("body", "kind", "inside"),
    [
        ("y = {1}\nreturn y", "builtins.set", ("builtins.int",)),
        ("y: set = set()\ny.add(1)\nreturn y", "builtins.set", ("builtins.int",)),
        ("y = {}\ny['at'] = timezone.now()\nreturn y", "builtins.dict", ("datetime.datetime",)),
        ("y = []\nfor z in x:\n    y.append(Decimal(z))\nreturn y", "builtins.list", ("decimal.Decimal",)),
        ("y = None\nif x:\n    y = {1}\nreturn y", "builtins.set", ("builtins.int",)),
        ("y = {1}\nz = y\nreturn z", "builtins.set", ("builtins.int",)),
        ("y = Order.objects.filter(x=x)\nreturn y.first()", "django.model", ()),
        ("with open('x') as y:\n    return y", "io.IOBase", ()),
        ("y = {1}\ny = 2\nreturn y", "unknown", ()),
        ("y = {1}\ny += x\nreturn y", "unknown", ()),
        ("for y in x:\n    pass\nreturn y", "unknown", ()),
        ("y, z = x\nreturn y", "unknown", ()),
        ("y = y\nreturn y", "unknown", ()),
        ("try:\n    y = {1}\nexcept OSError as y:\n    pass\nreturn y", "unknown", ()),
    ],
)
def test_a_local_variable_is_followed(tmp_path: Path, body: str, kind: str, inside: tuple[str, ...]) -> None:
    assert [(one.kind, one.inside) for one in returned(tmp_path, body)] == [(kind, inside)]


def test_each_return_counts_and_both_ways_of_a_conditional_one(tmp_path: Path) -> None:
    found = returned(tmp_path, "if x:\n    return\nreturn {1} if x else timezone.now()")
    assert [one.kind for one in found] == ["None", "builtins.set", "datetime.datetime"]
    assert found[1].place.line == found[0].place.line + 1


def test_what_inner_functions_return_does_not_count(tmp_path: Path) -> None:
    assert [one.kind for one in returned(tmp_path, "def g():\n    return {1}\nreturn 1")] == ["builtins.int"]


def test_a_function_that_yields_returns_a_generator(tmp_path: Path) -> None:
    assert [one.kind for one in returned(tmp_path, "for y in x:\n    yield y\nreturn {1}")] == ["types.GeneratorType"]


def test_a_function_without_a_return_has_none(tmp_path: Path) -> None:
    assert returned(tmp_path, "print(x)") == []
