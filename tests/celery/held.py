"""Messages held back in a queue nobody consumes, and delivered by the test: late, in its order, or more than once."""

import json
import uuid
from typing import Any

import redis
from celery import Celery

from servers import wait_until


class Hold:
    """A queue of the broker, a Redis, that no worker consumes: ``signature.set(queue=hold.queue)``."""

    def __init__(self, app: Celery) -> None:
        self.queue = f"held-{uuid.uuid4()}"
        self._to = app.conf.task_default_queue
        self._client = redis.Redis.from_url(app.conf.broker_url)
        self._messages: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Remove the queue."""
        self._client.delete(self.queue)
        self._client.close()

    def wait_for(self, *task_ids: str) -> None:
        """Return when these tasks are held."""
        wait_until(lambda: set(task_ids) <= set(self._take()), "the messages are there")

    def deliver(self, task_id: str) -> None:
        """Give a task to the worker; once more, if it has been delivered."""
        self.wait_for(task_id)
        message = self._messages[task_id]
        message["properties"]["delivery_tag"] = str(uuid.uuid4())
        self._client.lpush(self._to, json.dumps(message))

    def _take(self) -> dict[str, dict[str, Any]]:
        for raw in self._client.lrange(self.queue, 0, -1):
            message = json.loads(raw)
            self._messages.setdefault(message["headers"]["id"], message)
        return self._messages
