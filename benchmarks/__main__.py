"""The command ``python -m benchmarks``."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.comparison import Comparison

_NEEDED = {
    "rich": "rich",
    "jinja2": "Jinja2",
    "redis": "redis",
    "psycopg": "'psycopg[binary]'",
    "sqlalchemy": "SQLAlchemy",
    "rootcellar": "-e .",
}
_PARTS = ("redis", "postgresql-web", "postgresql-forked", "sqlite-web", "sqlite-forked")
_OTHER_PARTS = ("driver", "writers", "import", "end-to-end", "async")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 if a target was missed by a full run."""
    options = _parser().parse_args(arguments)
    _require_packages()
    from rich.console import Console

    from benchmarks import report, terminal
    from servers import MissingServer

    console = Console() if sys.stdout.isatty() else Console(width=120)
    begin = time.monotonic()
    facts = report.machine()
    comparisons = []
    try:
        with console.status("Starting servers") as status:
            for title, comparison in _measure(options.only, quick=options.quick):
                if comparison is not None:
                    comparisons.append(comparison)
                    title = f"{title}, after {comparison.column!r}"
                status.update(f"Measuring {title} ({time.monotonic() - begin:.0f} s)")
    except MissingServer as exc:
        console.print(f"{exc}, or leave out what needs it with --only.")
        return 2
    terminal.show(comparisons, console)
    files = report.render(comparisons, facts)
    # A part of the figures, or hasty ones, must not replace those of a full run.
    if not (options.no_write or options.quick or options.only != _PARTS + _OTHER_PARTS):
        report.write(files)
    missed = [one for one in comparisons if one.is_met is False]
    if facts["load"] > facts["cpus"] / 4:
        console.print(f"The machine was busy at the start (load {facts['load']}): do not trust these figures.")
    console.print(f"{len(missed)} target(s) missed, in {time.monotonic() - begin:.0f} s.")
    return 1 if missed and not options.quick else 0


def _measure(parts: Sequence[str], *, quick: bool) -> Iterator[tuple[str, "Comparison | None"]]:
    """Yield ``(what is measured, comparison)``, and before each part begins ``(what is measured, None)``."""
    from benchmarks import async_waiters, driver_share, end_to_end, side_by_side, startup, writers
    from benchmarks.effort import FULL, QUICK
    from benchmarks.services import Services

    effort = QUICK if quick else FULL
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rootcellar-benchmarks-")))
        directory.chmod(0o711)  # PostgreSQL's server is another user
        services = Services(directory, stack)
        for part in parts:
            yield part, None
            if part == "driver":
                found = driver_share.compare(services, effort)
            elif part == "writers":
                found = writers.compare(services, effort)
            elif part == "import":
                found = startup.compare(services, effort)
            elif part == "async":
                found = async_waiters.compare(services, effort)
            elif part == "end-to-end":
                found = end_to_end.compare(services, effort, directory)
            else:
                found = side_by_side.compare(part, services, effort)
            for comparison in found:
                yield part, comparison


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Celery's own result backends and rootcellar's in turn, on private servers.",
        epilog="example: python -m benchmarks --only redis,driver",
    )
    parser.add_argument("--quick", action="store_true", help="only see that everything runs; writes nothing, exits 0")
    parser.add_argument(
        "--only",
        type=_parts,
        default=_PARTS + _OTHER_PARTS,
        metavar="PART,...",
        help=f"some of: {', '.join(_PARTS + _OTHER_PARTS)}; writes nothing",
    )
    parser.add_argument("--no-write", action="store_true", help="leave the files of the last full run as they are")
    return parser


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    for part in parts:
        if part not in _PARTS + _OTHER_PARTS:
            raise argparse.ArgumentTypeError(f"{part!r} is none of {', '.join(_PARTS + _OTHER_PARTS)}")
    return parts


def _require_packages() -> None:
    missing = []
    for module, package in _NEEDED.items():
        try:
            import_module(module)
        except ImportError:
            missing.append(package)
    if missing:
        sys.exit(
            f"The benchmarks need packages that are not installed here. Install them: pip install {' '.join(missing)}"
        )
    try:
        import_module("servers")
    except ImportError as exc:
        sys.exit(
            f"The benchmarks start servers with the tests' helpers, which cannot be imported here ({exc}). Run them as "
            "PYTHONPATH=tests python -m benchmarks; the helpers need: pip install psutil trustme"
        )


if __name__ == "__main__":
    sys.exit(main())
