import os

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from motor.motor_asyncio import AsyncIOMotorClient

from recipes.tasks import analyse, celery_app

app = FastAPI()
recipes = AsyncIOMotorClient(os.environ["MONGO_URL"]).recipes.recipes


@app.post("/recipes/{name}/analysis")
async def start(name: str) -> dict[str, str]:
    recipe = await recipes.find_one({"name": name})
    return {"id": await run_in_threadpool(analyse, recipe.get("ingredients"))}


def _state(task_id: str) -> dict[str, object]:
    result = celery_app.AsyncResult(task_id)
    return {"state": result.state, "kcal": result.result if result.successful() else None}


@app.get("/analysis/{task_id}")
async def analysis(task_id: str) -> dict[str, object]:
    return await run_in_threadpool(_state, task_id)
