from celery import Celery, chord

import parcels.config
import parcels.crypto  # noqa: F401  (registers the serializer)

app = Celery("parcels")
app.config_from_object(parcels.config)


@app.task
def locate(number):
    return {"number": number, "at": "depot"}


@app.task
def report(found):
    return {one["number"]: one["at"] for one in found}


@app.task(bind=True)
def report_all(self, numbers):
    answer = chord([locate.s(number) for number in numbers])(report.s())
    self.update_state(state="WAITING", meta={"chord": answer.id})
    return answer.id
