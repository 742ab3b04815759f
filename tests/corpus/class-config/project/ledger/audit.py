"""What ran, with which arguments: for the auditors."""

import httpx
from celery.result import AsyncResult

from ledger.celery_app import app


def entry(task_id):
    result = AsyncResult(task_id, app=app)
    return {"task": result.name, "args": result.args, "state": result.state}


def upload(entries):
    answer = httpx.get("https://audit.example.net/next").json().get("id")
    httpx.post(f"https://audit.example.net/{answer}", json=entries)
