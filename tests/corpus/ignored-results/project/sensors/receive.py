import json
import queue

from sensors.main import store

incoming = queue.Queue()


def receive():
    while True:
        message = json.loads(incoming.get())
        if message.get("state") == "off":
            return
        store.delay(message)
