"""The environment: which of the places that set a variable counts."""

import pytest

from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.profile import EnvFile, Place, Process, Variable


def env_file(path: str, value: str, *, example: bool = False) -> EnvFile:
    return EnvFile(path, (Variable("URL", value, Place(path, 1)),), is_example=example)


def process(role: str, value: str, app: str = "", path: str = "compose.yml") -> Process:
    return Process(role, Place(path, 1), role, app=app, environment=(Variable("URL", value, Place(path, 2)),))


ORDERS: dict[str, tuple[list[EnvFile], list[Process], str, str | None]] = {
    "nothing": ([], [], "", None),
    "an example only": ([env_file(".env.example", "x", example=True)], [], "", None),
    "an env file": ([env_file(".env", "a")], [], "", "a"),
    ".env before .env.production": ([env_file(".env.production", "b"), env_file(".env", "a")], [], "", "a"),
    ".env.production before .env.local": ([env_file(".env.local", "b"), env_file(".env.production", "a")], [], "", "a"),
    "an env file before a process": ([env_file(".env.prod", "a")], [process("worker", "b")], "", "a"),
    "a worker before the web": ([], [process("web", "b"), process("worker", "a")], "", "a"),
    "the nearest env file": ([env_file(".env", "b"), env_file("api/.env", "a")], [], "api/x/c.py", "a"),
    "not the neighbour's env file": ([env_file("jobs/.env", "b")], [], "api/c.py", None),
    "a deployment's env file": ([env_file("deploy/.env", "a")], [], "api/c.py", "a"),
    "an env file below .envs": ([env_file(".envs/.production/.django", "a")], [], "config/settings.py", "a"),
    "the worker of this app": (
        [],
        [process("worker", "b", "jobs.app"), process("worker", "a", "api.app")],
        "api/c.py",
        "a",
    ),
    "not the worker of another app": (
        [],
        [process("worker", "b", "jobs.app"), process("worker", "c", "mail.app")],
        "api/c.py",
        None,
    ),
    "the only app's worker": ([], [process("worker", "a", "worker:app")], "config/settings.py", "a"),
}


@pytest.mark.parametrize(("files", "processes", "near", "value"), ORDERS.values(), ids=ORDERS.keys())
def test_what_counts_is(files: list[EnvFile], processes: list[Process], near: str, value: str | None) -> None:
    found = Environment(files, processes).get("URL", near)
    assert (found[0] if found else None) == value


def test_the_place_comes_with_the_value() -> None:
    assert Environment([env_file(".env", "a")]).get("URL") == ("a", Place(".env", 1))
    assert Environment([env_file(".env", "a")]).get("OTHER") is None


def test_env_files_are_no_environment_of_a_process() -> None:
    environment = Environment([env_file(".env", "a")], [process("worker", "b")])
    assert environment.of_processes("URL") == ("b", Place("compose.yml", 2))
    assert environment.of_files("URL") == ("a", Place(".env", 1))
    assert list(environment.names()) == ["URL"]
