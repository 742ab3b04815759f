"""The subject: the result backend under test, reached through a Celery app made for it."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from celery import Celery

from rootcellar.urls import PREFIX

#: Ids of everything a test stores start so.
ID_PREFIX = "rootcellar-test-"

#: Celery settings that concern result backends; what else an app has is left out.
_SETTINGS = (
    "result_",
    "redis_",
    "database_",
    "cellar_",
    "mongodb_",
    "cache_backend",
    "cassandra_",
    "elasticsearch_",
    "couchbase_",
    "arangodb_",
    "cosmosdbsql_",
    "s3_",
    "gcs_",
    "azureblockblob_",
    "dynamodb_",
    "accept_content",
)


class Subject:
    """A backend under test. ``made`` holds the ids stored and not yet deleted."""

    def __init__(self, url: str, settings: Mapping[str, Any], timeout_s: float) -> None:
        self.url = url
        self.timeout_s = timeout_s
        self.made: dict[str, None] = {}
        self._settings = {name: value for name, value in settings.items() if name.startswith(_SETTINGS)}
        self._settings.pop("result_backend", None)
        self._backends: dict[int, Any] = {}
        self.app = self._app({})

    @property
    def is_ours(self) -> bool:
        """Whether this is one of rootcellar's backends."""
        return self.url.startswith(PREFIX)

    @property
    def backend(self) -> Any:
        """This thread's backend object; made when first asked for."""
        return self._backend_of(self.app)

    def new_id(self) -> str:
        """Return an id of a task that never was; it is deleted in the end."""
        task_id = ID_PREFIX + str(uuid.uuid4())
        self.made[task_id] = None
        return task_id

    def result(self, task_id: str) -> Any:
        """Return Celery's ``AsyncResult`` for an id."""
        return self.app.AsyncResult(task_id)

    def meta(self, task_id: str) -> dict[str, Any]:
        """Read a task's meta (``status``, ``result`` …) from the backend, past any cache."""
        meta: dict[str, Any] = self.backend.get_task_meta(task_id, cache=False)
        return meta

    def forget(self, task_id: str) -> None:
        """Delete what is stored under an id."""
        self.backend.forget(task_id)
        self.made.pop(task_id, None)

    def other_backend(self, **settings: Any) -> Any:
        """Return a backend for the same URL under other settings."""
        return self._backend_of(self._app(settings))

    def close(self) -> None:
        """Close all connections."""
        for backend in list(self._backends.values()):
            parts = ("hub", "store") if self.is_ours else ("result_consumer", "client")
            for part in parts:
                with suppress(Exception):
                    held = getattr(backend, part)
                    (held.stop if part == "result_consumer" else held.close)()
                    # Celery gives its Redis client a pool, which closing the client then leaves open.
                    if hasattr(held, "connection_pool"):
                        held.connection_pool.disconnect()
        self._backends.clear()

    def _backend_of(self, app: Any) -> Any:
        backend = app.backend
        self._backends[id(backend)] = backend
        return backend

    def _app(self, settings: Mapping[str, Any]) -> Any:
        limits: dict[str, Any] = {
            "redis_socket_connect_timeout": self.timeout_s,
            "redis_socket_timeout": self.timeout_s,
        }
        if self.is_ours:
            limits["cellar_store_timeout"] = self.timeout_s
        else:
            # Celery's Redis backend would otherwise try twenty times before it says that something is wrong.
            limits["result_backend_transport_options"] = {"retry_policy": {"max_retries": 1}}
        app = Celery("rootcellar.test", broker="memory://", backend=self.url, set_as_current=False)
        # A test is to say at once what is wrong, not to try again for minutes.
        at_once = {"result_backend_always_retry": False, "result_backend_max_retries": 0}
        app.conf.update({**limits, **self._settings, **at_once, **settings})
        # Over result_backend, because CELERY_RESULT_BACKEND in the environment goes over that.
        app.backend_cls = self.url
        return app
