"""A whole Django project in one file: settings, views, URLs and the ASGI application."""

import os
from pathlib import Path

from asgiref.sync import sync_to_async
from celery.exceptions import TimeoutError as ResultTimeout
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import tasks
from rootcellar import aio
from rootcellar.contrib.django import stream

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "only for this example"),
)


async def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Path(__file__).with_name("page.html").read_text())


@csrf_exempt  # an example without a login has nothing to forge
async def start(request: HttpRequest) -> JsonResponse:
    """Send a task. Talking to the broker blocks, so it is done in another thread."""
    to, pause_s = int(request.GET.get("to", 5)), float(request.GET.get("pause_s", 0.5))
    result = await sync_to_async(tasks.count.delay)(to, pause_s)
    return JsonResponse({"id": result.id})


async def outcome(request: HttpRequest, task_id: str) -> JsonResponse:
    """Wait for what the task returns, without keeping a thread busy."""
    try:
        return JsonResponse({"counted": await aio.get(task_id, timeout=30, app=tasks.app)})
    except ResultTimeout:
        return JsonResponse({"detail": "It has not ended yet."}, status=504)
    except ValueError as exc:
        return JsonResponse({"detail": str(exc)}, status=422)


async def events(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Stream every state as a server-sent event."""
    return stream(task_id, request, app=tasks.app)


urlpatterns = [
    path("", page),
    path("counts", start),
    path("counts/<str:task_id>", outcome),
    path("counts/<str:task_id>/events", events),
]

app = get_asgi_application()
