"""The Celery app of the end-to-end benchmark: ``celery -A benchmarks.app worker``."""

import os

from celery import Celery

app = Celery(
    "benchmarks",
    broker=os.environ["BENCHMARK_BROKER"],
    backend=os.environ["BENCHMARK_RESULT_BACKEND"],
)


@app.task(name="benchmarks.echo")
def echo(number: int) -> int:
    """Return the argument."""
    return number


@app.task(name="benchmarks.total")
def total(numbers: list[int]) -> int:
    """Return the sum of the header's results."""
    return sum(numbers)
