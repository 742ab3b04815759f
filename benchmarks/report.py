"""What is left behind by a full run: a JSON file, and for the documentation a table and a chart."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.chart import Chart
from benchmarks.comparison import Comparison
from benchmarks.figures import format_figure, format_ratio, format_target, sections

_HERE = Path(__file__).parent
_PROJECT = _HERE.parent
_PACKAGES = ("celery", "kombu", "redis", "psycopg", "SQLAlchemy", "rootcellar")


def machine() -> dict[str, Any]:
    """Return what the figures depend on, now: ask before measuring. Nothing in it names the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def as_document(comparisons: Sequence[Comparison], facts: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON document: the machine, and one entry for each comparison. Times are in seconds."""
    return {
        "format": 1,
        "machine": facts,
        "comparisons": [
            {
                "section": one.section,
                "row": one.row,
                "column": one.column,
                "unit": one.unit,
                "theirs": one.theirs,
                "ours": one.ours,
                "ratio": one.ratio,
                "target_ratio": one.target.ratio,
                "target_limit_s": one.target.limit_s,
                "target_limit_bytes": one.target.limit_bytes,
                "met": one.is_met,
            }
            for one in comparisons
        ],
    }


def render(comparisons: Sequence[Comparison], facts: dict[str, Any]) -> dict[Path, str]:
    """Return the files of the report, by path."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and ".svg" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(figure=format_figure, ratio=format_ratio, target=format_target)
    table = environment.get_template("table.md.j2").render(sections=sections(comparisons), machine=facts)
    chart = environment.get_template("chart.svg.j2").render(chart=Chart.of(comparisons), machine=facts)
    document = json.dumps(as_document(comparisons, facts), indent=2) + "\n"
    return {
        _HERE / "results" / "latest.json": document,
        _PROJECT / "docs" / "benchmarks-table.md": table,
        _PROJECT / "docs" / "_static" / "benchmarks.svg": chart,
    }


def write(files: dict[Path, str]) -> None:
    """Write the files of :func:`render`."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
