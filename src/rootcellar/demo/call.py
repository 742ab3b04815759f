"""The call: one piece of work sent to the worker, and how it fares."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from celery import chord, group, states

_TASKS = "rootcellar.demo.tasks."
LARGE_BYTES = 1_000_000
GROUP_SIZE = 10
CHORD_SIZE = 5


@dataclass
class Call:
    """A call, its state as last heard of, and its times."""

    #: the kind of work, for people
    kind: str
    #: the call as one would write it
    text: str
    send: Callable[[Any], Any]
    #: what it must come to: the state, and the answer as :func:`shown` shows it
    expected: tuple[str, str]
    members: int = 1
    state: str = "not sent"
    answer: str = ""
    seconds: float | None = None
    #: from the task's end in the worker (its ``date_done``) to our being told, in milliseconds
    woken_ms: float | None = None
    sent_at: float = 0.0
    states_seen: list[str] = field(default_factory=list)
    _done: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the outcome is there."""
        return self.seconds is not None

    @property
    def is_right(self) -> bool:
        """Whether the outcome is the one that was expected."""
        return self.is_over and (self.state, self.answer) == self.expected

    def begin(self, app: Any) -> Any:
        """Send it; return Celery's result object."""
        self.sent_at = time.monotonic()
        result = self.send(app)
        self.state = states.PENDING
        return result

    def hear(self, meta: dict[str, Any]) -> None:
        """Take in a change of state, as ``AsyncResult.get(on_message=…)`` delivers it."""
        state = str(meta["status"])
        final = state in states.READY_STATES
        if final and (woken_ms := _milliseconds_since(meta.get("date_done"))) is not None:
            self.woken_ms = woken_ms
        if self.members > 1:
            self._done += final
            self.state = f"{self._done} of {self.members}"
        else:
            self.state = state
        if not final and state != states.STARTED:
            self.answer = shown(meta.get("result"))
        if not self.states_seen or self.states_seen[-1] != self.state:
            self.states_seen.append(self.state)

    def end(self, value: Any, *, failed: bool) -> None:
        """Take in the outcome: what ``get`` returned or raised."""
        self.seconds = time.monotonic() - self.sent_at
        self.state = states.FAILURE if failed else states.SUCCESS
        self.answer = shown(value)


def calls() -> list[Call]:
    """Return the demonstration's calls, one of each kind, not yet sent."""
    ok, failed = states.SUCCESS, states.FAILURE
    in_group, in_chord = range(GROUP_SIZE), range(1, CHORD_SIZE + 1)
    squares = [n + n for n in in_group]
    return [
        Call("plain call", "add(2, 3)", lambda app: _task(app, "add", 2, 3).delay(), (ok, "5")),
        Call(
            "failure",
            "fail('turnips')",
            lambda app: _task(app, "fail", "turnips").delay(),
            (failed, "CellarIsDamp: the turnips have gone soft"),
        ),
        Call("retry", "second_try()", lambda app: _task(app, "second_try").delay(), (ok, "done at try 2")),
        Call(
            f"group of {GROUP_SIZE}",
            "group(add …)",
            lambda app: group([_task(app, "add", n, n) for n in in_group], app=app).delay(),
            (ok, shown(squares)),
            members=GROUP_SIZE,
        ),
        Call(
            f"chord of {CHORD_SIZE}",
            "chord(add …)(total())",
            lambda app: chord([_task(app, "add", n, n) for n in in_chord], app=app)(_task(app, "total")),
            (ok, str(2 * sum(in_chord))),
        ),
        Call("progress", "dig(rows=6)", lambda app: _task(app, "dig", 6).delay(), (ok, "6 rows dug")),
        Call(
            "1 MB result",
            f"large({LARGE_BYTES:_})",
            lambda app: _task(app, "large", LARGE_BYTES).delay(),
            (ok, f"{LARGE_BYTES:,} characters"),
        ),
    ]


def shown(value: Any) -> str:
    """Return a result as a few words.

    >>> shown(5), shown("x" * 1_000), shown({"current": 2, "total": 6}), shown(ValueError("no"))
    ('5', '1,000 characters', '2 of 6', 'ValueError: no')
    """
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, dict) and "current" in value and "total" in value:
        return f"{value['current']} of {value['total']}"
    text = str(value)
    return text if len(text) <= 60 else f"{len(text):,} characters"


def _task(app: Any, name: str, *args: Any) -> Any:
    return app.signature(_TASKS + name, args=args)


def _milliseconds_since(date_done: Any) -> float | None:
    if isinstance(date_done, str):
        date_done = datetime.fromisoformat(date_done)
    if not isinstance(date_done, datetime):
        return None
    if date_done.tzinfo is None:
        date_done = date_done.replace(tzinfo=UTC)
    milliseconds: float = (datetime.now(UTC) - date_done).total_seconds() * 1000
    return max(0.0, milliseconds)
