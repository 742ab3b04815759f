"""What importing a migration framework costs a process, and what our way costs (decision 0005).

Usage: python imports.py   (needs: pip install alembic)
"""

import subprocess
import sys
import time

REPEATS = 15
_WORKER = "import celery.app.base, celery.backends.base, kombu.serialization, rootcellar.errors"
# What a process with Celery in it has imported anyway is the base line; each case adds to it.
CASES = {
    "Celery alone": _WORKER,
    "+ sqlalchemy": f"{_WORKER}; import sqlalchemy",
    "+ sqlalchemy, alembic.command": f"{_WORKER}; import sqlalchemy, alembic.command",
    "+ rootcellar.schema, and its files": f"{_WORKER}; from rootcellar.schema import latest; latest('postgresql')",
}


def run_s(program: str) -> float:
    """Return how long a fresh interpreter takes for ``program``, in seconds."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603  # our own programs, above
    return time.perf_counter() - began


def main() -> None:
    """Print the least of several runs, and what it has over Celery alone."""
    least = {name: min(run_s(program) for _ in range(REPEATS)) for name, program in CASES.items()}
    for name, took_s in least.items():
        more_ms = (took_s - least["Celery alone"]) * 1000
        sys.stdout.write(f"{name:<48} {took_s * 1000:6.0f} ms   (+{more_ms:.0f} ms)\n")


if __name__ == "__main__":
    main()
