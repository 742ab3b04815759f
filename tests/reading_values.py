"""Reading the values of small projects, for tests of discovery."""

from collections.abc import Mapping
from pathlib import Path

from project_files import lay_out
from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.profile import EnvFile, Place, Value, Variable


def env_file(**variables: str) -> EnvFile:
    lines = enumerate(variables.items(), 1)
    return EnvFile(".env", tuple(Variable(name, value, Place(".env", n)) for n, (name, value) in lines))


def value_in(folder: Path, files: Mapping[str, str | bytes], name: str = "config.x", **variables: str) -> Value:
    modules = Modules(lay_out(folder, files))
    return Evaluator(modules, Environment([env_file(**variables)])).value_of(name)


def evaluated(folder: Path, code: str, **variables: str) -> Value:
    return value_in(folder, {"config.py": code}, **variables)
