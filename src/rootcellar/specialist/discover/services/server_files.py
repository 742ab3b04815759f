"""Servers' own configuration files: redis.conf, postgresql.conf, my.cnf, pgbouncer.ini, rabbitmq.conf …"""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.services.images import Options
from rootcellar.specialist.discover.services.process_line import words_of
from rootcellar.specialist.discover.services.yaml_node import YAMLNode, documents
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Server, Unread

_NAMES: tuple[tuple[str, str], ...] = (
    (r"[\w.-]*sentinel[\w.-]*\.conf", "sentinel"),
    (r"[\w.-]*(?:redis|valkey)[\w.-]*\.conf", "redis"),
    (r"[\w.-]*pgbouncer[\w.-]*\.ini", "pgbouncer"),
    (r"(?:[\w-]+[.-])?postgres(?:ql)?(?:[.-][\w-]+)?\.conf", "postgresql"),
    (r"\.?my\.cnf|my\.ini|[\w.-]*(?:mysql|mysqld|mariadb)[\w.-]*\.cnf", "mysql"),
    (r"rabbitmq\.conf|[\w-]*definitions\.json", "rabbitmq"),
    (r"mongod[\w.-]*\.conf|mongod\.ya?ml", "mongodb"),
)
_KINDS = tuple((re.compile(rf"^(?:{name})(?:\.j2|\.tmpl|\.template)?$", re.IGNORECASE), kind) for name, kind in _NAMES)
_FOLDERS: Mapping[str, str] = {
    "redis": "redis", "valkey": "redis", "sentinel": "sentinel", "postgres": "postgresql", "postgresql": "postgresql",
    "mysql": "mysql", "mariadb": "mysql",
}  # fmt: skip
_SERVER_SECTIONS = ("mysqld", "server", "mariadb", "mariadbd", "mysqld-")


def find_servers(tree: Tree) -> list[Server]:
    """Return a server for each configuration file, with its options and their lines; ``origin`` is ``file``."""
    found = []
    for path in tree.paths:
        kind = _kind_of(path)
        if not kind or path.endswith((".md", ".py")):
            continue
        text = tree.text(path)
        if text is None:
            continue
        options = Options()
        if kind == "mongodb":
            for document in documents(tree, path):
                _yaml(document, options)
        elif path.endswith(".json"):
            if '"rabbit' not in text and '"vhosts"' not in text:
                continue
            _definitions(tree, text, path, options)
        else:
            read(kind, text, path, 1, options)
        if options.values or kind != "rabbitmq":
            found.append(Server(path, Place(path), kind, "file", options=options.values, option_places=options.places))
    return found


def _kind_of(path: str) -> str:
    *folders, name = path.split("/")
    kind = next((kind for pattern, kind in _KINDS if pattern.match(name)), "")
    if not kind and folders and re.search(r"\.(?:conf|cnf)$", name):
        kind = _FOLDERS.get(folders[-1].lower(), "")
    return "" if name in ("pg_hba.conf", "pg_ident.conf", "recovery.conf", "users.acl") else kind


def read(kind: str, text: str, path: str, first_line: int, options: Options) -> None:
    """Read a configuration file's text, which begins in line ``first_line`` of ``path``, into ``options``."""
    reader = _READERS.get(kind)
    for name, value, line in reader(text) if reader is not None else ():
        options.put(name, value, Place(path, line + first_line - 1))


def _redis(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield ``(name, value, line)``. Several ``save`` add up, and ``save ""`` takes back those before it."""
    saved: list[str] = []
    for number, line in enumerate(lines_of(text), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, *values = words_of(stripped) or [""]
        if name.lower() == "sentinel" and values:
            name, *values = values
        value = " ".join(values)
        if name.lower() == "save":
            saved = [*saved, value] if value else []
            value = " ".join(saved)
        yield name, value, number


def _assigned(text: str) -> Iterator[tuple[str, str, int]]:
    """Read ``name = 'value'  # comment``, as PostgreSQL and RabbitMQ have it; the ``=`` may be left out."""
    for number, line in enumerate(lines_of(text), 1):
        match = re.match(r"^\s*([A-Za-z_][\w.]*)(?:\s*=\s*|\s+)('(?:[^']|'')*'|[^#]*)", line)
        if match is not None:
            value = match[2].strip()
            is_quoted = len(value) > 1 and value[0] == value[-1] == "'"
            yield match[1], value[1:-1].replace("''", "'") if is_quoted else value, number


def _mysql(text: str) -> Iterator[tuple[str, str, int]]:
    for section, name, value, number in _sections(text):
        if section.startswith(_SERVER_SECTIONS):
            yield name.replace("-", "_"), value.strip("'\""), number


def _pgbouncer(text: str) -> Iterator[tuple[str, str, int]]:
    for section, name, value, number in _sections(text):
        if section == "pgbouncer":
            yield name, value, number


def _sections(text: str) -> Iterator[tuple[str, str, str, int]]:
    section = ""
    for number, line in enumerate(lines_of(text), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;!":
            continue
        header = re.match(r"^\[([^\]]+)\]", stripped)
        if header is not None:
            section = header[1].strip().lower()
            continue
        name, _, value = stripped.partition("=")
        yield section, name.strip(), re.sub(r"\s[#;].*$", "", value).strip(), number


_READERS: Mapping[str, Callable[[str], Iterator[tuple[str, str, int]]]] = {
    "redis": _redis,
    "sentinel": _redis,
    "postgresql": _assigned,
    "rabbitmq": _assigned,
    "mysql": _mysql,
    "pgbouncer": _pgbouncer,
}


def _yaml(node: YAMLNode, options: Options, prefix: str = "", depth: int = 0) -> None:
    for name, (key, value) in node.entries().items():
        if value.is_mapping and depth < 8:
            _yaml(value, options, f"{prefix}{name}.", depth + 1)
        elif not value.is_list:
            options.put(prefix + name, value.text, key.place)


def _definitions(tree: Tree, text: str, path: str, options: Options) -> None:
    """Read what RabbitMQ's policies make queues and messages expire after, in milliseconds."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        tree.unread.append(Unread(Place(path), "it is no well-formed JSON"))
        return
    lines = lines_of(text)
    policies = data.get("policies") if isinstance(data, dict) else None
    for policy in policies if isinstance(policies, list) else ():
        definition = policy.get("definition") if isinstance(policy, dict) else None
        for name in ("expires", "message-ttl", "max-length"):
            if isinstance(definition, dict) and name in definition:
                line = next((n for n, one in enumerate(lines, 1) if f'"{name}"' in one), 0)
                options.put(name, str(definition[name]), Place(path, line))
