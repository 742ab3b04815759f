"""Verification: does this result backend, live, do what a Celery project relies on?"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rootcellar.errors import RootcellarError
from rootcellar.specialist import checks
from rootcellar.specialist.advice import advice_on
from rootcellar.specialist.runner import Hung, Runner
from rootcellar.specialist.secrets import blot_out, in_settings
from rootcellar.specialist.step import Outcome, Seen, Step, StepFailed, StepSkipped
from rootcellar.specialist.subject import Subject


@dataclass(frozen=True)
class _Planned:
    """A step, what it takes to pass first, and how many times the time-out it may take."""

    name: str
    check: Callable[[Subject], str | Seen]
    needs: str = ""
    patience: float = 1.0


_PLAN: tuple[_Planned, ...] = (
    _Planned("address", checks.address),
    _Planned("connects", checks.connects, "address"),
    _Planned("writes", checks.writes, "connects"),
    _Planned("reads back equal", checks.reads_back, "writes"),
    _Planned("states in order", checks.states_in_order, "reads back equal"),
    _Planned("SUCCESS is final", checks.success_is_final, "reads back equal"),
    _Planned("failure with traceback", checks.failure_comes_back, "reads back equal"),
    _Planned("Unicode", checks.unicode_text, "reads back equal"),
    _Planned("1 MB", checks.one_megabyte, "reads back equal"),
    _Planned(f"group of {checks.GROUP_SIZE}", checks.group, "reads back equal", patience=4),
    _Planned("wakes a waiter", checks.wake_up, "reads back equal", patience=4),
    _Planned("expiry", checks.expires, "reads back equal", patience=3),
    _Planned("forget deletes", checks.forgets, "reads back equal"),
    _Planned("leaves nothing behind", checks.leaves_nothing, "writes", patience=4),
)

#: The names of the steps, in their order.
STEPS = tuple(planned.name for planned in _PLAN)


def verify(
    url: str, settings: Mapping[str, Any] | None = None, *, timeout_s: float = 5.0
) -> Generator[Step, None, None]:
    """Try everything on the backend at ``url``, yielding each step when it is over.

    ``url`` is a ``result_backend``: with ``cellar+`` rootcellar's, without it Celery's own. ``settings`` are Celery
    settings by their lower-case names, of which those that concern result backends are used. ``timeout_s`` is how long
    a step may take (the group, the waiter, expiry and the tidying up a few times as long); after one that hung, the
    rest is skipped. What was stored is deleted at the end, also when a step failed or the generator is closed.

    Nothing is raised for what the backend does: that is in the steps.
    """
    secrets = [url, *in_settings(settings or {})]
    subject: Subject | None = None
    runner = Runner()
    ended: dict[str, Outcome] = {}
    hung = ""
    try:
        for planned in _PLAN:
            if hung:
                step = Step(planned.name, Outcome.SKIPPED, 0.0, f"because {hung!r} hung")
            elif planned.needs and ended[planned.needs] is not Outcome.OK:
                step = Step(planned.name, Outcome.SKIPPED, 0.0, f"because {planned.needs!r} did not pass")
            else:
                if subject is None:
                    subject = Subject(url, settings or {}, timeout_s)
                step, is_hung = _try(planned, subject, runner, secrets)
                hung = planned.name if is_hung else ""
            ended[planned.name] = step.outcome
            yield step
    finally:
        if subject is not None:
            last = Runner() if hung else runner
            _tidy(subject, last)
            last.close()
        runner.close()


def _try(planned: _Planned, subject: Subject, runner: Runner, secrets: list[str]) -> tuple[Step, bool]:
    outcome, advice, hung, any_url = Outcome.OK, "", False, True
    began = time.perf_counter()
    try:
        seen = runner.call(lambda: planned.check(subject), subject.timeout_s * planned.patience + 1)
        detail, advice = seen if isinstance(seen, Seen) else (seen, "")
    except StepSkipped as exc:
        outcome, detail = Outcome.SKIPPED, str(exc)
    except StepFailed as exc:
        outcome, detail, advice = Outcome.FAILED, exc.detail, exc.advice
    except Hung as exc:
        outcome, detail, hung = Outcome.FAILED, str(exc), True
        advice = "The server hangs, is overloaded, or is far away: look at it, or give more time (--timeout)."
    except Exception as exc:
        outcome, detail, advice = Outcome.FAILED, _said(exc), advice_on(exc)
        any_url = not isinstance(exc, RootcellarError)
    seconds = time.perf_counter() - began
    return Step(planned.name, outcome, seconds, blot_out(detail, secrets, any_url=any_url), advice), hung


def _said(exc: Exception) -> str:
    """Return an exception's words in one line; a driver's with the type's name before them."""
    text = " ".join(str(exc).split())
    if type(exc).__module__.startswith("rootcellar"):
        return text
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _tidy(subject: Subject, runner: Runner) -> None:
    """Delete what is left and close the connections, for as long as the time-out allows, without complaint."""

    def forget_all() -> None:
        for task_id in list(subject.made):
            with suppress(Exception):
                subject.forget(task_id)
        subject.close()

    with suppress(Exception):
        runner.call(forget_all, subject.timeout_s * 2)
