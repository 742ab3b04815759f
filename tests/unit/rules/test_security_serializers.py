"""The finer points of the rules about serializers: what is reported, and what is left alone."""

from pathlib import Path

import pytest

from unit.rules.marked import findings_in, found_in, marked_in

HEAD = "import os\nfrom celery import Celery\n\napp = Celery('bank', backend='redis://localhost')\n"
CODE = "import functools\nimport pickle\nimport yaml\nfrom kombu import serialization\n\n"
KEYS = ("security_key", "security_certificate", "security_cert_store")

#: name → the lines behind :data:`HEAD`
SETTINGS = {
    "pickle among others": "app.conf.accept_content = ['json', 'pickle']  # <- RC111",
    "pickle by its content type": "app.conf.result_accept_content = ('application/x-python-serialize',)  # <- RC111",
    "pickle beside what is not known": "app.conf.accept_content = ['pickle', os.environ['OTHER']]  # <- RC111",
    "JSON and YAML": "app.conf.accept_content = ['json', 'yaml']",
    "a list that is not known": "app.conf.accept_content = os.environ['ACCEPTED'].split()",
    "results as pickles": "app.conf.result_serializer = 'pickle'  # <- RC112",
    "tasks as pickles": "app.conf.task_serializer = 'pickle'",
    "signed results": "app.conf.result_serializer = 'auth'  # <- RC115",
    "signed tasks and results": "app.conf.task_serializer = 'auth'\napp.conf.result_serializer = 'auth'  # <- RC115",
    "signed content": "app.conf.accept_content = ['auth']  # <- RC115",
    "signed results, and all that it takes": (
        "app.conf.result_serializer = 'auth'\n"
        "app.conf.update(security_key='/k', security_certificate='/c', security_cert_store='/s')"
    ),
    "signed results, and a key from the environment": (
        "app.conf.result_serializer = 'auth'\n"
        "app.conf.update(security_key=os.environ['K'], security_certificate='/c', security_cert_store='/s')"
    ),
    "signed results, and keys given when it is set up": (
        "app.conf.result_serializer = 'auth'\napp.setup_security(key='/k', cert='/c', store='/s')"
    ),
    "signed results, and settings that are not known": "app.conf.result_serializer = 'auth'\napp.conf.update(**load())",
}

#: name → the lines behind :data:`CODE`
REGISTERED = {
    "pickle": "serialization.register('x', pickle.dumps, pickle.loads, 'application/x')  # <- RC114",
    "pickle by keyword": (
        "serialization.register('x', None, decoder=pickle.loads, content_type='application/x')  # <- RC114"
    ),
    "pickle in a lambda": "serialization.register('x', str, lambda text: pickle.loads(text), 'a/x')  # <- RC114",
    "YAML that makes objects": "serialization.register('x', yaml.dump, yaml.unsafe_load, 'application/x')  # <- RC114",
    "YAML with a loader of its own choice": (
        "serialization.register('x', yaml.dump, lambda text: yaml.load(text, Loader=yaml.Loader), 'a/x')  # <- RC114"
    ),
    "YAML with the safe loader": (
        "serialization.register('x', yaml.dump, lambda text: yaml.load(text, Loader=yaml.SafeLoader), 'a/x')"
    ),
    "YAML with the safe loader in C": (
        "serialization.register('x', yaml.dump, lambda text: yaml.load(text, yaml.CSafeLoader), 'a/x')"
    ),
    "plain YAML": "serialization.register('x', yaml.safe_dump, yaml.safe_load, 'application/x')",
    "an encoder alone": "serialization.register('x', pickle.dumps, None, 'application/x')",
    "a decoder of which nothing is known": "import bank\nserialization.register('x', bank.dumps, bank.loads, 'a/x')",
    "all insecure ones": "serialization.enable_insecure_serializers()  # <- RC113",
    "pickle by name": "serialization.enable_insecure_serializers(['pickle'])  # <- RC113",
    "another one by name": "serialization.enable_insecure_serializers(['yaml', 'msgpack'])",
}


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in SETTINGS.items()])
def test_settings(lines: str, tmp_path: Path) -> None:
    marked = marked_in({"app.py": HEAD + lines}, tmp_path)
    assert found_in(tmp_path, "RC111", "RC112", "RC115") == marked


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in REGISTERED.items()])
def test_calls(lines: str, tmp_path: Path) -> None:
    marked = marked_in({"serializers.py": CODE + lines}, tmp_path)
    assert found_in(tmp_path, "RC113", "RC114") == marked


@pytest.mark.parametrize("missing", KEYS)
def test_what_is_missing_to_sign_with_is_named(missing: str, tmp_path: Path) -> None:
    given = ", ".join(f"{name}='/x'" for name in KEYS if name != missing)
    marked_in({"app.py": f"{HEAD}app.conf.update(result_serializer='auth', {given})"}, tmp_path)
    (finding,) = findings_in(tmp_path, "RC115")
    assert [name for name in KEYS if name in finding.message.split("sets")[1].replace(".", "").split()] == [missing]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param("app.conf.accept_content = ['json', 'pickle', 'yaml']", '["json", "yaml"]', id="taken out"),
        pytest.param("app.conf.accept_content = ['pickle', 'yaml']", None, id="kept where JSON is not there to stay"),
        pytest.param(
            "app.conf.accept_content = ['json', 'pickle']\napp.conf.task_serializer = 'pickle'",
            None,
            id="kept while tasks are still sent so",
        ),
        pytest.param(
            "app.conf.accept_content = ['json', 'pickle']\napp.conf.task_serializer = os.environ['S']",
            None,
            id="kept while nobody knows how tasks are sent",
        ),
        pytest.param(
            "app.conf.accept_content = ['json', 'pickle', os.environ['O']]", None, id="kept beside an unknown"
        ),
    ],
)
def test_pickle_in_the_accepted_ones_is(lines: str, expected: str | None, tmp_path: Path) -> None:
    marked_in({"app.py": HEAD + lines}, tmp_path)
    (finding,) = findings_in(tmp_path, "RC111")
    assert (finding.edit.value if finding.edit else None) == expected
