"""How long results are kept, and what never overwrites what."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES
from celery.result import GroupResult
from versions import HAS_FAILURE_EXPIRES

from rootcellar.stores.base import Store
from servers import wait_until

_DAY_S = 86_400


@pytest.fixture
def open_here(app: Celery, open_app: Callable[..., Celery]) -> Callable[..., Celery]:
    """Open an app on the database of ``app`` with other settings: ``open_here(result_expires=None)``."""
    return lambda **config: open_app(app.conf.result_backend, **config)


def _kept_s(store: Store, task_id: str) -> float | None:
    """Return how many seconds from now a record is kept, to the minute; ``None`` for ever."""
    (record,) = (record for batch in store.scan() for record in batch if record.id == task_id)
    return None if record.expires_at is None else round((record.expires_at - time.time()) / 60) * 60


@pytest.mark.parametrize(
    ("expires", "kept_s"),
    [(None, None), (0, None), (3_600, 3_600), (timedelta(days=2), 2 * _DAY_S)],
    ids=["None", "0", "an hour", "two days"],
)
def test_result_expires_says_how_long_results_are_kept(
    open_here: Callable[..., Celery], expires: Any, kept_s: float | None
) -> None:
    """``None`` and ``0`` are for ever, as Celery's documentation has it."""
    backend = open_here(result_expires=expires).backend
    for task_id, state in (("kept", "SUCCESS"), ("kept-failure", "FAILURE"), ("kept-progress", "PROGRESS")):
        backend.forget(task_id)
        backend.store_result(task_id, ValueError() if state == "FAILURE" else 1, state)
        assert _kept_s(backend.store, task_id) == kept_s


def test_results_are_kept_a_day_unless_told_otherwise(open_here: Callable[..., Celery]) -> None:
    """Celery's default."""
    backend = open_here().backend
    backend.forget("default")
    backend.store_result("default", 1, "SUCCESS")
    assert _kept_s(backend.store, "default") == _DAY_S


def test_failures_may_be_kept_longer(open_here: Callable[..., Celery]) -> None:
    """``result_failure_expires``."""
    app = open_here(result_expires=3_600, result_failure_expires=7_200)
    assert ("failure_expires" in NAMESPACES["result"]) == HAS_FAILURE_EXPIRES
    for task_id, state in (("short", "SUCCESS"), ("long", "FAILURE"), ("revoked", "REVOKED")):
        app.backend.forget(task_id)
        app.backend.store_result(task_id, 1 if state == "SUCCESS" else ValueError("x"), state)
    assert [_kept_s(app.backend.store, i) for i in ("short", "long", "revoked")] == [3_600, 7_200, 3_600]


def test_failures_may_be_kept_for_ever(open_here: Callable[..., Celery]) -> None:
    """``result_failure_expires=0`` beside a ``result_expires``."""
    backend = open_here(result_expires=3_600, result_failure_expires=0).backend
    backend.forget("for ever")
    backend.store_result("for ever", ValueError("x"), "FAILURE")
    assert _kept_s(backend.store, "for ever") is None


def test_an_expired_result_is_pending_and_cleanup_removes_it(open_here: Callable[..., Celery]) -> None:
    """``celery.backend_cleanup`` calls this; what has not expired stays."""
    short, lasting = open_here(result_expires=1).backend, open_here(result_expires=None).backend
    short.store_result("expired", 1, "SUCCESS")
    lasting.forget("lasting")
    lasting.store_result("lasting", 1, "SUCCESS")
    GroupResult("expired-group", [], app=short.app).save()
    wait_until(lambda: short.get_state("expired") == "PENDING", "it has expired")
    wait_until(lambda: GroupResult.restore("expired-group", app=short.app) is None, "the group has expired")
    before = lasting.store.stats().records
    short.cleanup()
    removed = before - lasting.store.stats().records
    assert (removed >= 1, lasting.get_state("lasting")) == (not short.supports_autoexpire, "SUCCESS")


def test_only_redis_needs_no_cleaning(app: Celery) -> None:
    """``supports_autoexpire``: where it is false, beat schedules ``celery.backend_cleanup``."""
    assert app.backend.supports_autoexpire == ("redis" in app.conf.result_backend)


@pytest.mark.parametrize("late", ["FAILURE", "RETRY", "STARTED", "REVOKED", "PROGRESS", "SUCCESS"])
def test_nothing_overwrites_a_success(app: Celery, elsewhere: Celery, late: str) -> None:
    """A task that was delivered twice must not change what somebody may have read."""
    task_id = f"won by success over {late}"
    app.backend.store_result(task_id, "first", "SUCCESS")
    elsewhere.backend.store_result(task_id, ValueError("late") if late == "FAILURE" else "late", late)
    result = app.AsyncResult(task_id)
    assert (result.state, result.result) == ("SUCCESS", "first")


@pytest.mark.parametrize("early", ["FAILURE", "RETRY", "STARTED", "REVOKED", "PROGRESS"])
def test_a_success_overwrites_anything_else(app: Celery, elsewhere: Celery, early: str) -> None:
    """A failed delivery that succeeds the second time."""
    task_id = f"lost by {early}"
    app.backend.store_result(task_id, ValueError("early") if early in ("FAILURE", "RETRY") else "early", early)
    elsewhere.backend.store_result(task_id, "then", "SUCCESS")
    result = app.AsyncResult(task_id)
    assert (result.state, result.result) == ("SUCCESS", "then")


def test_an_eager_task_can_store_its_result(open_here: Callable[..., Celery]) -> None:
    """``task_store_eager_result``."""
    app = open_here(task_always_eager=True, task_store_eager_result=True)
    result = app.tasks["add"].delay(2, 3)
    assert result.get() == 5
    document = app.backend.codec.decode(app.backend.store.get(result.id).payload)
    assert (document["status"], document["result"]) == ("SUCCESS", 5)


def test_an_eager_task_stores_nothing_unless_told_to(open_here: Callable[..., Celery]) -> None:
    """The default; looking for it in the store then says why nothing is there."""
    app = open_here(task_always_eager=True)
    result = app.tasks["add"].delay(2, 3)
    assert result.get() == 5
    with pytest.warns(RuntimeWarning, match="task_store_eager_result"):
        assert app.AsyncResult(result.id).state == "PENDING"
