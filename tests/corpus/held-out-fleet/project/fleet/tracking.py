import abc

from celery import Task

from fleet.celery_app import app


class Tracked(Task, abc.ABC):
    """A task that knows its truck."""

    abstract = True
    max_retries = 3

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        print("lost", args[0], task_id)


class Locate(Tracked):
    name = "fleet.locate"

    def run(self, truck):
        return {"truck": truck, "lat": 0.0, "lon": 0.0}


class Positions(Tracked):
    name = "fleet.positions"
    ignore_result = True

    def run(self):
        for truck in range(100):
            app.tasks["fleet.locate"].delay(truck)


locate = app.register_task(Locate())
positions = app.register_task(Positions())


@app.task(base=Tracked, name="fleet.distance")
def distance(truck, day):
    here = locate.delay(truck)
    return here.get(timeout=10)["lat"] * day
