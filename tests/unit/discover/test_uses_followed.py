"""Uses of results, by the ways that results go through code; and what looks like one and is none."""

from pathlib import Path

import pytest

from result_uses import but_sends, marked, uses_of

WAYS = {
    "lists, sets, dicts and tuples of results": """
        from shop.tasks import add
        results = [add.delay(n, n) for n in range(3)]
        [r.get() for r in results]  #: get
        results[0].get()  #: get
        for n, r in enumerate(results):
            r.get()  #: get
        for n, r in zip(range(3), results):
            r.get()  #: get
        more = []
        for n in range(3):
            more.append(add.delay(n, n))
        for r in more:
            r.get()  #: get
        more.pop().get()  #: get
        by_name = {n: add.delay(n, n) for n in range(3)}
        for name, r in by_name.items():
            r.get()  #: get
        for r in by_name.values():
            r.get()  #: get
        by_name[1].get()  #: get
        by_name.get(1)
        by_name.get(1).get()  #: get
        one, two = add.delay(1, 2), 5
        one.get()  #: get
        filled = {}
        filled["x"] = add.delay(1, 2)
        filled["x"].get()  #: get
        list(map(lambda n: add.delay(n, n).get(), range(3)))  #: get
        for r in sorted(results):
            r.get()  #: get
    """,
    "a walrus, a condition, an or": """
        from shop.tasks import add
        if (r := add.delay(1, 2)).ready():  #: read
            r.get()  #: get
        s = add.delay(1, 2) if r else None
        s.get()  #: get
        t = None or add.delay(1, 2)
        t.get()  #: get
        u = None
        if s:
            u = add.delay(1, 2)
        if u is not None:
            u.get()  #: get
        try:
            v = add.delay(1, 2)
        except OSError:
            v = None
        v.get()  #: get
    """,
    "functions of the project that give results": """
        from shop.tasks import add
        def start(n):
            return add.delay(n, n)
        def start_all():
            for n in range(3):
                yield start(n)
        async def start_later():
            return start(1)
        def run():
            start(1).get()  #: get
            for r in start_all():
                r.get()  #: get
        async def wait():
            (await start_later()).get()  #: get
    """,
    "functions that are given results": """
        from shop.tasks import add
        def finish(sent, timeout):
            return sent.get(timeout=timeout)  #: get
        def run():
            finish(add.delay(1, 2), 3)
    """,
    "what is annotated": """
        from __future__ import annotations
        from typing import Optional
        from celery import Celery, Task
        from celery.result import AsyncResult, GroupResult
        def one(result: AsyncResult):
            result.get()  #: get
        def two(result: Optional[AsyncResult], group: "GroupResult | None"):
            result.get()  #: get
            group.join()  #: join
        def three(results: list[AsyncResult], by_name: dict[str, AsyncResult]):
            for r in results:
                r.get()  #: get
            by_name["x"].get()  #: get
        def four(task: Task, app: Celery):
            task.delay().get()  #: get
            app.send_task("x").get()  #: get
        def five(thing):
            if isinstance(thing, AsyncResult):
                thing.get()  #: get
    """,
    "attributes of self": """
        from shop.tasks import add
        class Job:
            shared = add.delay(0, 0)
            def __init__(self):
                self.result = None
                self.many = []
            def finish(self):
                self.shared.get()  #: get
                for r in self.many:
                    r.get()  #: get
                return self.result.get(timeout=3)  #: get
            def start(self):
                self.result = add.delay(1, 2)
                self.many.append(add.delay(3, 4))
                self._note(self.result)
            def _note(self, result):
                print(result.state)  #: read
            @property
            def sent(self):
                return add.delay(5, 6)
            def more(self):
                self.sent.get()  #: get
        def run():
            job = Job()
            job.result.get()  #: get
    """,
    "fields of a dataclass": """
        from dataclasses import dataclass
        from celery.result import AsyncResult, ResultSet
        @dataclass
        class Waiting:
            sent: list[AsyncResult]
            last: AsyncResult | None = None
            def finish(self):
                ResultSet(self.sent).join(timeout=3)  #: join
                self.last.get()  #: get
                return [one.get() for one in self.sent if one.ready()]  #: get, read
    """,
    "an app and a task that are attributes": """
        from celery import Celery
        class Runner:
            def __init__(self):
                self.app = Celery("runner")
                @self.app.task(name="work", shared=False)
                def work(spec):
                    return spec
                self._task = work
            def start(self, spec):
                return self._task.apply_async(args=(spec,))
            def fetch(self, task_id):
                result = self.app.AsyncResult(task_id)  #: lookup
                if not result.ready():  #: read
                    return None
                return result.result  #: read
        def run():
            Runner().start({}).get()  #: get
    """,
    "a task named in a table": """
        from shop.tasks import add, total
        TASKS = {"add": add, "total": total}
        ORDER = [add, total]
        def run(name):
            TASKS[name].delay().get()  #: get
            TASKS.get(name).delay().get()  #: get
            for task in ORDER:
                task.delay().get()  #: get
            for name, task in TASKS.items():
                task.delay().get()  #: get
    """,
    "a task handed to a function": """
        from celery import Task
        from shop.tasks import add
        def send(task, *args):
            return task.delay(*args)
        def wait(task: Task):
            return task.delay().get()  #: get
        send(add, 1).get()  #: get
    """,
    "closures": """
        from shop.tasks import add
        def outer():
            r = add.delay(1, 2)
            def inner():
                return r.get()  #: get
            return inner
    """,
    "a match statement": """
        from shop.tasks import add
        def run(how):
            match how:
                case "now":
                    r = add.delay(1, 2)
                case _:
                    r = None
            return r.get()  #: get
    """,
}


@pytest.mark.parametrize("name", WAYS)
def test_a_result_is_followed(tmp_path: Path, name: str) -> None:
    found = uses_of(tmp_path, WAYS[name])
    assert but_sends(found) == marked(tmp_path)


NONE = {
    "dicts, requests, environments and querysets": """
        import os
        import requests
        from shop.models import Order
        from shop.tasks import add
        def run(request):
            options = {"a": 1}
            options.get("a")
            requests.get("https://example.org").status
            os.environ.get("X")
            Order.objects.get(pk=1)
            request.GET.get("x")
            ", ".join(["a"])
            add.delay(options.get("a"), request.data.get("b"))
    """,
    "other results": """
        import multiprocessing
        from concurrent.futures import ThreadPoolExecutor
        from multiprocessing.pool import AsyncResult
        from shop.tasks import add
        def run(pool: multiprocessing.Pool, sent: AsyncResult):
            pool.apply_async(len, ("x",)).get()
            sent.get(timeout=3)
            with ThreadPoolExecutor() as executor:
                future = executor.submit(len, "x")
                future.result()
            response = executor.submit(add, 1)
            response.status
            response.state
    """,
    "tasks run on the spot": """
        from shop.tasks import add
        add.apply((1, 2)).get()
        add(1, 2).get("x")
        add.s(1, 2)().get("x")
        add.s(1, 2).apply().get()
        add.run(1, 2)
    """,
    "another library's tasks": """
        from django_rq import job
        from celery import current_app
        from dramatiq import actor
        @job
        def rq_task():
            pass
        @actor
        def dramatiq_task():
            pass
        rq_task.delay().result
        dramatiq_task.send().get_result()
    """,
    "AsyncResults of gevent": """
        from gevent.event import AsyncResult
        from shop.tasks import add
        class Frame:
            def __init__(self):
                self._result = AsyncResult()
            @property
            def result(self):
                return self._result
            def get(self, timeout=None):
                return self.result.get(timeout=timeout)
            def ready(self):
                return self._result.ready()
    """,
    "functions that are no tasks": """
        from shop.celery import app
        def delay(x):
            return {}
        def helper():
            return delay(1)
        helper().get("x")
        delay(2).get("x")
        @app.on_after_configure.connect
        def setup(sender, **kwargs):
            kwargs.get("x")
    """,
    "a name that is bound anew": """
        from shop.tasks import add
        def run(r):
            r.get("x")
        def again():
            r = add.delay(1, 2)
            r = {}
            r.get("x")
        def parameter(add):
            add.delay(1, 2).get()
        r = add.delay(1, 2)
        def hides(r):
            r.get("x")
        [r.get("x") for r in [{}]]
    """,
    "an id, and what else is no reading": """
        from shop.tasks import add
        r = add.delay(1, 2)
        print(r.id, r.task_id, str(r))
        r.revoke()
        ids = [one.id for one in [r]]
        ids.count(1)
    """,
    "an HTTP method of an app, and of a client": """
        import httpx
        from fastapi import FastAPI
        from shop.tasks import add
        app = FastAPI()
        @app.get("/")
        async def root():
            add.delay(1, 2)
            async with httpx.AsyncClient() as client:
                return (await client.get("https://example.org")).status
    """,
    "what a task gives when it is called": """
        from shop.tasks import add
        result = add(1, 2)
        result.get("x")
        state = result.state
    """,
    "signatures that are not sent": """
        from celery import chain
        from shop.tasks import add
        sig = add.s(1, 2)
        sig.args, sig.kwargs, sig.options.get("x")
        chain(sig, sig).tasks
        add.name, add.request.id
    """,
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_use_is_none(tmp_path: Path, name: str) -> None:
    assert but_sends(uses_of(tmp_path, NONE[name])) == set()
