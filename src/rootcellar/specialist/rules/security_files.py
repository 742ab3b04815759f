"""Security of files beside the code: env files, their examples, deployment files, and what git keeps of them."""

import re
from collections.abc import Iterator

from rootcellar.specialist.discover.placeholder import looks_secret
from rootcellar.specialist.profile import EnvFile, Place, Variable
from rootcellar.specialist.profile.address import address_of
from rootcellar.specialist.rules.code_paths import is_in_tests
from rootcellar.specialist.rules.finding import Edit, Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import found, project_rule

_ENV_FILE = re.compile(r"(?:^|/)(?:\.env(?:[._-][^/]*)?|\.envrc|[^/]+\.env|\.envs/.+)$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}")
#: Words with a word for a password among them and a short number, or words and the digits everybody counts with.
_WEAK = re.compile(
    r"[a-z_-]*(?:pass(?:word|wd)?|secret|change)[a-z_-]*[0-9!]{0,4}|[a-z_-]+[_-]?(?:12|123|1234|12345|123456|321)[!]?",
    re.IGNORECASE,
)
#: What ``.gitignore`` takes literally.
_PLAIN_PATH = re.compile(r"(?!-)[\w./-]+")


@project_rule("RC102")
def credential_committed(project: Project) -> Iterator[Finding]:
    """An env file that everybody gets who clones the repository."""
    for file in _env_files(project, is_example=False):
        for variable in _secrets_in(file) if file.is_tracked else ():
            yield found(variable.place, f"git tracks this file, and {_shown(variable)}.")


@project_rule("RC103")
def credential_in_history(project: Project) -> Iterator[Finding]:
    """A credential that a commit of the past still has."""
    for commit in project.history or ():
        name = commit.name if _NAME.fullmatch(commit.name) else "a credential"
        yield found(Place(commit.path), f"Commit {commit.commit[:12]} has {name} in line {commit.line}, in clear text.")


@project_rule("RC104")
def env_not_ignored(project: Project) -> Iterator[Finding]:
    """An env file that the next ``git add .`` commits."""
    for file in _env_files(project, is_example=False):
        if file.is_tracked is False and file.is_ignored is False and _ENV_FILE.search(file.path):
            yield found(
                Place(file.path),
                "git neither tracks nor ignores this file: the next git add . takes it in.",
                edit=_ignored(file.path),
            )


def _ignored(path: str) -> Edit | None:
    return Edit("append_line", Place(".gitignore"), value=path) if _PLAIN_PATH.fullmatch(path) else None


@project_rule("RC105")
def real_secret_in_example(project: Project) -> Iterator[Finding]:
    """An example that gives away what it is an example of."""
    for file in _env_files(project, is_example=True):
        for variable in _secrets_in(file):
            if _is_weak(variable.value):
                continue
            yield found(variable.place, f"This file is an example, and {_shown(variable)} that looks real.")


@project_rule("RC106")
def credential_in_deployment(project: Project) -> Iterator[Finding]:
    """A password in a file that says how the project is run."""
    for variable in project.profile.literals:
        if not is_in_tests(variable.place.path):
            yield found(variable.place, f"In clear text: {_shown(variable)}.")


def _is_weak(value: str) -> bool:
    """Whether nobody takes it for a generated one, be it in use or not: ``securedbypassword123``, ``shop123456``."""
    secrets = [address_of(url).password for url in value.split(",")] if "://" in value else [value.strip()]
    return all(_WEAK.fullmatch(secret) for secret in secrets if secret)


def _env_files(project: Project, *, is_example: bool) -> Iterator[EnvFile]:
    files = project.profile.env_files
    return (one for one in files if one.is_example == is_example and not is_in_tests(one.path))


def _secrets_in(file: EnvFile) -> Iterator[Variable]:
    return (one for one in file.variables if looks_secret(one.name, one.value))


def _shown(variable: Variable) -> str:
    what = "a URL with a password" if "://" in variable.value else "a credential"
    return f"{variable.name if _NAME.fullmatch(variable.name) else 'it'} holds {what}"
