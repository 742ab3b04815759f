"""Readers of environment variables: the ways in which Python code asks for one.

``os.environ``, ``os.getenv``, django-environ and environs, python-decouple, Starlette's ``Config``, ``dotenv_values``.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown
from rootcellar.specialist.discover.configuration.placed import PathText, made_of
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

_MAPPINGS = frozenset({"os.environ", "os.environb"})
_MAPPING_CALLS = frozenset({"dotenv.dotenv_values", "dotenv.main.dotenv_values", "os.environ.copy"})
_GETTERS = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop"})
#: callables that read the variable named by their first argument
_CONFIGS = frozenset({"decouple.config", "environs.env"})
_CONFIG_CLASSES = frozenset(
    {
        "decouple.AutoConfig", "decouple.Config", "starlette.config.Config", "starlette.config.environ",
        "environ.Env", "environ.FileAwareEnv", "environs.Env", "environs.FileAwareEnv", "environs.EnvLoader",
    }
)  # fmt: skip
_TRUE = frozenset({"1", "true", "yes", "on", "y", "t", "ok"})
_FALSE = frozenset({"0", "false", "no", "off", "n", "f", ""})
_INTERPOLATED = re.compile(r"\$\{(\w+)(?::?-([^}]*))?[^}]*\}|\$(\w+)|\{\{\s*([^}]*?)\s*\}\}")
_NOT_NAME = re.compile(r"\W+")


def is_environment(data: Any) -> bool:
    """Whether this is a mapping of environment variables."""
    return (isinstance(data, Ref) and data.name in _MAPPINGS) or (
        isinstance(data, Call) and data.name in _MAPPING_CALLS
    )


def read_variable(
    evaluator: "Evaluator", name: str, scope: "Scope", default: Value | None = None, *, or_none: bool = False
) -> Value:
    """Return a variable's value: what the project's files say, else the default, else unknown."""
    found = evaluator.environment.get(name, scope.module.path)
    if found is not None:
        return _interpolated(found[0], found[1], name)
    if default is not None and not (default.data is None and default.is_known):
        return Value(
            default.data, default.holes, tuple(dict.fromkeys([name, *default.variables])), default.written_at, True
        )
    return Value(
        Unknown(f"the environment variable {name}, which no env file or process of the project sets"), variables=(name,)
    )


def _interpolated(text: str, place: Any, name: str) -> Value:
    """Return what a file says; what it leaves to be filled in is a hole."""
    holes: list[str] = []

    def fill(match: re.Match[str]) -> str:
        if match[2]:
            return match[2]
        hole = _NOT_NAME.sub("_", match[1] or match[3] or match[4] or "").strip("_") or "unknown"
        holes.append(hole)
        return f"{{{hole}}}"

    # A lone ``$x`` may well be part of a password; only where nothing else is there it is a variable.
    filled = _INTERPOLATED.sub(lambda m: fill(m) if not m[3] or m[0] == text else m[0], text)
    if holes and filled == f"{{{holes[0]}}}":
        return Value(Unknown(f"the environment variable {name} is set from {holes[0]}"), (), (name,), (place,))
    return Value(filled, tuple(dict.fromkeys(holes)), (name,), (place,))


def called_reader(evaluator: "Evaluator", func: Value, arguments: Arguments, scope: "Scope") -> Value | None:
    """Return what a call that reads a variable comes to; ``None`` if ``func`` is no such reader."""
    data = func.data
    if not isinstance(data, (Ref, Call)):
        return None
    if isinstance(data, Ref) and data.name in _GETTERS:
        return _get(evaluator, arguments, scope, arguments.get(1, "default"))
    if isinstance(data, Ref) and data.name in _CONFIGS:
        return _get_cast(evaluator, arguments, scope, "", None)
    if isinstance(data, Call) and data.name in _CONFIG_CLASSES:
        return _get_cast(evaluator, arguments, scope, "", data)
    return None


def called_method(
    evaluator: "Evaluator", base: Value, method: str, arguments: Arguments, scope: "Scope"
) -> Value | None:
    """Return what ``env.str("X")`` and ``values.get("X")`` come to; ``None`` if ``base`` is no reader."""
    data = base.data
    if is_environment(data):
        if method in ("get", "setdefault", "pop"):
            return _get(evaluator, arguments, scope, arguments.get(1, "default"))
        if method in ("copy", "__copy__"):
            return base
        return None
    is_reader = (isinstance(data, Call) and data.name in _CONFIG_CLASSES) or (
        isinstance(data, Ref) and data.name in ("environs.env", "decouple.config")
    )
    if not is_reader:
        return None
    if method in ("read_env", "read_envfile"):
        return Value(None)
    if method == "prefixed":
        return Value(Unknown("environs' prefixed()"))
    if method in ("__call__", "get", "get_value"):
        method = ""
    return _get_cast(evaluator, arguments, scope, method, data if isinstance(data, Call) else None)


def _get(evaluator: "Evaluator", arguments: Arguments, scope: "Scope", default: Value | None) -> Value:
    name = arguments.text(0, "key", "var", "varname", "option", "name")
    if not name:
        return unknown("an environment variable whose name is not known", *arguments.args)
    return read_variable(evaluator, name, scope, default)


def _get_cast(evaluator: "Evaluator", arguments: Arguments, scope: "Scope", method: str, reader: Call | None) -> Value:
    name = arguments.text(0, "key", "var", "varname", "option", "name")
    default = arguments.kwargs.get("default")
    cast: Any = method
    given = arguments.kwargs.get("cast")
    is_decouple = reader is None or reader.name.startswith(("decouple", "starlette"))
    if given is not None:
        cast = given.data.name.rpartition(".")[2] if isinstance(given.data, Ref) else given.data
    elif not method and reader is not None and name in reader.kwargs:
        cast, default = _scheme(reader.kwargs[name], default)
    if default is None and len(arguments.args) > 1:
        # decouple: ``config("X", "default")``; starlette: ``config("X", cast)``; environs: ``env("X", "default")``.
        second = arguments.args[1]
        if isinstance(second.data, Ref):
            cast = second.data.name.rpartition(".")[2]
            default = arguments.args[2] if len(arguments.args) > 2 else None
        elif is_decouple or reader is None or reader.name.startswith("environs") or len(arguments.args) == 2:
            default = second
    value = _get(evaluator, arguments, scope, default)
    if default is not None and default.data is None and default.is_known and isinstance(value.data, Unknown):
        return value
    if value.is_default and not isinstance(value.data, str):
        return value
    return casted(value, cast)


def _scheme(entry: Any, default: Value | None) -> tuple[Any, Value | None]:
    """``Env(DEBUG=(bool, False))`` or ``Env(DEBUG=bool)``."""
    if isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], Ref):
        return entry[0].name.rpartition(".")[2], default or Value(entry[1])
    if isinstance(entry, Ref):
        return entry.name.rpartition(".")[2], default
    return "", default


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("neither true nor false")


_CASTS: Mapping[str, Callable[[str], Any]] = {
    "bool": _boolean,
    "strtobool": _boolean,
    "int": int,
    "float": float,
    "decimal": float,
    "list": lambda text: [one.strip() for one in text.split(",") if one.strip()],
    "Csv": lambda text: [one.strip() for one in text.split(",") if one.strip()],
    "CommaSeparatedStrings": lambda text: [one.strip() for one in text.split(",") if one.strip()],
    "tuple": lambda text: tuple(one.strip() for one in text.split(",") if one.strip()),
    "json": json.loads,
    "timedelta": lambda text: timedelta(seconds=float(text)),
    "path": PathText,
    "Path": PathText,
}
_TEXTS = frozenset(
    {"", "str", "url", "unicode", "URL", "Secret", "SecretStr", "db_url", "cache_url", "bytes", "url_value"}
)


def casted(value: Value, cast: Any) -> Value:
    """Return a variable's text as what it is cast to; ``cast`` is the name of a type."""
    if not isinstance(value.data, str):
        return value
    if isinstance(cast, Call):
        cast = cast.name.rpartition(".")[2]
    if not isinstance(cast, str):
        return unknown("cast by a function that this reader does not follow", value)
    if cast in _TEXTS:
        return value
    if cast not in _CASTS or value.holes:
        return unknown(f"cast by {cast}", value)
    try:
        return made_of(_CASTS[cast](value.data), value)
    except (ValueError, TypeError, OverflowError):
        return unknown(f"a text that is no {cast}", value)
