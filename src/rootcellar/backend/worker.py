"""What a Celery worker has to tell its backend: that it is ready, that it ends, and that a chord's body has come in."""

import logging
from typing import Any

from celery import signals

from rootcellar.backend.adapter import CellarBackend
from rootcellar.backend.bodies import HEADER

logger = logging.getLogger(__name__)


def _backend_of(app: Any) -> CellarBackend | None:
    backend = app.backend
    return backend if isinstance(backend, CellarBackend) else None


def _on_worker_ready(sender: Any, **_: Any) -> None:
    backend = _backend_of(sender.app)
    if backend is not None:
        backend.housekeeper.reside()


def _on_worker_shutdown(sender: Any, **_: Any) -> None:
    backend = _backend_of(sender.app)
    if backend is not None:
        backend.retire()


def _on_task_received(request: Any, **_: Any) -> None:
    """Drop a body that was sent twice: whoever had sent it first died before it could say so."""
    mark = request.request_dict.get(HEADER)
    if not mark:
        return
    backend = _backend_of(request.app)
    if backend is None:
        return
    chord_id, token, run = mark
    if not backend.may_run(chord_id, token, run):
        logger.warning("Chord %s: its body %s was sent twice; this one is dropped", chord_id, request.id)
        request.execute_using_pool = lambda pool, **_: _drop(request)


def _drop(request: Any) -> None:
    # Only a worker has these loaded.
    from celery.exceptions import TaskRevokedError
    from celery.worker.state import task_ready

    request.acknowledge()
    task_ready(request)
    raise TaskRevokedError(request.id)  # which makes the worker give the request's place back, and nothing else


def connect() -> None:
    """Listen to the workers of this process, once."""
    signals.worker_ready.connect(_on_worker_ready, dispatch_uid="rootcellar.worker_ready", weak=False)
    signals.worker_shutdown.connect(_on_worker_shutdown, dispatch_uid="rootcellar.worker_shutdown", weak=False)
    signals.task_received.connect(_on_task_received, dispatch_uid="rootcellar.task_received", weak=False)
