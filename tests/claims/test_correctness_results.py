"""What the rules about results that nobody stores say of Celery, made to happen on the installed one."""

import datetime
import decimal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chord

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

NewApp = Callable[..., Any]
RunTask = Callable[..., str]

_REQUEST = {
    "task": "bank.add",
    "args": [1],
    "kwargs": {"y": 2},
    "hostname": "worker@host",
    "retries": 1,
    "delivery_info": {"routing_key": "queue"},
}
_FIELDS = ("name", "args", "kwargs", "worker", "queue", "retries")


@dataclass
class Balance:
    account: str


def one() -> int:
    return 1


def numbers() -> Iterator[int]:
    yield 1


@pytest.fixture
def backend(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> str:
    """The URL of a result backend by a word, on real servers."""
    if request.param == "mongodb":
        pytest.importorskip("pymongo")
    if request.param in ("redis", "mongodb"):
        return str(request.getfixturevalue(f"{request.param}_url"))
    return {"database": f"db+{sqlite_url}", "file system": tmp_path.as_uri()}[request.param]


REDIS = pytest.param("redis", id="redis", marks=pytest.mark.redis)
POLLED = [
    pytest.param("database", id="database"),
    pytest.param("file system", id="file system"),
    pytest.param("mongodb", id="mongodb", marks=pytest.mark.mongodb),
]


@pytest.mark.claims("RC215")
@pytest.mark.parametrize("backend", [REDIS, *POLLED], indirect=True)
def test_get_of_a_task_that_ignores_its_result_is_none_at_once(new_app: NewApp, backend: str) -> None:
    app = new_app(backend)
    result = app.task(name="one", ignore_result=True)(one).delay()  # nobody runs it
    assert result.get() is None
    assert result.state == "PENDING"


@pytest.mark.claims("RC215")
@pytest.mark.parametrize("backend", [REDIS, *POLLED], indirect=True)
def test_a_task_that_ignores_its_result_stays_pending_after_it_ran(
    new_app: NewApp, run_task: RunTask, backend: str
) -> None:
    app = new_app(backend)
    assert app.AsyncResult(run_task(app, one, ignore_result=True)).state == "PENDING"
    assert app.AsyncResult(run_task(app, one)).state == "SUCCESS"


@pytest.mark.claims("RC215")
def test_the_call_itself_may_ask_for_the_result(new_app: NewApp, sqlite_url: str) -> None:
    task = new_app(f"db+{sqlite_url}").task(name="one", ignore_result=True)(one)
    assert not task.apply_async(ignore_result=False).ignored


@pytest.mark.claims("RC215")
@pytest.mark.parametrize("backend", POLLED, indirect=True)
@pytest.mark.parametrize("ignore_result", [True, False], ids=["ignored", "stored"])
def test_a_polled_chord_waits_for_members_that_store_no_result(
    new_app: NewApp, run_queued: Callable[..., list[str]], backend: str, ignore_result: bool
) -> None:
    app = new_app(backend)
    result = _chord(app, ignore_result)
    ran = run_queued(app, limit=8)
    assert ran.count("member") == 2
    if ignore_result:
        assert (result.state, ran.count("celery.chord_unlock")) == ("PENDING", 6)
    else:
        assert result.result == [1, 1]


@pytest.mark.claims("RC215")
@pytest.mark.redis
def test_redis_counts_a_chords_members_as_they_return(
    new_app: NewApp, run_queued: Callable[..., list[str]], redis_url: str
) -> None:
    app = new_app(redis_url, is_current=True)
    result = _chord(app, ignore_result=True)
    run_queued(app)
    assert result.result == [1, 1]


def _chord(app: Celery, ignore_result: bool) -> Any:
    member = app.task(name="member", ignore_result=ignore_result)(one)
    body = app.task(name="body")(_same)
    return chord([member.s(), member.s()], app=app)(body.s())


def _same(values: list[int]) -> list[int]:
    return values


@pytest.mark.claims("RC216")
def test_task_ignore_result_holds_for_each_task_that_says_nothing(
    new_app: NewApp, run_task: RunTask, sqlite_url: str
) -> None:
    app = new_app(f"db+{sqlite_url}", task_ignore_result=True)
    assert app.task(name="one")(one).delay().get() is None
    assert app.AsyncResult(run_task(app, one)).state == "PENDING"
    assert app.AsyncResult(run_task(app, one, ignore_result=False)).state == "SUCCESS"


@pytest.mark.claims("RC217")
def test_without_a_result_backend_reading_fails(new_app: NewApp) -> None:
    result = new_app().AsyncResult("x")
    with pytest.raises(NotImplementedError, match="No result backend is configured"):
        result.get(timeout=1)
    for attribute in ("state", "result"):
        with pytest.raises(AttributeError):
            getattr(result, attribute)


@pytest.mark.claims("RC217")
def test_without_a_result_backend_a_chord_cannot_be_sent(new_app: NewApp) -> None:
    with pytest.raises(NotImplementedError, match="requires a result backend"):
        _chord(new_app(), ignore_result=False)


@pytest.mark.claims("RC236")
@pytest.mark.parametrize("backend", [REDIS, *POLLED], indirect=True)
def test_the_fields_are_none_unless_result_extended_is_set(new_app: NewApp, run_task: RunTask, backend: str) -> None:
    app = new_app(backend)
    result = app.AsyncResult(run_task(app, one, request=_REQUEST))
    assert [getattr(result, field) for field in _FIELDS] == [None] * 6


@pytest.mark.claims("RC236")
@pytest.mark.redis
def test_with_result_extended_the_fields_are_there(new_app: NewApp, run_task: RunTask, redis_url: str) -> None:
    app = new_app(redis_url, result_extended=True)
    result = app.AsyncResult(run_task(app, one, request=_REQUEST))
    assert (result.name, result.worker, result.queue, result.retries) == ("bank.add", "worker@host", "queue", 1)
    assert None not in (result.args, result.kwargs)


_REFUSED_BY_JSON = {
    "a set": {1},
    "a frozenset": frozenset({1}),
    "a dataclass": Balance("Ada"),
    "a function": one,
    "a timedelta": datetime.timedelta(1),
    "a complex number": 1j,
    "a range": range(3),
    "an iterator": iter([1]),
    "an object": object(),
    "a bytearray": bytearray(b"x"),
    "a set in a dictionary": {"owners": {"Ada"}},
}
_CARRIED_BY_JSON = {
    "a datetime": datetime.datetime(2026, 1, 1),
    "a date": datetime.date(2026, 1, 1),
    "a time": datetime.time(1),
    "a Decimal": decimal.Decimal("1.5"),
    "a UUID": uuid.UUID(int=1),
    "bytes": b"x",
}
_YAML = {"result_serializer": "yaml", "accept_content": ["yaml"]}


@pytest.mark.claims("RC226")
@pytest.mark.redis
@pytest.mark.parametrize("value", _REFUSED_BY_JSON.values(), ids=_REFUSED_BY_JSON)
def test_a_task_that_returns_what_json_refuses_ends_as_a_failure(
    new_app: NewApp, run_task: RunTask, redis_url: str, value: Any
) -> None:
    app = new_app(redis_url)
    result = app.AsyncResult(run_task(app, lambda: value))
    assert (result.state, type(result.result).__name__) == ("FAILURE", "EncodeError")


@pytest.mark.claims("RC226")
@pytest.mark.redis
@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_nothing_carries_a_generator(new_app: NewApp, run_task: RunTask, redis_url: str, serializer: str) -> None:
    app = new_app(redis_url, result_serializer=serializer, accept_content=[serializer])
    assert app.AsyncResult(run_task(app, numbers)).state == "FAILURE"


@pytest.mark.claims("RC226")
@pytest.mark.redis
@pytest.mark.parametrize("value", _CARRIED_BY_JSON.values(), ids=_CARRIED_BY_JSON)
def test_json_carries_these_as_they_are(new_app: NewApp, run_task: RunTask, redis_url: str, value: Any) -> None:
    app = new_app(redis_url)
    assert app.AsyncResult(run_task(app, lambda: value)).result == value


@pytest.mark.claims("RC226")
@pytest.mark.redis
def test_yaml_carries_sets_and_datetimes_and_no_decimal(new_app: NewApp, run_task: RunTask, redis_url: str) -> None:
    pytest.importorskip("yaml")
    app = new_app(redis_url, **_YAML)
    for value in ({1}, datetime.datetime(2026, 1, 1), b"x"):
        assert app.AsyncResult(run_task(app, lambda value=value: value)).result == value
    for value in (decimal.Decimal("1.5"), uuid.UUID(int=1), Balance("Ada")):
        assert app.AsyncResult(run_task(app, lambda value=value: value)).state == "FAILURE"


@pytest.mark.claims("RC226")
def test_the_database_backend_before_5_7_carries_a_set(
    new_app: NewApp, run_task: RunTask, sqlite_url: str, celery_release: tuple[int, ...]
) -> None:
    app = new_app(f"db+{sqlite_url}")
    result = app.AsyncResult(run_task(app, lambda: {1}))
    assert result.state == ("SUCCESS" if celery_release < (5, 7) else "FAILURE")
