import os
import sqlite3

import requests
from celery import Celery

app = Celery("sensors", broker=os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//"))
app.conf.task_ignore_result = True
app.conf.task_routes = {"sensors.main.alarm": {"queue": "alarms"}}


@app.task
def store(reading):
    with sqlite3.connect("/var/lib/sensors/readings.sqlite3") as database:
        database.execute("INSERT INTO reading VALUES (?, ?)", (reading.get("sensor"), reading.get("value")))
    if reading.get("value", 0) > 100:
        alarm.apply_async((reading.get("sensor"),), expires=60)


@app.task(bind=True, autoretry_for=(requests.RequestException,))
def alarm(self, sensor):
    requests.get(f"https://alarm.example.org/{sensor}", timeout=3).raise_for_status()
