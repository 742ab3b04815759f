"""Read the columns of the installed Celery's result table into src/rootcellar/specialist/rules/data/columns.json.

Run it with a Python that has the Celery in question, and SQLAlchemy::

    some-environment/bin/python tools/read_celery_columns.py
"""

import json
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "src/rootcellar/specialist/rules/data/columns.json"


def main() -> None:
    """Add the release to the file."""
    from celery import __version__

    known = json.loads(DATA.read_text("utf-8")) if DATA.exists() else {}
    known[__version__] = read()
    ordered = dict(sorted(known.items(), key=lambda one: [int(part) for part in one[0].split(".")]))
    lines = [f"  {json.dumps(version)}: {json.dumps(columns)}" for version, columns in ordered.items()]
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read() -> dict[str, list[str]]:
    """Return the columns that the backend needs always, and those that it needs besides with ``result_extended``."""
    from celery.backends.database.models import Task, TaskExtended

    plain = {column.key for column in Task.__mapper__.column_attrs}
    extended = {column.key for column in TaskExtended.__mapper__.column_attrs}
    return {"always": sorted(plain), "extended": sorted(extended - plain)}


if __name__ == "__main__":
    main()
