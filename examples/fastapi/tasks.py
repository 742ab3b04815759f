"""The Celery app: messages in a directory, results in a SQLite file; no server needed."""

import os
import time
from pathlib import Path

from celery import Celery

HERE = Path(os.environ.get("EXAMPLE_DATA", "data")).absolute()
for folder in ("broker", "control"):
    (HERE / folder).mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://", backend=f"cellar+sqlite:///{HERE / 'results.db'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(HERE / "broker"),
    "data_folder_out": str(HERE / "broker"),
    "control_folder": str(HERE / "control"),
    "polling_interval": 0.1,
}


@app.task(bind=True)
def count(self, to: int, pause_s: float = 0.5) -> int:
    """Count slowly, and say how far it is."""
    if to < 1:
        raise ValueError("there is nothing to count")
    for number in range(1, to + 1):
        self.update_state(state="PROGRESS", meta={"done": number, "of": to})
        time.sleep(pause_s)
    return to
