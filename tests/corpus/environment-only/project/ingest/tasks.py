import json

from ingest.app import app


@app.task(acks_late=True)
def parse(text):
    record = json.loads(text)
    return {"id": record.get("id"), "kind": record.get("kind", "event")}
