from fastapi import FastAPI

from crawler.tasks import fetch

api = FastAPI()


@api.post("/fetch")
async def start(url: str):
    return {"id": fetch.delay(url).id}


@api.get("/fetch/{task_id}")
def show(task_id: str):
    result = fetch.AsyncResult(task_id)
    return {"ready": result.ready(), "info": result.info if result.successful() else None}
