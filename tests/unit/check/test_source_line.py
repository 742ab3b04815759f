"""Source lines: what is shown of them, and that no secret ever is, wherever in a file it stands."""

import io
import json
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from rootcellar.specialist.check import Report
from rootcellar.specialist.mending.diff import shown_diff
from rootcellar.specialist.mending.mended import mended
from rootcellar.specialist.profile import Place
from rootcellar.specialist.report.as_json import as_json
from rootcellar.specialist.report.as_text import print_text
from rootcellar.specialist.report.github import github_lines
from rootcellar.specialist.report.sarif import as_sarif
from rootcellar.specialist.report.source_line import SourceFile
from rootcellar.specialist.rules.finding import Edit
from unit.check.hand_made import HandMade, checked, finds, profile


def shown(text: str, path: str = "a.py", line: int = 1) -> str:
    return SourceFile(path, text).shown(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("result_expires = 3600  # hunter2", "result_expires = 3600"),
        ('result_backend = "redis://:hunter2@localhost:6379/0"', 'result_backend = "redis://…@localhost:6379/0"'),
        ('accept_content = ["json", "pickle"]', 'accept_content = ["json", "pickle"]'),
        ("    app.conf.update(result_serializer='pickle')", "app.conf.update(result_serializer='pickle')"),
        ('redis_password = "redis"', 'redis_password = "…"'),
        ("redis_password = 123456", "redis_password = …"),
        ('url = os.environ.get("CELERY_RESULT_BACKEND", "x")', 'url = os.environ.get("CELERY_RESULT_BACKEND", "x")'),
        ('key = os.environ.get("SECRET_KEY", "redis")', 'key = os.environ.get("SECRET_KEY", "…")'),
        ('url = f"redis://:{password}@db"', 'url = f"…"'),
        ('url = rb"hunter2" b"hunter3"', 'url = rb"…" b"…"'),
        ("x = 123456789012", "x = …"),
        ("x = ''", "x = ''"),
        ('url = "foo://hunter2"', 'url = "…"'),
        ('url = "redis://hunter2:6379/0?db=1&password=1&hunter=x"', 'url = "redis://…/0?db=1&password=…&…"'),
        ("\tx = 1", "x = 1"),
    ],
)
def test_of_a_python_line_is_shown(line: str, said: str):
    assert (
        shown(
            line.strip() + "\n" if not line.startswith("    ") else f"if 1:\n{line}\n", line=1 + line.startswith("    ")
        )
        == said
    )


def test_of_a_text_over_several_lines_only_its_quotes_are_shown():
    text = 'x = """hunter\n2\n3""" + y\n'
    assert [shown(text, line=line) for line in (1, 2, 3)] == ['x = """…', "…", '…""" + y']


def test_of_a_file_that_is_no_python_only_known_names_are_shown():
    text = 'result_backend = "hunter2\nhunter2 = 1\n"""doc """ hunter2 """\n'
    assert [shown(text, line=line) for line in (1, 2, 3)] == ["result_backend = …", "…", "…"]


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        (".env", "CELERY_RESULT_BACKEND=redis://:hunter2@db:6379/0", "CELERY_RESULT_BACKEND=redis://…@db:6379/0"),
        (".env", "HUNTER2=3", "…=3"),
        (".env", "export SECRET_KEY='hunter2' # hunter3", "export SECRET_KEY=…"),
        ("compose.yml", '      - "6379:6379"', '- "6379:6379"'),
        ("compose.yml", "    image: redis:7-alpine", "image: redis:7-alpine"),
        ("compose.yml", "    command: redis-server --requirepass hunter2", "command: redis-server --requirepass …"),
        ("compose.yml", "    command: [redis-server, --requirepass, 1234]", "command: [redis-server, --requirepass, …"),
        ("compose.yml", "    command: celery -A shop worker", "command: celery …"),
        ("compose.yml", "  POSTGRES_PASSWORD: 1234", "POSTGRES_PASSWORD: …"),
        ("redis.conf", "maxmemory-policy allkeys-lru", "maxmemory-policy allkeys-lru"),
        ("redis.conf", "requirepass 1234", "requirepass …"),
        ("requirements.txt", "celery[redis]==5.3.6", "celery[redis]==5.3.6"),
        ("secret.yaml", "  password: aHVudGVyMg==", "password: …"),
        ("secret.yaml", "  MIIEvQIBADANBgkqhkiG9w0BAQEFAASC==", "…=="),
        ("a.conf", "# hunter2", "# …"),
    ],
)
def test_of_another_line_is_shown(path: str, line: str, said: str):
    assert shown(line, path) == said


def test_of_a_very_long_line_the_beginning_is_shown():
    assert len(shown("x = [" + "1, " * 1000 + "1]\n")) == 200


#: where a secret may stand: path of the file, text with `@@`, the line a rule finds something in, whether it is in
#: quotes (and so may hold anything that the quotes allow)
PLACES = {
    "a text": ("a.py", 'result_expires = "@@"\n', 1),
    "bytes": ("a.py", "result_expires = b'@@'\n", 1),
    "a raw text": ("a.py", "result_expires = r'@@'\n", 1),
    "an f-string": ("a.py", 'result_expires = f"{x}@@"\n', 1),
    "an f-string's expression": ("a.py", "result_expires = f\"{x['@@']}\"\n", 1),
    "a format": ("a.py", "result_expires = '%s@@' % 'redis'\n", 1),
    "a comment": ("a.py", "result_expires = 1  # @@\n", 1),
    "an ignore comment's brackets": ("a.py", "result_expires = 1  # rootcellar: ignore[@@] why\n", 1),
    "an ignore comment's reason": ("a.py", "result_expires = 1  # rootcellar: ignore[RC9] @@\n", 1),
    "an ignore comment's verb": ("a.py", "result_expires = 1  # rootcellar: @@\n", 1),
    "a docstring": ("a.py", '"""\nredis @@\n"""\nresult_expires = 1\n', 2),
    "the end of a docstring": ("a.py", '"""\nredis\n@@"""; result_expires = 1\n', 3),
    "a URL's password": ("a.py", 'result_expires = "redis://:@@@localhost/0"\n', 1),
    "a URL's user": ("a.py", 'result_expires = "redis://@@:x@localhost/0"\n', 1),
    "a URL's host": ("a.py", 'result_expires = "redis://@@/0"\n', 1),
    "a URL without an at sign": ("a.py", 'result_expires = "redis://:@@:6379/0"\n', 1),
    "a URL's path": ("a.py", 'result_expires = "redis://localhost/@@"\n', 1),
    "a URL's option": ("a.py", 'result_expires = "redis://localhost/0?ssl=@@"\n', 1),
    "a URL's option's name": ("a.py", 'result_expires = "redis://localhost/0?@@=1"\n', 1),
    "a URL's fragment": ("a.py", 'result_expires = "redis://localhost/0#@@"\n', 1),
    "a URL's scheme": ("a.py", 'result_expires = "@@://localhost/0"\n', 1),
    "the second of two URLs": ("a.py", 'result_expires = "sentinel://a:1;sentinel://:@@@b:1"\n', 1),
    "a mapping's key": ("a.py", "result_expires = {'@@': 1}\n", 1),
    "a mapping's value": ("a.py", "result_expires = {'password': '@@'}\n", 1),
    "a default": ("a.py", "result_expires = os.environ.get('REDIS_PASSWORD', '@@')\n", 1),
    "joined texts": ("a.py", "result_expires = ('redis://:'\n  '@@'\n  '@localhost')\n", 2),
    "a file that is no Python": ("a.py", "result_expires = (\n@@\n", 2),
    "a text that does not end": ("a.py", 'result_expires = "@@\n', 1),
    "an env file's value": (".env", "RESULT_EXPIRES=@@\n", 1),
    "an env file's quoted value": (".env", 'export RESULT_EXPIRES="@@"\n', 1),
    "an env file's name": (".env", "@@=1\n", 1),
    "an env file's comment": (".env", "RESULT_EXPIRES=1 # @@\n", 1),
    "a line of an env file": (".env", "@@\n", 1),
    "a YAML value": ("a.yml", "result_expires: @@\n", 1),
    "a YAML key": ("a.yml", "  @@: 1\n", 1),
    "a YAML list": ("a.yml", "  - @@\n", 1),
    "a YAML mapping": ("a.yml", "a: {password: @@, b: 1}\n", 1),
    "a YAML text": ("a.yml", "a: |\n  redis @@ redis\n", 2),
    "an option of a command": ("a.yml", "command: redis-server --requirepass @@ --port 1\n", 1),
    "a TOML value": ("a.toml", 'password = "@@"\n', 1),
    "a server's configuration": ("redis.conf", "requirepass @@\n", 1),
    "a Dockerfile": ("Dockerfile", "ENV REDIS_PASSWORD @@\n", 1),
}

#: No letter, so that no word of ours can be one; long enough not to be found by chance.
SECRETS = st.text("".join(sorted(set(string.punctuation) - set("\"'\\{}"))) + "ßжA7", min_size=1, max_size=12).map(
    lambda text: f"q{text}7Zz"
)


def all_forms(report: Report) -> str:
    """Return all that is ever said of a report, with the diff of its mends and its baseline."""
    file = io.StringIO()
    print_text(report, Console(file=file, width=10_000, highlight=False))
    done = mended(report.project.profile, report.findings)
    return "\n".join(
        [
            file.getvalue(),
            json.dumps(as_json(report), ensure_ascii=False),
            json.dumps(as_sarif(report), ensure_ascii=False),
            *github_lines(report),
            shown_diff(done.changes, report.source.hide),
            repr(list(report.known_now())),
            repr(report.findings),
            repr(done),
        ]
    )


@pytest.mark.parametrize("where", PLACES.values(), ids=PLACES)
@given(secret=SECRETS)
@settings(max_examples=15, deadline=None)
def test_no_form_shows_a_secret_that_stands_in(where: tuple[str, str, int], secret: str):
    path, template, line = where
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / path).write_text(template.replace("@@", secret), "utf-8")
        edit = Edit("set", Place(path, 1), "result_expires", "60")
        places = [Place(path, number) for number in range(1, template.count("\n") + 1)]
        report = checked(root, HandMade("RC901", of_project=finds(*places, edit=edit)), of=profile(root))
        assert any(finding.place.line == line for finding in report.findings) or "ignore" in template
        assert secret not in all_forms(report)
