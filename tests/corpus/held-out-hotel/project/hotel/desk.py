from celery.result import AsyncResult

from hotel.celery_app import app, book, rate


def describe(task_id: str) -> str:
    result = AsyncResult(task_id, app=app)
    if result.successful():
        return f"{result.name} {result.kwargs} -> {result.result}"
    return result.state


def offer(room: int) -> float:
    return rate.delay(room).get(timeout=2)


def check_in(room: int, nights: int) -> str:
    return book.delay(room, nights=nights).id
