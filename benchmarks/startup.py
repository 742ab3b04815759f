"""What a process pays before its first result: importing the backend and building it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks import targets
from benchmarks.comparison import Comparison
from benchmarks.driver_share import ENGINES
from benchmarks.effort import Effort
from benchmarks.services import Services

SECTION = "import"


def compare(services: Services, effort: Effort) -> Iterator[Comparison]:
    """Measure every engine, in an interpreter that has imported Celery and made an app."""
    with tempfile.TemporaryDirectory(prefix="rootcellar-bytecode-") as bytecode:
        for engine, title in ENGINES.items():
            urls = services.sides(engine)
            figures: tuple[list[float], list[float]] = ([], [])
            for url in urls:
                _probe(url, bytecode)
            for _ in range(effort.import_rounds):
                for url, own in zip(urls, figures, strict=True):
                    own.append(_probe(url, bytecode))
            # The least: the work is always the same, and whatever else the machine does only adds to it.
            theirs, ours = (min(own) for own in figures)
            yield Comparison(SECTION, title, "import and build", "s", theirs, ours, targets.IMPORT)


def _probe(url: str, bytecode: str) -> float:
    command = [sys.executable, "-m", "benchmarks.startup_probe"]
    # Both sides from bytecode, as packages that were installed are: an editable one may have none.
    environment = {**os.environ, "BENCHMARK_RESULT_BACKEND": url, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)
