import asyncio

from celery.result import AsyncResult
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from brewery.worker import app as celery_app
from brewery.worker import gravity, mash

app = FastAPI()


class Brew(BaseModel):
    recipe: dict[str, float]
    litres: float


@app.post("/brews")
async def start(brew: Brew) -> dict[str, str]:
    task = mash.delay(brew.recipe, litres=brew.litres)
    return {"id": task.id}


@app.get("/brews/{task_id}")
async def status(task_id: str) -> dict[str, object]:
    task = AsyncResult(task_id, app=celery_app)
    if task.failed():
        raise HTTPException(500)
    return {"state": task.state, "grains": task.result if task.ready() else None}


@app.get("/gravity")
async def measured(sugar: float, litres: float) -> float:
    task = gravity.delay(sugar, litres)
    return await asyncio.to_thread(task.get, timeout=5)


@app.get("/gravity/now")
async def measured_now(sugar: float, litres: float) -> float:
    return gravity.delay(sugar, litres).get(timeout=5)
