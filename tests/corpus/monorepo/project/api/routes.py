from fastapi import APIRouter

from api.celery_app import app
from api.tasks import resize

router = APIRouter()


@router.post("/pictures")
def pictures(path: str):
    return {"id": resize.delay(path, 640).id}


@router.get("/pictures/{task_id}")
def picture(task_id: str):
    return {"state": app.AsyncResult(task_id).state}
