"""Read the settings of the installed Celery into src/rootcellar/specialist/engines/data/.

Run it with a Python that has the Celery in question, the oldest release first: a file says what its release has that
the one before it had not, and the oldest says everything. ::

    some-environment/bin/python tools/read_celery_settings.py
"""

import argparse
import ast
import json
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "src/rootcellar/specialist/engines/data"


def main() -> None:
    """Write ``celery-X.Y.Z.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=DATA, help="where the files lie (%(default)s)")
    directory = parser.parse_args().directory
    import celery

    version = celery.__version__
    settings = {**read_between_the_lines(Path(celery.__file__).parent), **read()}
    before = earlier(directory, version)
    changes: dict[str, Any] = {name: said for name, said in settings.items() if before.get(name) != said}
    changes.update({name: None for name in before if name not in settings})
    lines = [f"  {json.dumps(name)}: {json.dumps(said)}" for name, said in sorted(changes.items())]
    path = directory / f"celery-{version}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{path}: {len(settings)} settings, {len(changes)} of them not as before")  # noqa: T201


def read() -> dict[str, dict[str, Any]]:
    """Return what ``celery.app.defaults`` declares, by name."""
    from celery.app import defaults

    old: dict[str, list[str]] = {}
    for old_name, name in sorted(defaults._TO_NEW_KEY.items()):
        old.setdefault(name, []).append(old_name)
    found = {}
    for name, option in defaults.flatten(defaults.NAMESPACES):
        kind = getattr(option.type, "__name__", option.type)  # once it is the class itself
        said = {
            "type": "string" if kind == "str" else kind,  # one option says "str"
            "default": encode(option.default),
            "old": old.get(name, []),
            "deprecated_by": option.deprecate_by,
            "remove_by": option.remove_by,
            "alt": option.alt,
        }
        found[name] = {key: value for key, value in said.items() if value or key in ("type", "default")}
    return found


def read_between_the_lines(package: Path) -> dict[str, dict[str, Any]]:
    """Return the settings that Celery's code reads and does not declare: ``conf.get("redis_client_name")``."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name, default in _gets(ast.parse(text)) if "conf.get" in text else ():
            found[name] = {"type": "any", "default": encode(default), "is_undeclared": True}
    return found


def _gets(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        called = ast.unparse(node.func)
        name = node.args[0].value
        # dynamodb.py, elasticsearch.py and redis.py say `_get = self.app.conf.get`.
        if (called == "_get" or called.endswith("conf.get")) and isinstance(name, str) and name.islower():
            try:
                default = ast.literal_eval(node.args[1]) if len(node.args) > 1 else None
            except ValueError:
                default = None
            yield name, default


def earlier(directory: Path, version: str) -> dict[str, Any]:
    """Return all settings of the release before this one, as the files say; empty before the first."""
    settings: dict[str, Any] = {}
    for path in sorted(directory.glob("celery-*.json"), key=_order):
        if _order(path) < [int(part) for part in version.split(".")]:
            settings.update(json.loads(path.read_text(encoding="utf-8")))
    return {name: said for name, said in settings.items() if said is not None}


def _order(path: Path) -> list[int]:
    return [int(part) for part in path.stem.removeprefix("celery-").split(".")]


def encode(value: Any) -> Any:
    """Return a default as JSON; what JSON has not is an object with one key that begins with ``$``."""
    if isinstance(value, timedelta):
        return {"$seconds": value.total_seconds()}
    if isinstance(value, float) and math.isinf(value):
        return {"$float": str(value)}
    if isinstance(value, set | frozenset | tuple):
        return {f"${type(value).__name__}": sorted(value)}
    if isinstance(value, list):
        return [encode(one) for one in value]
    if isinstance(value, dict):
        return {str(key): encode(one) for key, one in value.items()}
    return value


if __name__ == "__main__":
    main()
