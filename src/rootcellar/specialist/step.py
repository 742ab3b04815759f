"""The step: one thing tried on a live result backend, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One row of the report.

    ``detail`` says what happened; ``advice`` what to do about a failed step, or to mind about a passed one.
    """

    name: str
    outcome: Outcome
    seconds: float
    detail: str = ""
    advice: str = ""


class Seen(NamedTuple):
    """What a check that passed saw, and what to mind about it."""

    detail: str
    advice: str = ""


class StepFailed(Exception):
    """The backend did something it should not."""

    def __init__(self, detail: str, advice: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


class StepSkipped(Exception):
    """The step does not apply to this backend; the message says why."""
