"""Starts a task, awaits it, streams its progress."""

import asyncio

from celery.exceptions import TimeoutError as ResultTimeout
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse

import tasks
from rootcellar import aio
from rootcellar.contrib.fastapi import stream

app = FastAPI()


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("page.html")


@app.post("/counts")
async def start(to: int = 5, pause_s: float = 0.5) -> dict[str, str]:
    """Send a task. Talking to the broker blocks, so it is done in another thread."""
    result = await asyncio.to_thread(tasks.count.delay, to, pause_s)
    return {"id": result.id}


@app.get("/counts/{task_id}")
async def outcome(task_id: str) -> dict[str, int]:
    """Wait for what the task returns, without keeping a thread busy."""
    try:
        return {"counted": await aio.get(task_id, timeout=30, app=tasks.app)}
    except ResultTimeout:
        raise HTTPException(504, "It has not ended yet.") from None
    except ValueError as exc:
        raise HTTPException(422, str(exc)) from None


@app.get("/counts/{task_id}/events")
async def events(task_id: str, request: Request) -> Response:
    """Stream every state as a server-sent event."""
    return stream(task_id, request, app=tasks.app)
