"""What is told of a use: its tasks, arguments, function, and what kind of code it stands in."""

from pathlib import Path

import pytest

from result_uses import SHOP, one_of, uses_in, uses_of


@pytest.mark.parametrize(
    ("statement", "tasks"),
    [
        ("add.delay(1, 2).get()", ("shop.tasks.add",)),
        ("total.delay([1]).get()", ("total",)),
        ("app.send_task('total').get()", ("total",)),
        ("app.send_task(add.name).get()", ()),
        ("app.tasks['total'].delay().get()", ("total",)),
        ("chain(add.s(1, 2), total.s())().get()", ("total",)),
        ("group(add.s(1, 2), total.s())().get()", ("shop.tasks.add", "total")),
        ("chord([add.s(1, 2)])(total.s()).get()", ("total",)),
        ("(group([add.s(1, 2)]) | total.s())().get()", ("total",)),
        ("signature('total').delay().get()", ("total",)),
        ("add.AsyncResult('1').get()", ("shop.tasks.add",)),
        ("app.AsyncResult('1').get()", ()),
        ("(add if app else total).delay().get()", ("shop.tasks.add", "total")),
    ],
)
def test_a_get_says_whose_result_it_waits_for(tmp_path: Path, statement: str, tasks: tuple[str, ...]) -> None:
    head = "from celery import *\nfrom celery import chain, chord, group, signature\n"
    head += "from shop.celery import app\nfrom shop.tasks import *\nfrom shop.tasks import add\n"
    assert one_of(tmp_path, head + statement, "get").tasks == tasks


@pytest.mark.parametrize(
    "header",
    [
        "[add.s(1, 2), total.s()]",
        "group(add.s(1, 2), total.s())",
        "(one for one in [add.s(1, 2), total.s()])",
        "[add.s(1, 2)] + [total.s()]",
        "(add.s(1, 2), *[total.s(n) for n in (1, 2)])",
    ],
)
def test_a_chord_names_the_tasks_of_its_header(tmp_path: Path, header: str) -> None:
    snippet = f"from celery import chord, group\nfrom shop.tasks import add, total\nchord({header})(add.s())"
    assert one_of(tmp_path, snippet, "chord").tasks == ("shop.tasks.add", "total")


def test_the_tasks_of_a_piped_chord_are_those_of_the_group(tmp_path: Path) -> None:
    snippet = "from celery import group\nfrom shop.tasks import add, total\n(group(add.s(1, 2)) | total.s()).delay()"
    assert one_of(tmp_path, snippet, "chord").tasks == ("shop.tasks.add",)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("10", {"timeout": 10}),
        ("timeout=10", {"timeout": 10}),
        ("5, False", {"timeout": 5, "propagate": False}),
        ("timeout=None", {"timeout": None}),
        ("timeout=LIMIT", {"timeout": 60}),
    ],
)
def test_a_get_has_its_arguments(tmp_path: Path, arguments: str, expected: dict[str, object]) -> None:
    snippet = f"from shop.tasks import add\nLIMIT = 60\nr = add.delay(1, 2)\nr.get({arguments})"
    assert {name: value.data for name, value in one_of(tmp_path, snippet, "get").arguments.items()} == expected


def test_a_get_given_to_a_thread_has_its_arguments_and_blocks_no_coroutine(tmp_path: Path) -> None:
    snippet = """
        import asyncio
        from shop.tasks import add
        async def run():
            r = add.delay(1, 2)
            await asyncio.to_thread(r.get, timeout=3)
    """
    use = one_of(tmp_path, snippet, "get")
    assert not use.is_in_coroutine
    assert use.arguments["timeout"].data == 3


def test_a_get_in_a_partial_has_the_arguments_of_the_partial(tmp_path: Path) -> None:
    snippet = (
        "from functools import partial\nfrom shop.tasks import add\nr = add.delay(1, 2)\npartial(r.get, timeout=3)()"
    )
    assert one_of(tmp_path, snippet, "get").arguments["timeout"].data == 3


def test_a_get_where_joins_are_allowed_is_one_without_the_guard(tmp_path: Path) -> None:
    snippet = """
        from celery.result import allow_join_result
        from shop.tasks import add
        with allow_join_result():
            add.delay(1, 2).get()
    """
    assert one_of(tmp_path, snippet, "get").arguments["disable_sync_subtasks"].data is False


def test_a_send_has_its_options(tmp_path: Path) -> None:
    snippet = "from shop.tasks import add\nadd.apply_async((1,), {'x': 1}, countdown=9, expires=60, ignore_result=True)"
    use = one_of(tmp_path, snippet, "send")
    assert {name: value.data for name, value in use.arguments.items()} == {
        "countdown": 9,
        "expires": 60,
        "ignore_result": True,
    }


def test_our_own_way_of_waiting_holds_up_no_event_loop(tmp_path: Path) -> None:
    snippet = """
        from rootcellar import aio
        from shop.tasks import add
        async def run():
            r = add.delay(1, 2)
            await aio.get(r, 3)
    """
    use = one_of(tmp_path, snippet, "get")
    assert (use.is_in_coroutine, use.variable, use.tasks) == (False, "r", ("shop.tasks.add",))
    assert use.arguments["timeout"].data == 3


def test_a_send_after_the_commit_is_a_send(tmp_path: Path) -> None:
    assert one_of(tmp_path, "from shop.tasks import add\nadd.delay_on_commit(1)", "send").attribute == "delay_on_commit"


def test_a_delay_has_none_for_its_keywords_are_the_tasks(tmp_path: Path) -> None:
    assert one_of(tmp_path, "from shop.tasks import add\nadd.delay(countdown=9)", "send").arguments == {}


@pytest.mark.parametrize(
    ("snippet", "function", "inside_task", "is_in_coroutine", "is_in_loop"),
    [
        ("add.delay().get()", "", "", False, False),
        ("def run():\n    add.delay().get()", "shop.code.run", "", False, False),
        ("async def run():\n    add.delay().get()", "shop.code.run", "", True, False),
        ("for n in (1, 2):\n    add.delay().get()", "", "", False, True),
        ("[add.delay().get() for n in (1, 2)]", "", "", False, True),
        ("class C:\n    def run(self):\n        add.delay().get()", "shop.code.C.run", "", False, False),
        ("@app.task\ndef run():\n    add.delay().get()", "shop.code.run", "shop.code.run", False, False),
        ("@app.task(name='x')\ndef run():\n    add.delay().get()", "shop.code.run", "x", False, False),
        (
            "@app.task\ndef run():\n    def inner():\n        add.delay().get()\n    inner()",
            "shop.code.run.inner",
            "shop.code.run",
            False,
            False,
        ),
        (
            "def helper():\n    add.delay().get()\n@app.task\ndef run():\n    helper()",
            "shop.code.helper",
            "shop.code.run",
            False,
            False,
        ),
        (
            "class T(app.Task):\n    name = 't'\n    def run(self):\n        add.delay().get()",
            "shop.code.T.run",
            "t",
            False,
            False,
        ),
        (
            "async def run():\n    def inner():\n        add.delay().get()",
            "shop.code.run.inner",
            "",
            False,
            False,
        ),
    ],
)
def test_a_use_knows_where_it_stands(
    tmp_path: Path, snippet: str, function: str, inside_task: str, is_in_coroutine: bool, is_in_loop: bool
) -> None:
    use = one_of(tmp_path, f"from shop.celery import app\nfrom shop.tasks import add\n{snippet}", "get")
    assert (use.function, use.inside_task) == (function, inside_task)
    assert (use.is_in_coroutine, use.is_in_loop) == (is_in_coroutine, is_in_loop)


@pytest.mark.parametrize(
    ("path", "head", "is_in_web", "is_in_test"),
    [
        ("shop/code.py", "", False, False),
        ("shop/code.py", "from flask import Flask", True, False),
        ("shop/code.py", "from fastapi import APIRouter", True, False),
        ("shop/code.py", "from django.http import HttpResponse", True, False),
        ("shop/code.py", "from rest_framework.views import APIView", True, False),
        ("shop/views.py", "", False, False),
        ("tests/test_code.py", "", False, True),
        ("shop/tests/code.py", "", False, True),
        ("shop/code_test.py", "", False, True),
        ("conftest.py", "", False, True),
    ],
)
def test_a_use_knows_whether_it_is_web_code_or_a_test(
    tmp_path: Path, path: str, head: str, is_in_web: bool, is_in_test: bool
) -> None:
    use = one_of(tmp_path, f"{head}\nfrom shop.tasks import add\nadd.delay().get()", "get", path)
    assert (use.is_in_web, use.is_in_test) == (is_in_web, is_in_test)


def test_views_of_a_django_project_are_web_code(tmp_path: Path) -> None:
    files = {**SHOP, "manage.py": "", "shop/views.py": "from shop.tasks import add\nadd.delay().get()"}
    assert all(use.is_in_web for use in uses_in(tmp_path, files))


def test_one_variable_is_one_result(tmp_path: Path) -> None:
    snippet = "from shop.tasks import add\nr = add.delay()\nr.get()\nr.get()\nadd.delay().get()"
    gets = [use for use in uses_of(tmp_path, snippet) if use.kind == "get"]
    assert [use.variable for use in gets] == ["r", "r", ""]
