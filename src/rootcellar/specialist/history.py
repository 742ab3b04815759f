"""The history: credentials that commits of the past hold, read from git."""

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from rootcellar.specialist.discover.env_files import is_env_file
from rootcellar.specialist.discover.git import git_command, git_environment
from rootcellar.specialist.discover.placeholder import has_password, has_secret_name, looks_secret
from rootcellar.specialist.rules.project import Commit

#: Bytes of a line that are looked at; longer ones are data or minified code.
_LONGEST_LINE = 16_384
_FILES = (
    "*.py", "*.env", "*.env.*", ".env*", "*/.env*", "*.envrc", "*/.envs/*", "*.yml", "*.yaml", "*.toml", "*.ini",
    "*.cfg", "*.conf", "*.cnf", "*.properties", "*.service", "*.sh", "*Dockerfile*", "*Procfile*", "*Makefile",
    "*config*.json", "*settings*.json", "*/users.acl", ":(exclude)*node_modules/*", ":(exclude)*package-lock.json",
)  # fmt: skip
_URL = re.compile(
    r"(?:(?:cellar|db|cache)\+)?(?:rediss?|redis\+socket|sentinel|redis-cluster|py-?amqps?|amqps?|librabbitmq|postgres(?:ql)?"
    r"|mysql|mariadb|mongodb|oracle|mssql|sqs|kafka|confluentkafka)(?:\+\w+)*://[^\s'\"<>\\]+",
    re.IGNORECASE,
)
_CONCERNS = re.compile(
    r"redis|valkey|celery|broker|result|backend|rabbit|amqp|(?:^|_)mq|postgres|pg|mysql|maria|mongo|db|database|sql|cache|"
    r"sentinel|fernet|security|cellar|requirepass|masterauth|^pass(?:word|wd)?$|flower|memcached",
    re.IGNORECASE,
)
_QUOTED = r"""[rbuRBUfF]{0,2}(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"""
_CODE = re.compile(
    rf"""(?:^|[\s,({{\[.])["']?(?P<name>[A-Za-z_][\w-]*)["']?\]?\s*(?::[\w\[\],\s|.]{{1,60}})?(?:=(?!=)|:)\s*{_QUOTED}"""
)
_DEFAULT = re.compile(
    rf"""(?:\bget|getenv|setdefault|config|env(?:\.\w+)?)\(\s*["'](?P<name>[A-Za-z_]\w*)["']\s*,\s*(?:default\s*=\s*)?{_QUOTED}"""
)
_TEXT = re.compile(
    r"""^\s*-?\s*(?:(?:export|ENV|ARG|Environment=)\s*)?["']?(?P<name>[A-Za-z_][\w.-]*)["']?\s*[:=]\s*(?P<value>\S.*)$"""
)
_DIRECTIVE = re.compile(r"^\s*(?P<name>requirepass|masterauth|sentinel\s+auth-pass\s+\S+)\s+(?P<value>\S+)$")
_NAMED = re.compile(r"^\s*-?\s*name:\s*[\"']?([A-Za-z_]\w*)[\"']?\s*$")
_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,\d+)? @@")
_IN_TESTS = re.compile(r"(?:^|/)tests?/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")


def credentials_in_history(
    root: Path, *, most_commits: int = 10_000, progress: Callable[[int], None] | None = None
) -> Iterator[Commit]:
    """Yield the credentials for brokers, result backends and databases that commits added, the oldest first.

    Each (file, name, value) once, with the commit that brought it in; the credential is not kept. Of a long history the
    newest ``most_commits`` are read. ``progress`` is called with the number of commits read so far. Without git, or
    without a repository, there is nothing. Files of tests are left out.
    """
    command = git_command(
        root, "log", "--branches", "--tags", "--remotes", "HEAD", "--reverse", f"--max-count={most_commits}", "--patch",
        "--relative", "--unified=0", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--diff-filter=AM",
        "--ignore-submodules=all", "--submodule=short", "--no-show-signature", "--no-notes", "--src-prefix=a/",
        "--dst-prefix=b/", "--format=%x00%H", "--", *_FILES,
    )  # fmt: skip
    if command is None or not root.is_dir():
        return
    process = subprocess.Popen(  # noqa: S603 - a list, and nothing in it is the project's but its folder
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=git_environment(is_users_own=False),
    )
    try:
        yield from _read(process, progress)
    finally:
        process.kill()
        process.communicate()


def _read(process: "subprocess.Popen[bytes]", progress: Callable[[int], None] | None) -> Iterator[Commit]:
    met: set[bytes] = set()
    commit = path = named = ""
    commits = line = 0
    is_head = True
    for raw in _lines(process):
        if raw.startswith(b"\0"):
            commit, path, is_head = raw[1:].decode("ascii", "replace").strip(), "", True
            commits += 1
            if progress is not None:
                progress(commits)
        elif raw.startswith(b"diff --git "):
            path, is_head = "", True
        elif is_head and raw.startswith(b"+++ "):
            path = _path(raw[4:])
        elif (hunk := _HUNK.match(raw)) is not None:
            line, is_head, named = int(hunk[1]), False, ""
        elif raw.startswith(b"+") and not is_head:
            text = raw[1:].decode("utf-8", "replace").rstrip()
            if path and not _IN_TESTS.search(path):
                for name, value in _credentials(text, path, named):
                    key = hashlib.sha256("\0".join((path, name, value)).encode("utf-8", "replace")).digest()
                    if key not in met:
                        met.add(key)
                        yield Commit(commit, path, line, name)
            match = _NAMED.match(text)
            named = match[1] if match is not None else ""
            line += 1


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Yield the lines of what a process writes; of one that is too long, nothing but an empty added line."""
    assert process.stdout is not None
    while raw := process.stdout.readline(_LONGEST_LINE):
        if raw.endswith(b"\n") or len(raw) < _LONGEST_LINE:
            yield raw.rstrip(b"\r\n")
            continue
        first = raw[:1]
        while raw and not raw.endswith(b"\n"):
            raw = process.stdout.readline(_LONGEST_LINE)
        yield first if first == b"+" else b""


def _path(raw: bytes) -> str:
    text = raw.decode("utf-8", "surrogateescape").rstrip("\t")
    if text.startswith('"') and text.endswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.removeprefix("b/") if text != "/dev/null" else ""


def _credentials(text: str, path: str, named: str) -> Iterator[tuple[str, str]]:
    """Yield ``(name, value)`` of the credentials in a line; ``named`` is what the line before it named (YAML)."""
    urls = [url[0] for url in _URL.finditer(text) if has_password(url[0])]
    for url in urls:
        yield _name_before(text, url) or named or "URL", url
    is_code = path.endswith((".py", ".sh", ".json"))
    patterns: tuple[re.Pattern[str], ...] = (_CODE, _DEFAULT) if is_code else (_CODE, _TEXT, _DIRECTIVE)
    if is_env_file(path):
        patterns = (_TEXT,)
    elif path.endswith(".sh"):
        patterns = (_CODE, _TEXT)
    found: set[tuple[str, str]] = set()
    for pattern in patterns:
        for match in pattern.finditer(text):
            name = " ".join(match["name"].split()[:2])
            value = re.sub(r"\s#.*$", "", match["value"]).strip(",").strip("'\"")
            if name.lower() == "value" and named:
                name = named
            if "://" in value or (name, value) in found or not _CONCERNS.search(name) or _is_expression(value, path):
                continue
            if has_secret_name(name) and looks_secret(name, value):
                found.add((name, value))
                yield name, value


def _name_before(text: str, url: str) -> str:
    before = text.partition(url)[0]
    names = re.findall(
        r"[A-Za-z_][\w.-]*", re.sub(r"(?:os\.)?environ(?:\.get)?|getenv|default|export|f?[\"'(\[]", " ", before)
    )
    return names[-1] if names else ""


def _is_expression(value: str, path: str) -> bool:
    """Whether an unquoted value is code or a reference: ``os.environ["X"]``, ``get_secret(x)``."""
    return re.match(r"^[A-Za-z_][\w.]*[\[(]", value) is not None or (
        path.endswith(".toml") and value.startswith(("[", "{"))
    )
