"""Read what releases of Celery and kombu require into src/rootcellar/specialist/rules/data/requirements.json.

Run it with a Python that has the Celery in question, or name wheels (``pip download --no-deps celery==X.Y.Z``)::

    some-environment/bin/python tools/read_celery_requirements.py
    python tools/read_celery_requirements.py celery-5.3.0-py3-none-any.whl
"""

import argparse
import json
import re
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DATA = Path(__file__).resolve().parent.parent / "src/rootcellar/specialist/rules/data/requirements.json"
#: Packages whose releases are told apart; what others ask for is not the rules' concern.
PACKAGES = ("celery", "kombu")
#: Of the extras, those that bring what result backends talk to their servers with.
EXTRAS = ("redis", "sqlalchemy", "mongodb")


def main() -> None:
    """Add the releases to the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheels", nargs="*", type=Path, help="wheels of Celery or kombu (else what is installed)")
    wheels = parser.parse_args().wheels
    known = json.loads(DATA.read_text("utf-8")) if DATA.exists() else {}
    for name, version, lines in map(in_wheel, wheels) if wheels else map(installed, PACKAGES):
        known.setdefault(name, {})[version] = sorted(kept(lines))
    ordered = {name: dict(sorted(known[name].items(), key=lambda one: _order(one[0]))) for name in sorted(known)}
    DATA.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def in_wheel(wheel: Path) -> tuple[str, str, list[str]]:
    """Return name, version and requirements of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(path).decode("utf-8").partition("\n\n")[0]
    fields = re.findall(r"^([A-Za-z-]+): (.*)$", text, re.MULTILINE)
    said = dict(fields)
    name = canonicalize_name(said["Name"])
    return name, said["Version"], [value for key, value in fields if key == "Requires-Dist"]


def installed(name: str) -> tuple[str, str, list[str]]:
    """Return name, version and requirements of what is installed."""
    return name, metadata.version(name), metadata.requires(name) or []


def kept(lines: list[str]) -> Iterator[str]:
    """Yield the requirements that hold everywhere, and those of the extras, all written in one way."""
    for line in lines:
        one = Requirement(line)
        marker = str(one.marker) if one.marker is not None else ""
        extra = re.fullmatch(r'extra == "(\w+)"', marker)
        if not marker or (extra is not None and extra[1] in EXTRAS):
            yield str(one)


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    main()
