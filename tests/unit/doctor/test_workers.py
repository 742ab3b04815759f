"""What the doctor makes of workers' answers: the same place in other words is the same place."""

from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.utils.url import sanitize_url

from rootcellar.specialist.doctor.case import Case
from rootcellar.specialist.doctor.fleet import Fleet, Worker
from rootcellar.specialist.doctor.suspect import Answer, Cleared, Explains
from rootcellar.specialist.doctor.workers import versions_apart, worker_elsewhere
from rootcellar.specialist.profile import Profile
from rootcellar.specialist.rules.project import Project


def look(examination: Any, client: str, worker: Worker, **settings: Any) -> Answer:
    """Examine a case whose only worker says this."""
    app = Celery("client", broker="memory://", backend=client, set_as_current=False)
    app.conf.update(settings)
    case = Case(Project(Profile(Path())), None, app, timeout_s=0.2)
    case.__dict__["_fleet"] = (Fleet((worker,)), None)
    try:
        answer: Answer = examination(case)
        return answer
    finally:
        case.close()
        app.close()


@pytest.mark.parametrize(
    ("client", "worker"),
    [
        ("redis://localhost:6379", "redis://localhost:6379/0"),
        ("redis://localhost:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://localhost/1", "redis://:secret@localhost/1"),
        ("redis://localhost/1", "cellar+redis://localhost/1"),
        ("redis://localhost:6379/1", "rediss://localhost:6379/1?ssl_cert_reqs=required"),
        ("db+postgresql://db.example.org/shop", "db+postgresql+psycopg://u:p@db.example.org/shop"),
        ("db+sqlite:////var/lib/results.db", "db+sqlite:////var/lib/results.db"),
        ("db+sqlite:///results.db", "db+sqlite:///results.db"),
        ("mongodb://u:p@m.example.org:27017/shop?authSource=admin", "mongodb://m.example.org:27017/shop"),
    ],
)
def test_one_place_in_two_forms_is_one_place(client: str, worker: str) -> None:
    answer = look(worker_elsewhere, client, Worker("w", results=sanitize_url(worker)))
    assert isinstance(answer, Cleared), answer


@pytest.mark.parametrize(
    ("client", "worker", "is_certain"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/1", True),
        ("redis://localhost:6379/0", "redis://localhost:6380/0", True),
        ("redis://redis:6379/1", "db+postgresql://db/shop", True),
        ("db+postgresql://db/shop", "db+postgresql://db/other", True),
        ("db+sqlite:////var/lib/a.db", "db+sqlite:////var/lib/b.db", True),
        ("redis://localhost:6379/0", "redis://redis:6379/0", False),
    ],
)
def test_two_places_are_two_and_two_hosts_may_be_one(client: str, worker: str, *, is_certain: bool) -> None:
    answer = look(worker_elsewhere, client, Worker("w", results=sanitize_url(worker)))
    assert isinstance(answer, Explains), answer
    assert answer.is_certain is is_certain


def test_a_worker_with_a_key_prefix_of_its_own_stores_elsewhere() -> None:
    prefixed = {"result_backend_transport_options": {"global_keyprefix": "shop"}}
    there = Worker("w", results="redis://localhost/0", settings=prefixed)
    assert isinstance(look(worker_elsewhere, "redis://localhost/0", there), Explains)
    assert isinstance(look(worker_elsewhere, "redis://localhost/0", there, **prefixed), Cleared)


@pytest.mark.parametrize(("kombu", "is_apart"), [("5.2.4", True), ("5.3.0", False), ("", False)])
def test_kombu_before_5_3_writes_another_json(kombu: str, *, is_apart: bool) -> None:
    answer = look(versions_apart, "redis://localhost", Worker("w", versions={"kombu": kombu, "celery": "5.2.7"}))
    assert isinstance(answer, Explains) is is_apart
