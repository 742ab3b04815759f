import csv
import os
from pathlib import Path

from importer.app import app

FOLDER = Path(os.environ.get("IMPORT_FOLDER", "/srv/import"))


@app.task(bind=True, autoretry_for=(OSError,), retry_backoff=True)
def load_file(self, name):
    with (FOLDER / name).open(newline="") as stream:
        rows = [row.get("id") for row in csv.DictReader(stream)]
    return {"name": name, "rows": len(rows)}


@app.task
def distinct(rows):
    return set(rows)


@app.task
def lines(text):
    return (line.strip() for line in text.splitlines())
