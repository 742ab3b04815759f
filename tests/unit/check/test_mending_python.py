"""Mending Python: what is set, renamed and removed, in many ways of writing it; all else stays as it is."""

import pytest

from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.mending.python_file import edit_python
from rootcellar.specialist.profile import Place
from rootcellar.specialist.rules.finding import Edit

HERE = "# <-"


def lay_out(text: str) -> tuple[str, int]:
    """Return the text without the mark, and the number of the marked line."""
    lines = text.split("\n")
    line = next(number for number, one in enumerate(lines, 1) if one.endswith(HERE))
    lines[line - 1] = lines[line - 1].removesuffix(HERE).rstrip()
    return "\n".join(lines), line


def edited(
    text: str, action: str, setting: str, value: str = "", namespace: str | None = None, column: int = -1
) -> str:
    before, line = lay_out(text)
    edit = Edit(action, Place("a.py", line, column), setting, value)
    return edit_python(before, edit, Naming(namespace))


#: what is there, what it becomes, the namespace
SET = {
    "a module's name": ("result_backend = 1  # <-\nx = 2\n", "result_backend = 1\nresult_expires = 60\nx = 2\n", None),
    "a value that is there": (
        "result_expires = (  # <-\n  0\n)  # why\n",
        "result_expires = (\n  60\n)  # why\n",
        None,
    ),
    "a value elsewhere in the block": (
        "result_expires = 0  # why\nresult_backend = 1  # <-\n",
        "result_expires = 60  # why\nresult_backend = 1\n",
        None,
    ),
    "Django's names": (
        'CELERY_RESULT_BACKEND = "x"  # <-\n',
        'CELERY_RESULT_BACKEND = "x"\nCELERY_RESULT_EXPIRES = 60\n',
        "CELERY",
    ),
    "the old names": (
        'CELERY_RESULT_BACKEND = "x"  # <-\n',
        'CELERY_RESULT_BACKEND = "x"\nCELERY_TASK_RESULT_EXPIRES = 60\n',
        None,
    ),
    "a class": (
        "class C:\n\tresult_backend = 1  # why  # <-\n\tx = 2\n",
        "class C:\n\tresult_backend = 1  # why\n\tresult_expires = 60\n\tx = 2\n",
        None,
    ),
    "an attribute": (
        "app.conf.result_backend = 1  # <-\n",
        "app.conf.result_backend = 1\napp.conf.result_expires = 60\n",
        None,
    ),
    "an attribute, and not another app's": (
        "one.conf.result_expires = 1\napp.conf.result_backend = 1  # <-\n",
        "one.conf.result_expires = 1\napp.conf.result_backend = 1\napp.conf.result_expires = 60\n",
        None,
    ),
    "an item": (
        "if x:\n    app.conf['result_backend'] = 1  # <-\n",
        "if x:\n    app.conf['result_backend'] = 1\n    app.conf['result_expires'] = 60\n",
        None,
    ),
    "a keyword on the call's line": (
        "app = Celery('x', backend='y', broker='z')  # <-\n",
        "app = Celery('x', backend='y', broker='z', result_expires=60)\n",
        None,
    ),
    "keywords on lines of their own": (
        "app.conf.update(\n    result_backend=1,  # why  # <-\n    x=2,\n)\n",
        "app.conf.update(\n    result_backend=1,  # why\n    result_expires=60,\n    x=2,\n)\n",
        None,
    ),
    "the last keyword without a comma": (
        "app.conf.update(\n    x=2,\n    result_backend=f(1)  # <-\n)\n",
        "app.conf.update(\n    x=2,\n    result_backend=f(1),\n    result_expires=60,\n)\n",
        None,
    ),
    "the last keyword before the bracket": (
        "app.conf.update(x=2,\n    result_backend=1)  # <-\n",
        "app.conf.update(x=2,\n    result_backend=1, result_expires=60)\n",
        None,
    ),
    "a mapping": (
        'CELERY = {\n    "x": 1,\n    "result_backend": "ü",  # why  # <-\n}\n',
        'CELERY = {\n    "x": 1,\n    "result_backend": "ü",  # why\n    "result_expires": 60,\n}\n',
        None,
    ),
    "a mapping in single quotes with its own blanks": (
        "c = {\n  'result_backend' : 1  # <-\n}\n",
        "c = {\n  'result_backend' : 1,\n  'result_expires' : 60,\n}\n",
        None,
    ),
    "a mapping on one line": (
        "c = {'x': 1, 'result_backend': 1}  # <-\n",
        "c = {'x': 1, 'result_backend': 1, 'result_expires': 60}\n",
        None,
    ),
    "an entry that is there": (
        "c = {'result_expires': 0, 'result_backend': 1}  # <-\n",
        "c = {'result_expires': 60, 'result_backend': 1}\n",
        None,
    ),
    "a file without an end of line": ("result_backend = 1  # <-", "result_backend = 1\nresult_expires = 60", None),
}

RENAMED = {
    "a module's name": ("result_expries = 1  # why  # <-\n", "result_expires = 1  # why\n", None),
    "Django's": ("CELERY_RESULT_EXPRIES = 1  # <-\n", "CELERY_RESULT_EXPIRES = 1\n", "CELERY"),
    "an annotated one": ("if 1:\n  result_expries: int = 1  # <-\n", "if 1:\n  result_expires: int = 1\n", None),
    "an attribute": ("app.conf.result_expries = 1  # <-\n", "app.conf.result_expires = 1\n", None),
    "an item": ("c['result_expries'] = 1  # <-\n", "c['result_expires'] = 1\n", None),
    "a key": ('c = {"result_expries": 1, "x": 2}  # <-\n', 'c = {"result_expires": 1, "x": 2}\n', None),
    "a key on its own line": ("c = {\n  'result_expries': 1,  # <-\n}\n", "c = {\n  'result_expires': 1,\n}\n", None),
    "a keyword": ("f(result_expries=1, x=2)  # <-\n", "f(result_expires=1, x=2)\n", None),
    "one in a function": ("def f():\n  result_expries = 1  # <-\n", "def f():\n  result_expires = 1\n", None),
}  # fmt: skip

REMOVED = {
    "a module's name": ("# kept\nresult_exchange = 1  # gone  # <-\n\nx = 2\n", "# kept\n\nx = 2\n", None),
    "one over several lines": ("result_exchange = (  # <-\n  1,\n)\nx = 2\n", "x = 2\n", None),
    "all of a class": ("class C:\n    result_exchange = 1  # <-\n", "class C:\n    pass\n", None),
    "one of a class": ("class C:\n    result_exchange = 1  # <-\n    x = 2\n", "class C:\n    x = 2\n", None),
    "an attribute": ("app.conf.result_exchange = 1  # <-\nx = 2\n", "x = 2\n", None),
    "all of an if": ("if x:\n    app.conf['result_exchange'] = 1  # <-\ny = 1\n", "if x:\n    pass\ny = 1\n", None),
    "an entry on a line of its own": (
        "c = {\n    'x': 1,\n    'result_exchange': 1,  # gone  # <-\n    'y': 2,\n}\n",
        "c = {\n    'x': 1,\n    'y': 2,\n}\n",
        None,
    ),
    "the last entry, without a comma": (
        "c = {\n    'x': 1,\n    'result_exchange': 1  # <-\n}\n",
        "c = {\n    'x': 1,\n}\n",
        None,
    ),
    "the only entry": ("c = {'result_exchange': 1}  # <-\n", "c = {}\n", None),
    "the first keyword of a line": ("f(result_exchange=1, x=2)  # <-\n", "f(x=2)\n", None),
    "a keyword in the middle": ("f(a, result_exchange=1, x=2)  # <-\n", "f(a, x=2)\n", None),
    "the last keyword of a line": ("f(a, x=2, result_exchange=1)  # <-\n", "f(a, x=2)\n", None),
    "a keyword behind a comma and before a bracket": ("f(a, result_exchange=1,)  # <-\n", "f(a)\n", None),
    "a keyword before a star": ("f(result_exchange=1, **more)  # <-\n", "f(**more)\n", None),
    "an entry before a star": ("c = {'result_exchange': 1, **more}  # <-\n", "c = {**more}\n", None),
}


@pytest.mark.parametrize(("before", "after", "namespace"), SET.values(), ids=SET)
def test_a_setting_is_set_beside(before: str, after: str, namespace: str | None):
    assert edited(before, "set", "result_expires", "60", namespace) == after


@pytest.mark.parametrize(("before", "after", "namespace"), RENAMED.values(), ids=RENAMED)
def test_a_setting_is_renamed_that_is(before: str, after: str, namespace: str | None):
    assert edited(before, "rename", "result_expries", "result_expires", namespace) == after


@pytest.mark.parametrize(("before", "after", "namespace"), REMOVED.values(), ids=REMOVED)
def test_a_setting_is_removed_that_is(before: str, after: str, namespace: str | None):
    assert edited(before, "remove", "result_exchange", "", namespace) == after


@pytest.mark.parametrize(("before", "after", "namespace"), SET.values(), ids=SET)
def test_setting_a_second_time_changes_nothing_beside(before: str, after: str, namespace: str | None):
    line = lay_out(before)[1]
    edit = Edit("set", Place("a.py", line), "result_expires", "60")
    assert edit_python(after, edit, Naming(namespace)) == after


@pytest.mark.parametrize(
    ("action", "styles"),
    [pytest.param("rename", RENAMED, id="renaming"), pytest.param("remove", REMOVED, id="removing")],
)
def test_a_second_time_there_is_nothing_left_for(action: str, styles: dict):
    setting = "result_expries" if action == "rename" else "result_exchange"
    for before, after, namespace in styles.values():
        edit = Edit(action, Place("a.py", lay_out(before)[1]), setting, "result_expires")
        with pytest.raises(NotMended):
            edit_python(after, edit, Naming(namespace))


@pytest.mark.parametrize(
    ("text", "action", "said"),
    [
        pytest.param(
            "a = result_expires = 1  # <-\n", "remove", "is not set there", id="an assignment to several names"
        ),
        pytest.param("result_expires, b = 1, 2  # <-\n", "remove", "is not set there", id="an assignment to a tuple"),
        pytest.param(
            "a = 1; result_expires = 1  # <-\n", "remove", "is not set there", id="several statements in a line"
        ),
        pytest.param("if x: result_expires = 1  # <-\n", "remove", "is not set there", id="a statement behind a colon"),
        pytest.param(
            "f(1, result_expires=2)(result_expires=3)  # <-\n", "remove", "not set there once", id="two at once"
        ),
        pytest.param(
            "class C(B):\n    result_backend: str = 1  # <-\n", "set", "not certain how", id="an annotated field"
        ),
        pytest.param("RESULT_BACKEND = 1  # <-\n", "set", "not certain how", id="a name of an unknown style"),
        pytest.param("f(a=1)(b=2)  # <-\n", "set", "not certain which", id="a setting beside one of two"),
        pytest.param("x()  # <-\n", "set", "nothing is set", id="a setting beside none"),
        pytest.param("result_backend = (1  # <-\n", "set", "cannot be parsed", id="a file that is no Python"),
        pytest.param(
            "result_expires = 1  # <-\n", "append", "nothing that can be done", id="an action of another kind"
        ),
    ],
)
def test_it_is_refused_to_touch(text: str, action: str, said: str):
    namespace = "CELERY" if text.startswith("RESULT") else None
    with pytest.raises(NotMended, match=said):
        edited(text, action, "result_expires", "60", namespace)


def test_lines_that_end_as_on_windows_stay_so():
    before = "x = {\r\n  'result_backend': 1\r\n}\r\n"
    made = edit_python(before, Edit("set", Place("a.py", 2), "result_expires", "60"), Naming())
    assert made == "x = {\r\n  'result_backend': 1,\r\n  'result_expires': 60,\r\n}\r\n"


def test_of_two_in_a_line_the_column_tells():
    before = "f(result_expires=1); g(result_expires=2)  # <-\n"
    assert edited(before, "remove", "result_expires", column=2) == "f(); g(result_expires=2)\n"


def test_a_value_that_is_no_python_is_refused():
    with pytest.raises(NotMended, match="would not be Python"):
        edited("result_backend = 1  # <-\n", "set", "result_expires", "60 60")
