"""Known functions: what those of the standard library, and of a few packages, make of what they are given."""

import ast
import posixpath
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, urlencode

from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments, as_mapping
from rootcellar.specialist.discover.configuration.evaluation.env_readers import is_environment
from rootcellar.specialist.discover.configuration.evaluation.methods import dumped, file_name
from rootcellar.specialist.discover.configuration.evaluation.texts import (
    derived,
    hole_name,
    joined,
    mapped,
    text_of,
    unknown,
    unknown_of,
)
from rootcellar.specialist.discover.configuration.placed import Definition, Instance, PathText, PlacedDict, made_of
from rootcellar.specialist.profile import Call, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.configuration.evaluation.scope import Scope

Known = Callable[["Evaluator", Arguments, "Scope"], Value | None]


def known_call(evaluator: "Evaluator", name: str, arguments: Arguments, scope: "Scope") -> Value | None:
    """Return what a call of an outside function comes to; ``None`` if this reader does not know it."""
    known = _KNOWN.get(name)
    if known is not None:
        return known(evaluator, arguments, scope)
    if name.endswith(("Dsn.build", "MultiHostUrl.build", "AnyUrl.build")):
        return _dsn(arguments)
    if name.endswith(("sqlalchemy.URL.create", "sqlalchemy.engine.URL.create", "url.URL.create")):
        return _dsn(arguments, scheme="drivername")
    last = name.rpartition(".")[2]
    if name.startswith("pydantic") and last.endswith(("Dsn", "Url", "SecretStr", "SecretBytes")) and arguments.args:
        return arguments.args[0]
    return None


def _named(arguments: Arguments, n: int) -> str:
    node = arguments.node
    value = arguments.args[n] if n < len(arguments.args) else Value(Unknown(""))
    return hole_name(node.args[n], value) if n < len(node.args) else "unknown"


def _first_text(arguments: Arguments) -> Value | None:
    return text_of(arguments.args[0], _named(arguments, 0)) if arguments.args else None


def _changing(change: Callable[[str], str]) -> Known:
    def known(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
        text = _first_text(arguments)
        return mapped(text, change) if text is not None and isinstance(text.data, str) else None

    return known


def _str(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    if not arguments.args:
        return Value("")
    value = arguments.args[0]
    if isinstance(value.data, Unknown):
        return value
    if isinstance(value.data, PathText):
        return made_of(str(value.data), value, holes=value.holes)
    return text_of(value, _named(arguments, 0))


def _number(kind: type) -> Known:
    def known(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
        value = arguments.args[0] if arguments.args else Value(0)
        if not value.is_known or not isinstance(value.data, (str, int, float, bool)):
            return unknown_of(value, why="a number that is not known")
        if isinstance(value.data, str) and len(value.data) > 40:
            return unknown("a number of more than 40 digits", value)
        if kind is bool:
            return made_of(bool(value.data), value)
        if len(arguments.args) > 1:
            return unknown("a number of another base", value)
        return made_of(kind(value.data), value)

    return known


def _timedelta(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    values = [*arguments.args, *arguments.kwargs.values()]
    if not arguments.is_complete or any(not isinstance(value.data, (int, float)) for value in values):
        return unknown_of(*values, why="a time that is not known")
    data = timedelta(*(value.data for value in arguments.args), **{k: v.data for k, v in arguments.kwargs.items()})
    return made_of(data, *values, at=scope.module.place(arguments.node))


def _dict(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    here = scope.module.place(arguments.node)
    result = PlacedDict()
    for value in arguments.args[:1]:
        if is_environment(value.data) and not arguments.kwargs:
            return value
        taken = evaluator.mapping(value)
        if taken is not None:
            result.take(taken, here)
        elif isinstance(value.data, (list, tuple)) and all(isinstance(one, (list, tuple)) for one in value.data):
            for pair in value.data:
                if len(pair) == 2 and isinstance(pair[0], str):
                    result.put(pair[0], Value(pair[1], value.holes), here)
        else:
            result.unknown.append(value.why or "a dict made of something that is not known")
    result.take(as_mapping(arguments, here), here)
    return made_of(result, *arguments.args, *arguments.kwargs.values(), at=here)


def _sequence(kind: type) -> Known:
    def known(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
        if not arguments.args:
            return Value(kind())
        value = arguments.args[0]
        if isinstance(value.data, (list, tuple, set, dict)):
            items = list(value.data)
            if kind in (set, frozenset):
                return made_of(set(items), value)
            return made_of(kind(items), value, holes=value.holes)
        return unknown_of(value, why="a list of something that is not known")

    return known


def _path(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    if not arguments.args:
        return Value(PathText("."))
    return _joined_path(evaluator, arguments, scope, as_path=True)


def _join_path(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    return _joined_path(evaluator, arguments, scope, as_path=False)


def _joined_path(evaluator: "Evaluator", arguments: Arguments, scope: "Scope", *, as_path: bool) -> Value:
    parts = [text_of(value, _named(arguments, n)) for n, value in enumerate(arguments.args)]
    if not all(isinstance(part.data, str) for part in parts):
        return unknown_of(*parts, why="a path that is not known")
    text = posixpath.join(*(part.data for part in parts)) if parts else ""
    found = joined([Value("")])
    found = derived(str(text), Value("", tuple(h for part in parts for h in part.holes)), *parts)
    return Value(PathText(found.data) if as_path else str(found.data), found.holes, found.variables, found.written_at)


def _path_function(change: Callable[[str], str]) -> Known:
    def known(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
        text = _first_text(arguments)
        if text is None or not isinstance(text.data, str):
            return None
        return derived(change(str(text.data)), Value(str(text.data), text.holes), text)

    return known


def _getattr(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    name = arguments.text(1)
    if not name or not arguments.args:
        return unknown_of(*arguments.args, why="an attribute whose name is not known")
    found = evaluator.attribute(arguments.args[0], name, scope, ast.Pass())
    default = arguments.get(2)
    if default is not None and isinstance(found.data, (Unknown, Ref)) and not found.variables:
        if isinstance(found.data, Ref) and not isinstance(arguments.args[0].data, Instance):
            return found
        return Value(default.data, default.holes, default.variables, default.written_at, is_default=True)
    return found


def _vars(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    if not arguments.args:
        return unknown("the names of a scope")
    value = arguments.args[0]
    match value.data:
        case Instance():
            return dumped(evaluator, value, scope)
        case Call(name="types.SimpleNamespace"):
            return made_of(dict(value.data.kwargs), value)
        case Definition(node=ast.ClassDef()) | Ref():
            from rootcellar.specialist.discover.configuration.settings_object import members_of

            return members_of(evaluator, value, scope)
    return unknown_of(value, why="the attributes of something that is not known")


def _dsn(arguments: Arguments, scheme: str = "scheme") -> Value:
    """``PostgresDsn.build(scheme=…, username=…, …)``, ``URL.create(drivername=…, …)``."""
    order = ("drivername", "username", "password", "host", "port", "database") if scheme == "drivername" else ()
    given = dict(zip(order, arguments.args, strict=False)) | dict(arguments.kwargs)

    def part(*names: str) -> Value | None:
        value = next((given[name] for name in names if name in given), None)
        return None if value is None or (value.is_known and value.data is None) else text_of(value, names[0])

    pieces: list[Value] = [part(scheme) or Value(""), Value("://")]
    username, password = part("username", "user"), part("password")
    if username is not None or password is not None:
        pieces += [username or Value("")]
        pieces += [Value(":"), mapped(password, lambda text: quote(text, safe=""))] if password is not None else []
        pieces += [Value("@")]
    pieces += [part("host") or Value("")]
    if (port := part("port")) is not None:
        pieces += [Value(":"), port]
    if (path := part("path", "database")) is not None:
        pieces += [Value("" if str(path.data).startswith("/") else "/"), path]
    if (query := part("query")) is not None and query.data:
        pieces += [Value("?"), query]
    return joined(pieces)


def _urlencode(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    value = arguments.args[0] if arguments.args else Value(Unknown(""))
    if isinstance(value.data, dict) and all(isinstance(one, (str, int, float)) for one in value.data.values()):
        return made_of(urlencode(value.data), value)
    return unknown_of(value, why="the options of a URL that are not known")


def _namedtuple(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    return Value(Ref("types.SimpleNamespace")) if arguments.args else None


def _type(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    """``type("Config", (), {...})``."""
    if len(arguments.args) == 3 and isinstance(arguments.args[2].data, dict):
        taken = arguments.args[2]
        return made_of(Call("types.SimpleNamespace", (), dict(taken.data)), taken)
    return None


def _loaded(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    source = arguments.args[0] if arguments.args else Value(Unknown(""))
    if isinstance(source.data, str) and source.is_known and not isinstance(source.data, PathText):
        return unknown("parsed from a text at run time")
    return unknown(source.why or "read from a file at run time")


def _open(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    return unknown(f"read from {file_name(arguments.args[0]) if arguments.args else 'a file'} at run time")


def _first(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    return arguments.get(0, "val", "value", "typ")


def _second(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    return arguments.get(1, "val", "value")


def _asdict(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    value = arguments.args[0] if arguments.args else Value(Unknown(""))
    return dumped(evaluator, value, scope) if isinstance(value.data, Instance) else unknown_of(value)


def _isinstance(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    value, kind = arguments.get(0), arguments.get(1)
    kinds = {"builtins.str": str, "builtins.int": int, "builtins.dict": dict, "builtins.list": list}
    if value is None or kind is None or not isinstance(kind.data, Ref) or isinstance(value.data, (Unknown, Call, Ref)):
        return unknown("a question about a type")
    wanted = kinds.get(kind.data.name)
    return made_of(isinstance(value.data, wanted), value) if wanted else unknown("a question about a type")


def _len(evaluator: "Evaluator", arguments: Arguments, scope: "Scope") -> Value | None:
    value = arguments.get(0) or Value(Unknown(""))
    if value.is_known and isinstance(value.data, (str, bytes, list, tuple, dict, set)):
        return made_of(len(value.data), value)
    return unknown_of(value, why="how long something is that is not known")


_KNOWN: Mapping[str, Known] = {
    "builtins.str": _str,
    "builtins.int": _number(int),
    "builtins.float": _number(float),
    "builtins.bool": _number(bool),
    "builtins.dict": _dict,
    "builtins.list": _sequence(list),
    "builtins.tuple": _sequence(tuple),
    "builtins.set": _sequence(set),
    "builtins.frozenset": _sequence(frozenset),
    "builtins.sorted": _sequence(list),
    "builtins.getattr": _getattr,
    "builtins.vars": _vars,
    "builtins.open": _open,
    "builtins.type": _type,
    "builtins.isinstance": _isinstance,
    "builtins.len": _len,
    "collections.OrderedDict": _dict,
    "collections.namedtuple": _namedtuple,
    "types.MappingProxyType": _dict,
    "immutabledict.immutabledict": _dict,
    "datetime.timedelta": _timedelta,
    "django.utils.timezone.timedelta": _timedelta,
    "dataclasses.asdict": _asdict,
    "attr.asdict": _asdict,
    "attrs.asdict": _asdict,
    "typing.cast": _second,
    "copy.copy": _first,
    "copy.deepcopy": _first,
    "urllib.parse.quote": _changing(lambda text: quote(text, safe="")),
    "urllib.parse.quote_plus": _changing(quote_plus),
    "urllib.quote": _changing(lambda text: quote(text, safe="")),
    "urllib.quote_plus": _changing(quote_plus),
    "urllib.parse.unquote": _changing(unquote),
    "urllib.parse.urlencode": _urlencode,
    "sys.intern": _first,
    "os.path.join": _join_path,
    "posixpath.join": _join_path,
    "os.path.dirname": _path_function(posixpath.dirname),
    "os.path.basename": _path_function(posixpath.basename),
    "os.path.abspath": _path_function(posixpath.normpath),
    "os.path.realpath": _path_function(posixpath.normpath),
    "os.path.normpath": _path_function(posixpath.normpath),
    "os.path.expanduser": _first,
    "os.path.expandvars": _first,
    "os.fspath": _str,
    "pathlib.Path": _path,
    "pathlib.PurePath": _path,
    "pathlib.PosixPath": _path,
    "io.open": _open,
    "codecs.open": _open,
    "json.load": _loaded,
    "json.loads": _loaded,
    "yaml.safe_load": _loaded,
    "yaml.load": _loaded,
    "yaml.full_load": _loaded,
    "tomllib.load": _loaded,
    "tomllib.loads": _loaded,
    "toml.load": _loaded,
    "toml.loads": _loaded,
}
