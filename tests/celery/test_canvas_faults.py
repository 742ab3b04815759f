"""What becomes of a canvas when one of its tasks fails, is revoked, is delivered twice, or dies with its worker."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from canvas_forms import FORMS, Canvas, Form
from canvas_shapes import Tasks
from celery import Celery
from celery.exceptions import ChordError, TaskRevokedError
from celery.result import ResultBase, ResultSet
from held import Hold
from noted_tasks import notes
from versions import CHORDS_ARE_STOCKS
from workers import Worker

from servers import wait_until

pytestmark = [
    pytest.mark.usefixtures("worker"),
    # Celery's own backend calls SETEX, which redis-py 8 deprecates.
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Case:
    """One canvas at work, with both of its members held back."""

    def __init__(self, app: Celery, worker: Worker, hold: Hold, path: Path) -> None:
        self.app = app
        self.worker = worker
        self.hold = hold
        self.path = path
        self.tasks = Tasks(app)
        self.member_id, self.other_id = str(uuid.uuid4()), str(uuid.uuid4())
        self.result: ResultBase

    def start(self, form: Form, member: Any) -> None:
        """Send a canvas; its members wait to be delivered."""
        member = member.set(task_id=self.member_id, queue=self.hold.queue)
        other = self.tasks.echo.si(2).set(task_id=self.other_id, queue=self.hold.queue)
        self.result = form.build(Canvas(self.app, self.path, member, other)).apply_async()
        self.hold.wait_for(self.member_id, self.other_id)

    def deliver(self, task_id: str, outcome: str = "succeeded") -> None:
        """Have a worker run a member, and be done with it."""
        before = self.worker.count(task_id, outcome)
        self.hold.deliver(task_id)
        wait_until(lambda: self.worker.count(task_id, outcome) > before, f"the member has {outcome}")

    def bodies(self) -> dict[str, list[Any]]:
        """Return what the bodies that ran were given."""
        found: dict[str, list[Any]] = {}
        for note in notes(self.path):
            if note.tag not in ("run", "failing", "at gate", "error"):
                found.setdefault(note.tag, []).append(note.value)
        return found

    def errors(self) -> list[str]:
        """Return what the errbacks were given."""
        return sorted(self._named(note.value) for note in notes(self.path, "error"))

    def outcome(self) -> Any:
        """Wait until it is over; return the states and values of all that is at its end, and what ran."""
        ends = list(self.result.results) if isinstance(self.result, ResultSet) else [self.result]
        wait_until(lambda: all(end.ready() for end in ends), "it has ended")
        self.let_all_end()
        return [(end.state, self._named(repr(end.result))) for end in ends], self.bodies(), self.errors()

    def let_all_end(self) -> None:
        """Return when the worker has run whatever was sent before now."""
        marks = [self.tasks.echo.si(0).apply_async(ignore_result=True).id for _ in range(2)]
        wait_until(lambda: all(self.worker.count(mark, "succeeded") for mark in marks), "the marks have run")

        def is_idle() -> bool:
            log = self.worker.log()
            return all(
                re.search(rf"\[{task_id}\] (?!received)", log)
                for task_id in set(re.findall(r"Task note_all\[([^]]+)\] received", log))
            )

        wait_until(is_idle, "all bodies have run")

    def _named(self, text: str) -> str:
        text = text.replace(self.member_id, "MEMBER").replace(self.other_id, "OTHER")
        return _UUID.sub("ID", text)


@pytest.fixture
def new_case(tmp_path: Path) -> Iterator[Callable[[Celery, Worker], Case]]:
    """Return a canvas to be started on an app's worker: ``new_case(app, worker)``."""
    cases: list[Case] = []

    def make(app: Celery, worker: Worker) -> Case:
        cases.append(Case(app, worker, Hold(app), tmp_path / f"notes-{len(cases)}"))
        return cases[-1]

    yield make
    for case in cases:
        case.hold.close()


@pytest.fixture
def case(app: Celery, worker: Worker, new_case: Callable[[Celery, Worker], Case]) -> Case:
    """A canvas to be started on our backend."""
    return new_case(app, worker)


@pytest.fixture
def stock_case(request: pytest.FixtureRequest, new_case: Callable[[Celery, Worker], Case]) -> Case | None:
    """A canvas to be started on Celery's own backend, where there is anything to be equal to."""
    if not CHORDS_ARE_STOCKS:
        return None
    return new_case(request.getfixturevalue("stock_app"), request.getfixturevalue("stock_worker"))


@pytest.fixture(params=[pytest.param(form, id=name) for name, form in FORMS.items()])
def form(request: pytest.FixtureRequest) -> Form:
    """Each form in turn."""
    return request.param


def _succeed(case: Case, form: Form) -> Any:
    case.start(form, case.tasks.echo.si(1))
    case.deliver(case.member_id)
    case.deliver(case.other_id)
    return case.outcome()


def _fail(case: Case, form: Form) -> Any:
    case.start(form, case.tasks.note_failure_of.si(str(case.path), "jam"))
    case.deliver(case.member_id, "raised unexpected")
    case.deliver(case.other_id)
    return case.outcome()


def _revoke(case: Case, form: Form) -> Any:
    case.start(form, case.tasks.note_run.si(str(case.path)))
    case.app.control.revoke(case.member_id, destination=[case.worker.name], reply=True, limit=1, timeout=30)
    case.hold.deliver(case.member_id)
    wait_until(lambda: case.app.AsyncResult(case.member_id).state == "REVOKED", "the member is revoked")
    case.deliver(case.other_id)
    return case.outcome()


def _deliver_twice_each(case: Case, form: Form) -> Any:
    case.start(form, case.tasks.note_run.si(str(case.path)))
    case.deliver(case.member_id)
    case.deliver(case.member_id)
    case.let_all_end()
    early = set(case.bodies()) - {"link"}
    case.deliver(case.other_id)
    first = case.outcome()
    case.deliver(case.member_id)
    case.deliver(case.other_id)
    assert len(notes(case.path, "run")) == 3
    again = case.outcome()
    return early, first, again


def test_all_members_succeed(case: Case, form: Form) -> None:
    """Each body runs once, with what the members returned."""
    ends, bodies, errors = _succeed(case, form)
    values = form.value if isinstance(case.result, ResultSet) else [form.value]
    assert (ends, bodies, errors) == ([("SUCCESS", repr(value)) for value in values], form.bodies, [])


def test_a_member_fails(case: Case, form: Form, stock_case: Case | None) -> None:
    """No body runs, the errback does instead, and whoever waits for the end learns of it."""
    ends, bodies, errors = _fail(case, form)
    _assert_it_failed("fails", case, form, bodies, errors)
    if stock_case is not None and "fails" not in form.stock_hangs:
        assert (ends, bodies, errors) == _fail(stock_case, form)


def test_a_member_is_revoked(case: Case, form: Form, stock_case: Case | None) -> None:
    """The same as a failure."""
    ends, bodies, errors = _revoke(case, form)
    assert notes(case.path, "run") == []
    _assert_it_failed("revoked", case, form, bodies, errors)
    if stock_case is not None and "revoked" not in form.stock_hangs:
        assert (ends, bodies, errors) == _revoke(stock_case, form)


def _assert_it_failed(fault: str, case: Case, form: Form, bodies: dict[str, list[Any]], errors: list[str]) -> None:
    assert bodies == {}
    assert len(errors) == form.other_errors.get(fault, form.errors)
    with pytest.raises((ChordError, ValueError, TaskRevokedError)):
        case.result.get(timeout=60, interval=0.05)


def test_a_member_is_delivered_again(case: Case, form: Form) -> None:
    """Before the last one, and when all is over; what it returns then is another value, and changes nothing."""
    early, first, again = _deliver_twice_each(case, form)
    ends, bodies, errors = first
    assert early == set()
    bodies.pop("link", None)  # Celery goes on with a chain as often as a task of it is delivered
    again[1].pop("link", None)
    expected = {tag: values for tag, values in form.bodies.items() if tag != "link"}
    values = form.value if isinstance(case.result, ResultSet) else [form.value]
    assert (ends, bodies, errors) == ([("SUCCESS", repr(value)) for value in values], expected, [])
    assert again == first
