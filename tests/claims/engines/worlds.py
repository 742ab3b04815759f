"""The places that results can lie in, one class an engine: see :class:`claims.engines.observing.World`."""

import itertools
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claims.engines.observing import as_current, joins_noted, request_of
from claims.engines.samples import REMEMBERED
from servers import free_port

_numbers = itertools.count(1)
_HOUR_S = 3600
#: a redis-py connection's arguments that say nothing: they are Celery's name, or objects made anew each time
_NOISE = {"driver_info", "lib_name", "lib_version"}


class Place:
    """What holds for most of them."""

    def prepare(self, backend: Any) -> None:
        """Nothing has to be done."""

    def age(self, backend: Any, task_id: str) -> None:
        """The server expires it."""

    def more(self, backend: Any) -> dict[str, Any]:
        """Nothing more can be seen."""
        return {}

    def left(self, backend: Any) -> dict[str, Any]:
        """Nothing is left."""
        return {}


class Redis(Place):
    """Redis, plain or through TLS."""

    def __init__(self, url: str, **conf: Any) -> None:
        self.url = url
        self._conf = conf

    def conf(self) -> dict[str, Any]:
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()
        # Celery tries 20 times, a second apart.
        options = {"retry_policy": {"max_retries": 0}}
        return {"result_backend": self.url, "result_backend_transport_options": options, **self._conf}

    def stored(self, backend: Any, task_id: str) -> Any:
        key = backend.get_key_for_task(task_id)
        value = backend.client.get(key)
        return None if value is None else {"value": value, "key": key, "ttl": about(backend.client.ttl(key))}

    def remove(self, backend: Any, task_id: str) -> None:
        backend.client.delete(backend.get_key_for_task(task_id))

    def break_down(self, backend: Any) -> None:
        backend.client.connection_pool.connection_kwargs["port"] = free_port()

    def more(self, backend: Any) -> dict[str, Any]:
        pool = backend.client.connection_pool
        return {
            "class": pool.connection_class,
            "class name": pool.connection_class.__name__,
            "most": pool.max_connections,
            "arguments": {name: value for name, value in pool.connection_kwargs.items() if name not in _NOISE},
            "errors": sorted(one.__name__ for one in backend.connection_errors),
            "policy": backend.retry_policy,
        }

    def left(self, backend: Any) -> dict[str, Any]:
        app, body = backend.app, backend.app.tasks["claims.body"].s()
        backend.set_chord_size("half", 2)
        backend.mark_as_done("one of two", 1, request=request_of(app, "one of two", chord=body, group="half"))
        client = backend.client
        keys = {(key, client.type(key), about(client.ttl(key))) for key in client.keys("*")}
        return {"keys": keys, "joins with": self._join(app, body)}

    def _join(self, app: Any, body: Any) -> list[Any]:
        """End a chord with a group in its header; any other is not joined."""
        one, two, three = (app.AsyncResult(name) for name in ("one", "two", "three"))
        app.backend.apply_chord(("whole", [app.GroupResult("inner", [one, two]), three]), body)
        app.backend.set_chord_size("whole", 3)
        joins: list[Any] = []
        with joins_noted(joins, instead=[1, 1, 1]), as_current(app):
            for part in (one, two, three):
                request = request_of(app, part.id, chord=body, group="whole")
                app.backend.mark_as_done(part.id, 1, request=request)
        return joins


class Sentinel(Redis):
    """Redis behind Sentinel: ``master_url`` is for looking into it."""

    def __init__(self, url: str, master_url: str, master_name: str) -> None:
        super().__init__(master_url)
        self._sentinel_url = url
        self._master_name = master_name

    def conf(self) -> dict[str, Any]:
        conf = super().conf()
        options = {**conf["result_backend_transport_options"], "master_name": self._master_name}
        return {"result_backend": self._sentinel_url, "result_backend_transport_options": options}

    def break_down(self, backend: Any) -> None:
        backend.client.connection_pool.proxy.service_name = "nobody"  # of that name the sentinels know no master

    def more(self, backend: Any) -> dict[str, Any]:
        pool = backend.client.connection_pool
        manager = pool.sentinel_manager
        return {
            **super().more(backend),
            "master": pool.service_name,
            "others": manager.min_other_sentinels,
            "sentinels": [one.connection_pool.connection_kwargs for one in manager.sentinels],
        }


class Database(Place):
    """Celery's database backend; each time an empty database, which ``new_url`` returns the URL of."""

    def __init__(self, new_url: Callable[[], str]) -> None:
        self._new_url = new_url
        self._engine: Any = None

    def conf(self) -> dict[str, Any]:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        REMEMBERED.clear()
        url = self._new_url()
        self._engine = create_engine(url, poolclass=NullPool)
        return {"result_backend": f"db+{url}"}

    def _tables(self) -> list[str]:
        from sqlalchemy import inspect

        seen = inspect(self._engine)
        names = seen.get_table_names()
        if "shop" in seen.get_schema_names():
            names += [f"shop.{name}" for name in seen.get_table_names(schema="shop")]
        return sorted(names)

    def _execute(self, statement: str, **values: Any) -> Any:
        """Run a statement on the table of the tasks, and return its row, if it has any."""
        from sqlalchemy import text

        (table,) = (name for name in self._tables() if "set" not in name and "group" not in name)
        with self._engine.begin() as connection:
            result = connection.execute(text(statement.format(table)), values)
            return result.mappings().first() if result.returns_rows else None

    def stored(self, backend: Any, task_id: str) -> Any:
        row = self._execute("SELECT * FROM {} WHERE task_id = :id", id=task_id)
        return row and dict(row)

    def remove(self, backend: Any, task_id: str) -> None:
        self._execute("DELETE FROM {} WHERE task_id = :id", id=task_id)

    def age(self, backend: Any, task_id: str) -> None:
        then = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None)
        self._execute("UPDATE {} SET date_done = :then WHERE task_id = :id", then=str(then), id=task_id)

    def break_down(self, backend: Any) -> None:
        self._execute("DROP TABLE {}")

    def more(self, backend: Any) -> dict[str, Any]:
        tables, called_back = self._tables(), len(REMEMBERED)
        manager, options = backend.session_manager, backend.engine_options
        here = manager.get_engine(backend.url, **options)
        with closing(here.raw_connection()) as connection:
            isolation = getattr(connection.dbapi_connection, "isolation_level", "")
        # What the hook does that SQLAlchemy's sessions get for a worker's children.
        manager._after_fork()
        forked = manager.get_engine(backend.url, **options)
        makers = []
        for _ in range(2):
            backend.ResultSession().close()
            makers.append(manager._sessions[backend.url])
        size = getattr(forked.pool, "size", None)
        seen = {
            "tables": tables,
            "schemas": [backend.task_cls.__table__.schema, backend.taskset_cls.__table__.schema],
            "isolation": isolation,
            "pools": [type(here.pool).__name__, type(forked.pool).__name__],
            "size": size() if callable(size) else size,
            "one session maker": makers[0] is makers[1],
            "called back": called_back,
        }
        manager.forked = False
        here.dispose()
        forked.dispose()
        return seen


class MongoDB(Place):
    """MongoDB: each time another database."""

    def __init__(self, url: str) -> None:
        self._url = url  # without a database
        self._name = ""

    def conf(self) -> dict[str, Any]:
        self._name = f"claims_{next(_numbers)}"
        return {"result_backend": f"{self._url}{self._name}?directConnection=true&serverSelectionTimeoutMS=5000"}

    def _collections(self, backend: Any) -> list[Any]:
        return [backend.database[name] for name in sorted(backend.database.list_collection_names())]

    def stored(self, backend: Any, task_id: str) -> Any:
        for collection in self._collections(backend):
            if found := collection.find_one({"_id": task_id}):
                return {"where": collection.name, **found}
        return None

    def remove(self, backend: Any, task_id: str) -> None:
        for collection in self._collections(backend):
            collection.delete_one({"_id": task_id})

    def age(self, backend: Any, task_id: str) -> None:
        for collection in self._collections(backend):
            change = [{"$set": {"date_done": {"$subtract": ["$date_done", _HOUR_S * 1000]}}}]
            collection.update_one({"_id": task_id}, change)

    def break_down(self, backend: Any) -> None:
        # A server that is away costs PyMongo half a second to notice; one that hangs up, nothing.
        backend.options["retryReads"] = False
        hang_up = {"failCommands": ["find"], "closeConnection": True}
        backend.database.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=hang_up)


class RPC(Place):
    """Replies through RabbitMQ."""

    def __init__(self, url: str) -> None:
        self._url = url

    def conf(self) -> dict[str, Any]:
        return {"result_backend": "rpc://", "broker_url": self._url}

    def stored(self, backend: Any, task_id: str) -> Any:
        """Take a reply off the queue, and put nothing back."""
        with backend.app.connection_for_read() as connection, connection.channel() as channel:
            queue = backend.binding(channel)
            queue.declare()
            found = None
            while message := channel.basic_get(queue.name, no_ack=True):
                if message.properties["correlation_id"] == task_id:
                    found = {
                        "body": message.body,
                        "type": message.content_type,
                        "mode": message.properties.get("delivery_mode"),
                        "exchange": message.delivery_info["exchange"],
                    }
            return found

    def remove(self, backend: Any, task_id: str) -> None:
        self.stored(backend, task_id)

    def age(self, backend: Any, task_id: str) -> None:
        pass

    def prepare(self, backend: Any) -> None:
        with backend.app.connection_for_write() as connection, connection.channel() as channel:
            backend.binding(channel).declare()

    def break_down(self, backend: Any) -> None:
        backend.app.conf.broker_url = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
        backend.app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}

    def more(self, backend: Any) -> dict[str, Any]:
        return {"exchange": backend.binding.exchange.name, "queue": backend.binding.expires}


class Filesystem(Place):
    """Files in a directory: each time another one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory

    def conf(self) -> dict[str, Any]:
        self._path = self._directory / str(next(_numbers))
        self._path.mkdir()
        return {"result_backend": f"file://{self._path}"}

    def _file(self, task_id: str) -> Path | None:
        return next((path for path in self._path.iterdir() if path.name.endswith("-" + task_id)), None)

    def stored(self, backend: Any, task_id: str) -> Any:
        path = self._file(task_id)
        return path and {"name": path.name, "value": path.read_bytes()}

    def remove(self, backend: Any, task_id: str) -> None:
        if path := self._file(task_id):
            path.unlink()

    def age(self, backend: Any, task_id: str) -> None:
        if path := self._file(task_id):
            os.utime(path, (time.time() - _HOUR_S, time.time() - _HOUR_S))

    def break_down(self, backend: Any) -> None:
        shutil.rmtree(self._path)
        self._path.touch()

    def more(self, backend: Any) -> dict[str, Any]:
        return {}


class Cache(Place):
    """Celery's cache backend on the process's memory, with what it asks of the client noted."""

    def __init__(self) -> None:
        self._asked: list[Any] = []

    def conf(self) -> dict[str, Any]:
        from celery.backends import cache

        self._asked = asked = []
        cache._DUMMY_CLIENT_CACHE.clear()

        class Noting(cache.DummyClient):
            def __init__(self, servers: Any = None, **options: Any) -> None:
                super().__init__()
                asked.append(("options", options))

            def set(self, key: Any, value: Any, time: Any = 0, **options: Any) -> None:
                asked.append(("set", key, time))
                super().set(key, value)

            def touch(self, key: Any, expire: Any) -> None:
                asked.append(("touch", key, expire))

        cache.backends["memory"] = lambda: (Noting, cache.ensure_bytes)
        return {"result_backend": "cache+memory://"}

    def stored(self, backend: Any, task_id: str) -> Any:
        key = backend.get_key_for_task(task_id)
        value = backend.client.get(key)
        times = [one[2] for one in self._asked if one[:2] == ("set", key)]
        return value and {"key": key, "value": value, "ttl": times[-1]}

    def remove(self, backend: Any, task_id: str) -> None:
        backend.client.delete(backend.get_key_for_task(task_id))

    def break_down(self, backend: Any) -> None:
        def refuse(key: Any) -> None:
            raise ConnectionRefusedError

        backend.client.get = refuse

    def more(self, backend: Any) -> dict[str, Any]:
        _ = backend.client
        return {}

    def left(self, backend: Any) -> dict[str, Any]:
        return {"asked": self._asked}


class Disabled(Place):
    """No backend."""

    def conf(self) -> dict[str, Any]:
        return {"result_backend": "disabled://"}

    def stored(self, backend: Any, task_id: str) -> Any:
        return None

    def remove(self, backend: Any, task_id: str) -> None:
        pass

    def break_down(self, backend: Any) -> None:
        pass


def about(ttl: float) -> int:
    """Round up to ten seconds, which the look may have taken."""
    return int(-(-ttl // 10) * 10)
