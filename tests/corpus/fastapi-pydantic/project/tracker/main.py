from celery.result import AsyncResult
from fastapi import FastAPI, HTTPException

from tracker.tasks import forget, geocode
from tracker.worker import celery_app

app = FastAPI()
known: dict[str, dict] = {}


@app.get("/where")
async def where(address: str) -> dict:
    if (found := known.get(address)) is not None:
        return found
    sent = geocode.delay(address)
    known[address] = sent.get(timeout=20)
    return known[address]


@app.get("/jobs/{job}")
def job(job: str) -> dict:
    result = AsyncResult(job, app=celery_app)
    if result.state == "PENDING":
        raise HTTPException(404)
    return {"task": result.name, "state": result.state}


@app.delete("/devices/{device}")
async def remove(device: str) -> None:
    forget.delay(device)
