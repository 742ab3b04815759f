"""Uses of results, by what Celery offers: sending, waiting, reading, looking up, chords."""

from pathlib import Path

import pytest

from result_uses import but_sends, marked, uses_of

USES = {
    "a result that is got where it is sent": """
        from shop.tasks import add
        add.delay(1, 2).get()  #: get
        add.apply_async((1, 2), countdown=5).get(timeout=3)  #: get
        add.apply_async(
            (1, 2),
        ).get(  #: get
            timeout=3,
        )
    """,
    "a variable": """
        from shop import tasks
        def run():
            sent = tasks.add.delay(1, 2)
            if sent.ready():  #: read
                return sent.result  #: read
            sent.forget()  #: forget
            return sent.wait()  #: get
    """,
    "a task under another name": """
        import shop.tasks as work
        from shop.tasks import add as plus
        first = plus.delay(1, 2)
        first.get()  #: get
        second = work.add.delay(1, 2)
        print(second.state, second.info)  #: read
        third = plus
        third.delay().get()  #: get
    """,
    "what a function imports for itself": """
        def run():
            from shop.tasks import add
            return add.delay(1, 2).get()  #: get
    """,
    "a task sent by its name": """
        from celery import current_app
        from shop.celery import app
        app.send_task("shop.tasks.add", (1, 2)).get()  #: get
        current_app.send_task("add").get()  #: get
        app.tasks["shop.tasks.add"].delay().get()  #: get
    """,
    "a signature that is sent": """
        from celery import signature
        from shop.celery import app
        from shop.tasks import add
        add.s(1, 2).delay().get()  #: get
        add.si(1, 2).set(countdown=1).apply_async().get()  #: get
        signature("shop.tasks.add", args=(1, 2)).apply_async().get()  #: get
        app.signature("shop.tasks.add").delay().get()  #: get
        add.s(1, 2).freeze().get()  #: get
    """,
    "chains and groups": """
        from celery import chain, group
        from shop.tasks import add
        chain(add.s(1, 2), add.s(3))().get()  #: get
        (add.s(1, 2) | add.s(3)).apply_async().get()  #: get
        (add.s(1, 2) | add.s(3))().get()  #: get
        all_of_them = group(add.s(n, n) for n in range(5))()
        all_of_them.join()  #: join
        all_of_them.join_native(timeout=3)  #: join
        for one in all_of_them:
            one.get()  #: get
        for one in all_of_them.results:
            one.get()  #: get
        all_of_them[0].get()  #: get
        all_of_them.completed_count()  #: read
        steps = add.s(1, 2)
        steps |= add.s(3)
        steps.delay().parent.get()  #: get
        add.chunks(zip(range(10), range(10)), 2)().get()  #: get
    """,
    "chords of all forms": """
        from celery import chain, chord, group
        from shop.tasks import add, total
        chord([add.s(1, 2)])(total.s()).get()  #: chord, get
        chord([add.s(1, 2)], total.s())()  #: chord
        chord(header=(add.s(n, n) for n in range(3)), body=total.s()).apply_async()  #: chord
        (group(add.s(1, 2), add.s(3, 4)) | total.s())()  #: chord
        chain(add.s(1, 2), group(add.s(3), add.s(4)), total.s())()  #: chord
        chain([group([add.s(3), add.s(4)]), total.s()])()  #: chord
        header = [add.s(n, n) for n in range(3)]
        header.append(add.s(9, 9))
        chord(header)(total.s())  #: chord
        chain(add.s(1, 2), group(add.s(3), add.s(4)))()
    """,
    "an id looked up": """
        from celery.result import AsyncResult, GroupResult, ResultSet, result_from_tuple
        import celery.result
        from shop.celery import app
        from shop.tasks import add
        def look(task_id):
            AsyncResult(task_id).status  #: lookup, read
            app.AsyncResult(task_id).ready()  #: lookup, read
            add.AsyncResult(task_id).get()  #: lookup, get
            celery.result.AsyncResult(task_id, app=app).successful()  #: lookup, read
            GroupResult.restore(task_id).join()  #: lookup, join
            app.GroupResult.restore(task_id)  #: lookup
            result_from_tuple(task_id).get()  #: lookup, get
            ResultSet([AsyncResult(task_id)]).join()  #: lookup, join
    """,
    "what only extended results have": """
        from celery.result import AsyncResult
        def look(task_id):
            r = AsyncResult(task_id)  #: lookup
            return r.name, r.args, r.kwargs, r.worker, r.retries, r.queue  #: extended
    """,
    "a bound task itself": """
        from shop.celery import app
        @app.task(bind=True)
        def again(self, other):
            self.apply_async((other,), countdown=9)
            self.AsyncResult(other).state  #: lookup, read
            self.app.AsyncResult(other).state  #: lookup, read
            return self.delay(other).get()  #: get
    """,
    "an app that is imported in a function": """
        def look(task_id):
            try:
                from shop.celery import app
            except ImportError:
                raise RuntimeError("no Celery")
            try:
                found = app.AsyncResult(task_id)  #: lookup
                state = found.state  #: read
                if found.ready():  #: read
                    return found.result  #: read
            except Exception:
                return None
    """,
    "our own way of waiting": """
        from rootcellar import aio, progress
        from shop.tasks import add
        async def run(task_id):
            r = add.delay(1, 2)
            await aio.get(r, timeout=3)  #: get
            await aio.gather([r, r])  #: join
            await aio.state(task_id)  #: read
            progress(r)  #: read
    """,
    "an abortable task": """
        from celery.contrib.abortable import AbortableAsyncResult, AbortableTask
        from shop.celery import app
        @app.task(bind=True, base=AbortableTask)
        def work(self): ...
        def run(task_id):
            AbortableAsyncResult(task_id).state  #: lookup, read
            work.delay().get()  #: get
    """,
    "a method given away": """
        import asyncio
        from functools import partial
        from asgiref.sync import sync_to_async
        from shop.tasks import add
        async def run(loop, pool):
            r = add.delay(1, 2)
            await asyncio.to_thread(r.get, timeout=3)  #: get
            await loop.run_in_executor(None, r.get)  #: get
            await loop.run_in_executor(None, partial(r.get, timeout=3))  #: get
            await loop.run_in_executor(None, lambda: r.get(timeout=3))  #: get
            await sync_to_async(r.get)(timeout=3)  #: get
            pool.submit(r.get)  #: get
            s = await asyncio.to_thread(add.delay, 1, 2)
            s.state  #: read
    """,
    "callbacks": """
        from shop.tasks import add
        add.delay(1, 2).then(print)  #: then
    """,
    "loops that ask again and again": """
        import time
        from celery.result import AsyncResult
        from shop.tasks import add
        def one():
            r = add.delay(1, 2)
            while not r.ready():  #: poll, read
                time.sleep(1)
        def two(task_id):
            while True:  #: poll
                r = AsyncResult(task_id)  #: lookup
                if r.state in ("SUCCESS", "FAILURE"):  #: read
                    break
                time.sleep(1)
        def three():
            r = add.delay(1, 2)
            for _ in range(10):  #: poll
                if r.ready():  #: read
                    break
                time.sleep(1)
        def four():
            results = [add.delay(1, 2)]
            while not all(r.ready() for r in results):  #: poll, read
                time.sleep(1)
        def five():
            for r in [add.delay(1, 2)]:
                while r.status != "SUCCESS":  #: poll, read
                    time.sleep(1)
        def six():
            pending = [add.delay(1, 2)]
            while pending:  #: poll
                for r in pending:
                    if r.ready():  #: read
                        pending.remove(r)
                time.sleep(1)
    """,
    "loops that ask once each": """
        import time
        from shop.tasks import add
        def run():
            for r in [add.delay(1, 2)]:
                if r.ready():  #: read
                    print(r.result)  #: read
                time.sleep(0.1)
            while True:
                add.delay(1, 2)
                time.sleep(60)
    """,
    "subtasks waited for on purpose": """
        from celery.result import allow_join_result
        from shop.tasks import add
        from shop.celery import app
        @app.task
        def outer():
            with allow_join_result():  #: allow_join
                add.delay(1, 2).get()  #: get
            add.delay(1, 2).get(disable_sync_subtasks=False)  #: get, allow_join
            add.delay(1, 2).get(disable_sync_subtasks=True)  #: get
    """,
    "apps made by functions": """
        from celery import Celery
        from flask import Flask
        def make_celery(flask):
            celery = Celery(flask.name)
            return celery
        celery = make_celery(Flask("x"))
        @celery.task
        def one():
            pass
        def create_app() -> Flask:
            flask = Flask("x")
            runner = flask.extensions["celery"]
            @runner.task
            def two():
                pass
            two.delay().get()  #: get
        one.delay().get()  #: get
    """,
    "class-based tasks": """
        from celery import Task
        from shop.celery import app
        class Send(Task):
            name = "send"
            def run(self, x):
                return self._send(x)
            def _send(self, x):
                return self.delay(x).get()  #: get
        send = app.register_task(Send())
        send.delay(1).get()  #: get
        Send().delay(1).get()  #: get
    """,
}


@pytest.mark.parametrize("name", USES)
def test_uses_are_found_where_they_are(tmp_path: Path, name: str) -> None:
    found = uses_of(tmp_path, USES[name])
    assert but_sends(found) == marked(tmp_path)
