"""The demonstration's Celery app: ``celery -A rootcellar.demo.app worker``, configured by the environment."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_ready

from rootcellar.demo import broker

#: The directory of broker and worker, and the store's URL.
DIRECTORY_VARIABLE = "ROOTCELLAR_DEMO_DIRECTORY"
STORE_VARIABLE = "ROOTCELLAR_DEMO_STORE"


def make_app(directory: Path, store_url: str) -> Any:
    """Return the app whose messages lie in ``directory`` and whose results lie in the store at ``store_url``."""
    broker.register()
    app = Celery("rootcellar.demo", set_as_current=False, include=["rootcellar.demo.tasks"])
    app.conf.update(
        broker_url=f"{broker.SCHEME}://",
        broker_transport_options={
            "data_folder_in": str(directory / "messages"),
            "data_folder_out": str(directory / "messages"),
            "control_folder": str(directory / "control"),
            # Without this, kombu moves each message it takes through the system's own temporary directory.
            "store_processed": True,
            "processed_folder": str(directory / "processed"),
            "polling_interval": 0.01,
        },
        result_backend=store_url,
        result_extended=True,
        result_expires=3600,
        result_chord_retry_interval=0.1,
        task_track_started=True,
        task_send_sent_event=False,
        worker_timer_precision=0.05,
        worker_prefetch_multiplier=4,
        worker_hijack_root_logger=True,
        broker_connection_retry_on_startup=False,
    )
    return app


def ready_file(directory: Path) -> Path:
    """Return the file that a worker makes when it is ready for work."""
    return directory / "worker-is-ready"


app = make_app(
    Path(os.environ.get(DIRECTORY_VARIABLE, ".")), os.environ.get(STORE_VARIABLE, "cellar+sqlite:///demo.db")
)


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery carries no types
def _say_ready(sender: Any, **_: Any) -> None:
    if sender.app is app and DIRECTORY_VARIABLE in os.environ:
        threading.Thread(target=_end_with_parent, name="rootcellar-demo-parent", daemon=True).start()
        ready_file(Path(os.environ[DIRECTORY_VARIABLE])).touch()


def _end_with_parent() -> None:
    """Stop the worker when the demonstration that started it is gone: killed, it can no longer do so itself."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
