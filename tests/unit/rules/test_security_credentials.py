"""The finer points of the rules about credentials and keys: what is reported, and what is left alone."""

import subprocess
from pathlib import Path

import pytest

from unit.rules.marked import findings_in, found_in, marked_in

APP = "from celery import Celery\n\napp = Celery('bank', broker='amqp://localhost')\n"
RULES = ("RC101", "RC102", "RC104", "RC105", "RC106", "RC116", "RC117")

#: name → files
CASES: dict[str, dict[str, str]] = {
    "a keyword of the app": {
        "app.py": "from celery import Celery\n\napp = Celery('bank', backend='redis://:Kd8wQz2m@redis/0')  # <- RC101\n"
    },
    "a constant that the app is given": {
        "app.py": "from celery import Celery\n\nRESULTS = 'redis://:Kd8wQz2m@redis/0'  # <- RC101\n\n"
        "app = Celery('bank', backend=RESULTS)\n"
    },
    "a constant that a URL is put together from": {
        "app.py": "from celery import Celery\n\nHOST = 'redis'\nPASSWORD = 'Kd8wQz2m'  # <- RC101\n\n"
        "app = Celery('bank', backend=f'redis://:{PASSWORD}@{HOST}/0')\n"
    },
    "the default of a variable": {
        "app.py": f"import os\n{APP}"
        "app.conf.redis_password = os.environ.get('REDIS_PASSWORD', 'Kd8wQz2m')  # <- RC101\n"
    },
    "a default that nothing replaces, in a URL": {
        "app.py": f"import os\n{APP}"
        "app.conf.result_backend = os.getenv('RESULTS', 'redis://:Kd8wQz2m@redis/0')  # <- RC101\n"
    },
    "a value from the env file": {
        "app.py": f"import os\n{APP}SECRET = os.environ['REDIS_PASSWORD']\n"
        "app.conf.redis_password = SECRET\napp.conf.result_backend = f'redis://:{SECRET}@redis/0'\n",
        ".env": "REDIS_PASSWORD=Kd8wQz2m",
    },
    "placeholders": {
        "app.py": f"{APP}app.conf.result_backend = 'redis://:changeme@redis/0'\n"
        "app.conf.redis_password = '<password>'\napp.conf.broker_url = 'amqp://guest:guest@localhost//'\n"
    },
    "an entry of a setting": {
        "app.py": f"{APP}app.conf.result_backend_transport_options = {{\n    'master_name': 'm',\n"
        "    'sentinel_kwargs': {'password': 'Kd8wQz2m'},  # <- RC101\n}\n"
    },
    "an attribute of a settings class": {
        "app.py": "from celery import Celery\nfrom pydantic_settings import BaseSettings\n\n\n"
        "class Settings(BaseSettings):\n    result_backend: str = 'redis://:Kd8wQz2m@redis/0'  # <- RC101\n\n\n"
        "settings = Settings()\napp = Celery('bank', backend=settings.result_backend)\n"
    },
    "a login keyword": {
        "lock.py": "import redis\n\nclient = redis.Redis(host='redis', password='Kd8wQz2m')  # <- RC101\n"
    },
    "tests": {
        "tests/test_app.py": f"{APP}app.conf.result_backend = 'redis://:Kd8wQz2m@redis/0'\nPASSWORD = 'Kd8wQz2m'\n",
        "tests/.env.example": "REDIS_PASSWORD=Kd8wQz2m",
    },
    "what only sounds like a secret": {
        "forms.py": "PASSWORD_FIELD = 'password'\nTOKEN_URL = '/oauth/token'\nreset_token = 'reset-token'\n"
        "help_password = 'At least 8 letters'\nSORT_KEY = 'created_at'\nSESSION_KEY = '_auth_user_id'\n"
        "hidden_password = ':****'\ntoken_source = 'POST'\nqtoken = r'(?:\\w{8}|[0-9]+?)'\nCSRF_TOKEN = 'X-CSRFToken'\n"
        "API_KEY_HEADER_TOKEN = 'Bearer-Token'\nactual_password = 'Super+Geheim!'  # <- RC101\n"
    },
    "a path of a key": {"app.py": f"{APP}app.conf.security_key = '/etc/ssl/private/worker.key'\n"},
    "the passphrase of a key": {"app.py": f"{APP}app.conf.security_key_password = b'Kd8wQz2m'  # <- RC117\n"},
    "a key behind a constant": {
        "keys.py": "from cryptography.fernet import Fernet\n\n"
        "ARCHIVE_KEY = b'dGhpcnR5LXR3by1ieXRlcy1mb3ItdGhlLWRvY3VtZW4='  # <- RC117\nARCHIVE = Fernet(ARCHIVE_KEY)\n"
    },
    "a key that signs": {
        "keys.py": "import hmac\n\n\ndef sign(text):\n"
        "    return hmac.new(b'Kd8wQz2mVb5x', text, 'sha256')  # <- RC117\n"
    },
    "a key from the environment": {
        "keys.py": "import os\n\nfrom cryptography.fernet import Fernet\n\n"
        "ARCHIVE = Fernet(os.environ['ARCHIVE_KEY'])\n",
        ".env": "ARCHIVE_KEY=dGhpcnR5LXR3by1ieXRlcy1mb3ItdGhlLWRvY3VtZW4=",
    },
    "a key generated if there is none": {
        "keys.py": "import os\nimport secrets\n\n"
        "SIGNING_KEY = os.getenv('SIGNING_KEY') or secrets.token_hex()  # <- RC116\n"
    },
    "a key generated in a factory": {
        "web.py": "import os\nimport secrets\n\n\ndef create(app):\n"
        "    app.config['SECRET_KEY'] = os.getenv('SECRET_KEY', secrets.token_hex())  # <- RC116\n    return app\n"
    },
    "a command that makes a key": {
        "make_key.py": "from cryptography.fernet import Fernet\n\n\ndef main():\n"
        "    secret_key = Fernet.generate_key()\n    print(secret_key.decode())\n"
    },
    "what is made anew on purpose": {
        "ids.py": "import secrets\nimport uuid\n\nREQUEST_KEY = uuid.uuid4().hex\n"
        "IDEMPOTENCY_KEY = secrets.token_hex()\n"
        "CSRF_TOKEN = secrets.token_urlsafe()\n"
    },
    "an example": {
        ".env.example": "BROKER_URL=amqp://bank:Kd8wQz2m@mq//  # <- RC105\nREDIS_PASSWORD=changeme\nDEBUG=1\n"
    },
    "deployment files": {
        "compose.yaml": "services:\n  worker:\n    build: .\n    environment:\n"
        "      RESULTS: redis://:Kd8wQz2m@redis/0  # <- RC106\n      SMTP_PASSWORD: ${SMTP_PASSWORD}\n"
        "      DB_PASSWORD_FILE: /run/secrets/db\n      EMPTY_PASSWORD: ''\n"
        "    command: celery -A app worker\n",
        "Dockerfile": "FROM python:3.13\nARG TOKEN\nARG API_TOKEN=Kd8wQz2mVb5x  # <- RC106\nENV LOG_LEVEL=INFO\n",
        "Procfile": "worker: REDIS_PASSWORD=Kd8wQz2m celery -A app worker  # <- RC106\n",
        "k8s/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\nstringData:\n"
        "  REDIS_PASSWORD: Kd8wQz2m  # <- RC106\n",
    },
}


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CASES.items()])
def test_credentials_in(files: dict[str, str], tmp_path: Path) -> None:
    marked = marked_in(files, tmp_path)
    assert found_in(tmp_path, *RULES) == marked


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CASES.items()])
def test_no_message_holds_a_part_of_a_secret(files: dict[str, str], tmp_path: Path) -> None:
    marked_in(files, tmp_path)
    for finding in findings_in(tmp_path, "RC1"):
        said = f"{finding.message} {finding.mend} {finding.evidence} {finding.edit}"
        assert not [part for part in ("Kd8", "Qz2m", "dGhpcn") if part in said]


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("tracked", "ignored", "expected"),
    [
        pytest.param([], "", [(".env", "RC104"), ("deploy/prod.env", "RC104")], id="neither tracked nor ignored"),
        pytest.param([], "*.env\n", [], id="ignored"),
        pytest.param([], "/.env\n", [("deploy/prod.env", "RC104")], id="one of two ignored"),
        pytest.param([".env"], "deploy\n", [(".env:2", "RC102")], id="tracked"),
        pytest.param([".env"], "*.env\n", [(".env:2", "RC102")], id="tracked and ignored all the same"),
    ],
)
def test_env_files_of_a_repository(
    tracked: list[str], ignored: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    files = {".env": "LOG_LEVEL=INFO\nREDIS_PASSWORD=Kd8wQz2m", "deploy/prod.env": "WORKERS=4", ".gitignore": ignored}
    marked_in(files, tmp_path)
    git(tmp_path, "init", "--quiet")
    for path in tracked:
        git(tmp_path, "add", "--force", path)
    assert found_in(tmp_path, "RC102", "RC104") == expected


def test_ignoring_an_env_file_is_offered_by_its_path_where_git_takes_that_literally(tmp_path: Path) -> None:
    marked_in({"deploy/prod.env": "WORKERS=4", "odd[1]/.env": "WORKERS=4"}, tmp_path)
    git(tmp_path, "init", "--quiet")
    edits = {
        str(one.place): one.edit and (one.edit.place.path, one.edit.value) for one in findings_in(tmp_path, "RC104")
    }
    assert edits == {"deploy/prod.env": (".gitignore", "deploy/prod.env"), "odd[1]/.env": None}


def test_a_folder_that_is_no_repository_has_no_env_files_to_ignore(tmp_path: Path) -> None:
    marked_in({".env": "REDIS_PASSWORD=Kd8wQz2m"}, tmp_path)
    assert found_in(tmp_path, "RC102", "RC104") == []


def test_a_credential_of_an_earlier_commit_is_reported_with_that_commit(tmp_path: Path) -> None:
    from rootcellar.specialist.check import check
    from rootcellar.specialist.checking.configuration import Configuration
    from rootcellar.specialist.checking.selection import Selection
    from rootcellar.specialist.discover.assemble import profile_of
    from rootcellar.specialist.history import credentials_in_history
    from rootcellar.specialist.rules import all_rules
    from rootcellar.specialist.rules.project import Project

    git(tmp_path, "init", "--quiet")
    file = tmp_path / "celeryconfig.py"
    for text in ("result_backend = 'redis://:Kd8wQz2m@redis/0'\n", "result_backend = 'redis://redis/0'\n"):
        file.write_text(text)
        git(tmp_path, "add", "celeryconfig.py")
        git(tmp_path, "commit", "--quiet", "-m", "state")
    project = Project(profile_of(tmp_path), history=tuple(credentials_in_history(tmp_path)))
    (finding,) = check(project, all_rules(), Configuration(Selection(("RC101", "RC103")))).findings
    first = subprocess.run(
        ["git", "-C", str(tmp_path), "rev-list", "--max-parents=0", "HEAD"], capture_output=True, text=True, check=True
    ).stdout
    assert (finding.rule, str(finding.place)) == ("RC103", "celeryconfig.py")
    assert first[:12] in finding.message
    assert "line 1" in finding.message
