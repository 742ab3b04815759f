"""`rootcellar test`, on real servers: rootcellar's own backends and Celery's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import celery
import pytest

from rootcellar.record import Record
from rootcellar.specialist.step import Outcome, Step
from rootcellar.specialist.verify import STEPS, verify
from rootcellar.stores.base import Store
from rootcellar.stores.sqlite import SQLiteStore
from servers import RedisServer

# Celery's own backends, with the newest drivers: redis-py calls the SETEX that Celery uses deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")

OK, FAILED, SKIPPED = Outcome.OK, Outcome.FAILED, Outcome.SKIPPED

#: What Celery's own backend for SQL databases comes to: before 5.7 a late FAILURE replaces a SUCCESS.
CELERYS_DATABASE = {
    **dict.fromkeys(STEPS, OK),
    "expiry": SKIPPED,
    "SUCCESS is final": OK if tuple(celery.__version__.split(".")[:2]) >= ("5", "7") else FAILED,
}


def outcomes(steps: list[Step]) -> dict[str, Outcome]:
    return {step.name: step.outcome for step in steps}


@contextmanager
def paused(server: RedisServer) -> Iterator[None]:
    server.pause()
    try:
        yield
    finally:
        server.resume()


def test_every_store_of_ours_passes_every_step(store_url: str, open_it: Callable[..., Store]) -> None:
    """All is well with a fresh store, and it is as empty afterwards."""
    steps = list(verify(f"cellar+{store_url}"))
    assert dict.fromkeys(STEPS, OK) == outcomes(steps), steps
    assert all(step.detail and step.seconds > 0 for step in steps)
    assert [record for batch in open_it(store_url).scan() for record in batch] == []


@pytest.mark.redis
def test_celerys_redis_passes_every_step(redis_url: str) -> None:
    """Celery's own Redis backend is tested in the same way, and nothing is left in the server."""
    import redis

    steps = list(verify(redis_url))
    assert dict.fromkeys(STEPS, OK) == outcomes(steps), steps
    assert "Celery's RedisBackend" in steps[0].detail
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*") == []


def test_celerys_sqlite_passes_and_has_no_expiry_of_its_own(sqlite_url: str) -> None:
    """SQL databases under Celery need celery beat to delete what has expired: that step is skipped, and says so."""
    steps = list(verify(f"db+{sqlite_url}"))
    assert outcomes(steps) == CELERYS_DATABASE, steps
    assert "celery beat" in next(step.detail for step in steps if step.name == "expiry")


@pytest.mark.postgresql
def test_celerys_postgresql_passes_and_polls(postgresql_url: str) -> None:
    """The report tells a backend that polls from one that is woken."""
    steps = list(verify(postgresql_url.replace("postgresql://", "db+postgresql+psycopg://")))
    assert outcomes(steps) == CELERYS_DATABASE, steps
    assert "polls" in next(step.detail for step in steps if step.name == "wakes a waiter")


def test_a_refused_connection_skips_what_depends_on_it() -> None:
    """What cannot be tried is skipped, with the step that stands in its way."""
    steps = list(verify("cellar+redis://127.0.0.1:1/0", timeout_s=1))
    expected = dict.fromkeys(STEPS, SKIPPED) | {"address": OK, "connects": FAILED}
    assert expected == outcomes(steps)
    assert "'connects' did not pass" in steps[2].detail


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is not a URL"),
        ("nonsense://host", "knows no result backend 'nonsense'"),
        ("cellar+nonsense://host", "no engine rootcellar knows"),
        ("rpc://", "no store"),
        ("disabled://", "switched off"),
        ("redis://localhost:99999/0", "0-65535"),
    ],
)
def test_a_wrong_address_is_told(url: str, said: str) -> None:
    """Everything behind a wrong address is skipped."""
    steps = list(verify(url))
    assert dict.fromkeys(STEPS, SKIPPED) | {"address": FAILED} == outcomes(steps)
    assert said in f"{steps[0].detail} {steps[0].advice}"


def test_the_backend_in_the_environment_is_not_the_one_tested(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery prefers CELERY_RESULT_BACKEND to what an app is given; a test of a URL is of that URL."""
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://127.0.0.1:1/0")
    steps = list(verify(f"cellar+{sqlite_url}"))
    assert dict.fromkeys(STEPS, OK) == outcomes(steps)


@pytest.mark.redis
@pytest.mark.parametrize("prefix", ["", "cellar+"])
def test_a_server_that_hangs_is_given_up(prefix: str, redis_url: str, redis_server: RedisServer) -> None:
    """A step that hangs fails after the time-out, and the rest is skipped."""
    with paused(redis_server):
        steps = list(verify(prefix + redis_url, timeout_s=0.3))
    assert dict.fromkeys(STEPS, SKIPPED) | {"address": OK, "connects": FAILED} == outcomes(steps)


@pytest.mark.redis
def test_what_was_stored_is_deleted_when_the_test_is_broken_off(redis_url: str) -> None:
    """Closing the generator, as Ctrl-C does, tidies up."""
    import redis

    running = verify(f"cellar+{redis_url}")
    for step in running:
        if step.name == "group of 100":
            break
    with redis.Redis.from_url(redis_url) as client:
        assert len(client.keys("*")) > 100
        running.close()
        assert client.keys("*") == []


@pytest.mark.redis
def test_settings_of_the_app_are_used(redis_url: str) -> None:
    """What a Celery app sets for its result backend applies to the test."""
    steps = list(verify(f"cellar+{redis_url}", {"cellar_look_intervall": 1, "task_acks_late": True}))
    assert "Did you mean 'cellar_look_interval'?" in steps[0].detail


def test_a_replaced_success_is_a_finding(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    """A backend that lets a late FAILURE replace a SUCCESS fails that step, and only that."""
    whole_put = SQLiteStore.put

    def forgetful_put(self: SQLiteStore, record: Record) -> bool:
        self.delete((record.id,))
        return whole_put(self, record)

    monkeypatch.setattr(SQLiteStore, "put", forgetful_put)
    steps = list(verify(f"cellar+{sqlite_url}"))
    assert {**dict.fromkeys(STEPS, OK), "SUCCESS is final": FAILED} == outcomes(steps), steps
