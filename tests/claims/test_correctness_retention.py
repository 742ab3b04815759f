"""What the rules about how long results are kept say of Celery, made to happen on the installed one."""

import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import amqp
import pytest
import redis
from celery.beat import Scheduler

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

NewApp = Callable[..., Any]
RunTask = Callable[..., str]


def scheduled(app: Any) -> list[str]:
    """Return the names of what beat puts on its schedule by itself."""
    scheduler = Scheduler(app, lazy=True)
    scheduler.install_default_entries({})
    return list(scheduler.schedule)


def ttl(url: str, app: Any, task_id: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.ttl(app.backend.get_key_for_task(task_id)))


@pytest.mark.claims("RC212")
@pytest.mark.redis
@pytest.mark.parametrize("option", ["expires", "result_expires"])
def test_a_tasks_option_does_not_change_how_long_its_result_is_kept(
    new_app: NewApp, run_task: RunTask, redis_url: str, option: str
) -> None:
    app = new_app(redis_url, result_expires=500_000)
    assert ttl(redis_url, app, run_task(app, lambda: 1, **{option: 3600})) > 400_000


@pytest.mark.claims("RC212")
def test_a_tasks_expires_goes_out_with_its_message(new_app: NewApp) -> None:
    app = new_app()
    task = app.task(name="report", expires=3600)(_nothing)
    task.delay()
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
    assert message.headers["expires"]


def _nothing() -> None: ...


@pytest.mark.claims("RC213")
@pytest.mark.parametrize("zero", [0, timedelta(0)], ids=["0", "timedelta"])
def test_a_databases_clean_up_with_zero_deletes_what_has_just_finished(
    new_app: NewApp, run_task: RunTask, sqlite_url: str, zero: Any
) -> None:
    app = new_app(f"db+{sqlite_url}", result_expires=zero)
    task_id = run_task(app, lambda: 1)
    assert app.AsyncResult(task_id).state == "SUCCESS"
    app.backend.cleanup()
    assert app.AsyncResult(task_id).state == "PENDING"


@pytest.mark.claims("RC213", "RC214")
@pytest.mark.parametrize("never", [0, None])
def test_beat_schedules_a_clean_up_only_if_results_expire(new_app: NewApp, sqlite_url: str, never: Any) -> None:
    assert scheduled(new_app(f"db+{sqlite_url}")) == ["celery.backend_cleanup"]
    assert scheduled(new_app(f"db+{sqlite_url}", result_expires=never)) == []


@pytest.mark.claims("RC213", "RC214")
@pytest.mark.redis
@pytest.mark.parametrize("never", [0, None])
def test_on_redis_zero_and_none_set_no_expiry(new_app: NewApp, run_task: RunTask, redis_url: str, never: Any) -> None:
    app = new_app(redis_url, result_expires=never)
    assert ttl(redis_url, app, run_task(app, lambda: 1)) == -1


@pytest.mark.claims("RC213", "RC214")
@pytest.mark.parametrize("never", [0, None])
@pytest.mark.parametrize(
    "store", ["file system", pytest.param("mongodb", id="MongoDB", marks=pytest.mark.mongodb)], ids=str
)
def test_the_clean_up_of_the_others_with_zero_or_none_deletes_nothing(
    new_app: NewApp, run_task: RunTask, request: pytest.FixtureRequest, tmp_path: Path, store: str, never: Any
) -> None:
    if store == "mongodb":
        pytest.importorskip("pymongo")
    url = request.getfixturevalue("mongodb_url") if store == "mongodb" else tmp_path.as_uri()
    app = new_app(url, result_expires=never)
    task_id = run_task(app, lambda: 1)
    app.backend.cleanup()
    assert app.AsyncResult(task_id).state == "SUCCESS"


@pytest.mark.claims("RC213", "RC214")
def test_the_clean_up_of_django_celery_results_with_zero_or_none_deletes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("django_celery_results")
    program = Path(__file__).with_name("django_cleanup.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "results.db")], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout.split()) == (0, ["SUCCESS", "SUCCESS"]), done.stderr


@pytest.mark.claims("RC213")
@pytest.mark.rabbitmq
def test_rabbitmq_refuses_the_reply_queue_that_rpc_declares_with_zero(new_app: NewApp, rabbitmq_server: Any) -> None:
    app = new_app("rpc://", broker_url=rabbitmq_server.url, result_expires=0)
    with pytest.raises(amqp.exceptions.PreconditionFailed, match="x-expires"):
        app.send_task("report", task_id=str(uuid.uuid4()))


@pytest.mark.claims("RC214")
def test_a_databases_clean_up_with_none_raises_type_error(new_app: NewApp, sqlite_url: str) -> None:
    app = new_app(f"db+{sqlite_url}", result_expires=None)
    with pytest.raises(TypeError):
        app.backend.cleanup()
