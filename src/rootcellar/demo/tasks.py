"""The demonstration's tasks."""

import time
from typing import Any

from rootcellar.demo.app import app


class CellarIsDamp(Exception):
    """What the failing task raises."""


@app.task
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    """Return the sum of many; the body of the chord."""
    return sum(numbers)


@app.task
def fail(what: str) -> None:
    """Raise an exception, as tasks do."""
    raise CellarIsDamp(f"the {what} have gone soft")


@app.task(bind=True, max_retries=3)
def second_try(self: Any) -> str:
    """Fail once, then succeed."""
    if self.request.retries == 0:
        raise self.retry(countdown=0.2, exc=CellarIsDamp("not on the first try"))
    return f"done at try {self.request.retries + 1}"


@app.task(bind=True)
def dig(self: Any, rows: int) -> str:
    """Report progress in a state of its own."""
    for row in range(rows):
        self.update_state(state="PROGRESS", meta={"current": row, "total": rows})
        time.sleep(0.15)
    return f"{rows} rows dug"


@app.task
def large(size: int) -> str:
    """Return ``size`` characters."""
    return "0123456789" * (size // 10)
