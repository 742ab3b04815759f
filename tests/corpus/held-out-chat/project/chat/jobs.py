from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from celery import chain

from chat.celery import app

if TYPE_CHECKING:
    from celery.result import AsyncResult


@app.task
def moderate(text: str) -> bool:
    return "spam" not in text


@app.task(bind=True, ignore_result=True)
def deliver(self, allowed: bool, room: str) -> None:
    if allowed:
        print(room, self.request.retries)


@app.task
def token() -> uuid.UUID:
    return uuid.uuid4()


def post(text: str, room: str) -> AsyncResult:
    return chain(moderate.s(text), deliver.s(room))()
