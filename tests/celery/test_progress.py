"""How far a group has come, and whether a task is known."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult, EagerResult, GroupResult, ResultSet
from cellar_tasks import make_app
from test_cost import CountedStore

import rootcellar
from rootcellar import aio
from rootcellar.errors import UnknownGroup, Unsupported
from rootcellar.results import Progress
from servers import Relay

NewResult = Callable[[], AsyncResult]
Finish = Callable[..., None]


@pytest.fixture
def members(new_result: NewResult, finish: Finish, elsewhere: Celery) -> list[AsyncResult]:
    """One of each: nothing known, sent, started, in progress, done, failed, revoked."""
    results = [new_result() for _ in range(7)]
    for result, state in zip(results[1:4], ("PENDING", "STARTED", "PROGRESS"), strict=True):
        elsewhere.backend.store_result(result.id, None, state)
    finish(results[4], "x" * 100_000)
    finish(results[5], KeyError("jam"), "FAILURE")
    finish(results[6], TaskRevokedError("terminated"), "REVOKED")
    return results


ONE_OF_EACH = Progress(total=7, pending=2, running=2, done=1, failed=2)


def test_members_are_counted_by_their_states(app: Celery, members: list[AsyncResult]) -> None:
    """One operation, however they are nested."""
    nested = GroupResult("outer", [GroupResult("inner", members[:3]), *members[3:]])
    store = app.backend.store
    app.backend.store = counted = CountedStore(store)
    try:
        assert rootcellar.progress(ResultSet(members)) == ONE_OF_EACH
        assert rootcellar.progress(nested) == ONE_OF_EACH
        assert asyncio.run(aio.progress(nested)) == ONE_OF_EACH
        assert counted.calls == {"states": 3}
    finally:
        app.backend.store = store


@pytest.mark.parametrize("how", ["blocking", "awaited"])
def test_a_large_group_is_a_round_trip_for_each_thousand(
    app: Celery, elsewhere: Celery, open_app: Callable[..., Celery], how: str
) -> None:
    """2,500 members are three."""
    port = urlsplit(app.conf.result_backend.removeprefix("cellar+")).port
    if port is None:
        pytest.skip("SQLite is in the process: there are no round trips")
    with Relay(port) as relay:
        relayed = open_app(app.conf.result_backend.replace(f":{port}", f":{relay.port}"))
        members = [relayed.AsyncResult(str(uuid.uuid4())) for _ in range(2_500)]
        elsewhere.backend.store_result(members[-1].id, 1, "SUCCESS")
        group = GroupResult("large", members, app=relayed)

        def count() -> Progress:
            return rootcellar.progress(group) if how == "blocking" else asyncio.run(aio.progress(group))

        count()  # connects, and prepares
        before = relay.round_trips
        assert count() == Progress(total=2_500, pending=2_499, running=0, done=1, failed=0)
        assert relay.round_trips - before == 3
        relayed.backend.store.close()


def test_a_chords_result_counts_its_header(app: Celery, members: list[AsyncResult], new_result: NewResult) -> None:
    """Its parent is the header's group."""
    body = new_result()
    body.parent = GroupResult("header", members)
    assert rootcellar.progress(body) == ONE_OF_EACH


def test_a_saved_group_is_counted_by_its_id(app: Celery, members: list[AsyncResult]) -> None:
    """``GroupResult.save()``; an id under which nothing is saved is an error."""
    saved = GroupResult(str(uuid.uuid4()), members, app=app)
    saved.save()
    assert rootcellar.progress(saved.id, app=app) == ONE_OF_EACH
    assert asyncio.run(aio.progress(saved.id, app=app)) == ONE_OF_EACH
    with pytest.raises(UnknownGroup, match="save"):
        rootcellar.progress("nowhere", app=app)
    with pytest.raises(UnknownGroup, match="save"):
        asyncio.run(aio.progress("nowhere", app=app))


def test_a_task_is_a_group_of_one(members: list[AsyncResult]) -> None:
    """Also one that was got, which is not read again, or run eagerly."""
    assert rootcellar.progress(members[4]) == Progress(1, 0, 0, 1, 0)
    assert members[4].get(timeout=30)
    members[4].forget()
    assert rootcellar.progress(EagerResult("eager", 1, "SUCCESS")) == Progress(1, 0, 0, 1, 0)


def test_the_fraction_is_what_has_ended() -> None:
    """Well or not."""
    assert (ONE_OF_EACH.fraction, ONE_OF_EACH.is_finished) == (3 / 7, False)
    assert (Progress(2, 0, 0, 1, 1).fraction, Progress(2, 0, 0, 1, 1).is_finished) == (1.0, True)
    assert Progress(0, 0, 0, 0, 0) == Progress(0, 0, 0, 0, 0)
    assert Progress(0, 0, 0, 0, 0).fraction == 1.0


def test_what_is_stored_exists(app: Celery, new_result: NewResult, elsewhere: Celery) -> None:
    """In any state."""
    result = new_result()
    assert not rootcellar.exists(result.id, app=app)
    elsewhere.backend.store_result(result.id, None, "STARTED")
    assert rootcellar.exists(result.id, app=app)


def test_another_backend_is_refused() -> None:
    """With what to do about it."""
    stock = make_app({"broker_url": "memory://", "result_backend": "cache+memory://"})
    for call in (lambda: rootcellar.exists("any", app=stock), lambda: rootcellar.progress(stock.AsyncResult("any"))):
        with pytest.raises(Unsupported, match=r"cellar\+"):
            call()


def test_importing_rootcellar_stays_cheap() -> None:
    """Celery is not imported before a name that needs it is used; what does not exist is an ordinary error."""
    code = (
        "import sys, rootcellar; assert 'celery' not in sys.modules;"
        "assert not hasattr(rootcellar, 'nothing'); assert rootcellar.Progress and rootcellar.exists;"
        "assert 'celery' in sys.modules; from rootcellar import aio; import rootcellar.contrib;"
        "assert not {'fastapi', 'starlette', 'rootcellar.contrib.django'} & set(sys.modules)"  # kombu imports django
    )
    subprocess.run([sys.executable, "-c", code], check=True)
