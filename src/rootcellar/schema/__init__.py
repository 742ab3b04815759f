"""The SQL tables' migrations: one numbered ``.sql`` file a version, in a folder an engine.

The schema is the sum of its migrations. Applying them is the store's doing (it has the connection); this package only
knows what there is. Table names stand as ``{record}``, ``{groups}``, ``{waiter}``, ``{chord}``, ``{part}`` and
``{version}``, and are put in by the store, quoted by its driver.
"""

import re
from functools import cache
from importlib import resources
from typing import NamedTuple

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.sql")


class Migration(NamedTuple):
    """One step of an engine's schema."""

    version: int
    name: str
    sql: str


@cache
def migrations(engine: str) -> tuple[Migration, ...]:
    """Return the migrations of ``engine``, oldest first."""
    found = []
    for entry in resources.files(__package__).joinpath(engine).iterdir():
        match = _FILE.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match["version"]), match["name"], entry.read_text("utf-8")))
    return tuple(sorted(found))


def latest(engine: str) -> int:
    """Return the version this release writes and reads."""
    return migrations(engine)[-1].version
