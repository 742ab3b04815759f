"""A login that may store and read, and not listen: waiting falls back on looking."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from celery import Celery

from servers import RedisServer, wait_until


@pytest.mark.redis
def test_a_login_that_may_not_subscribe_is_served_by_looking(
    redis_server: RedisServer, open_app: Callable[..., Celery]
) -> None:
    """There is never a notification connection, and the result is found all the same."""
    with redis.Redis.from_url(redis_server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "deaf", "on", ">deaf-password", "~*", "&*", "+@all", "-subscribe")
        app = open_app(f"redis://deaf:deaf-password@127.0.0.1:{redis_server.port}/3", cellar_look_interval=0.2)
        result = app.AsyncResult(str(uuid.uuid4()))
        with ThreadPoolExecutor(1) as threads:
            wait = threads.submit(result.get, timeout=60)
            wait_until(lambda: result.id in app.backend.hub._waits, "it waits")
            app.backend.store_result(result.id, "found", "SUCCESS")
            assert wait.result(90) == "found"
        admin.execute_command("ACL", "DELUSER", "deaf")
