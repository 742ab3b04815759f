"""The broker: kombu's ``filesystem://``, with messages that appear whole.

kombu opens a message's file under its final name and writes it afterwards, and a reader takes no lock: one that comes
in between reads nothing, and the worker ends with a JSON error. Here the file is renamed into place.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "rootcellar-demo"
MOMENT_S = 0.1


class Channel(filesystem.Channel):
    """A channel of ``filesystem://`` that writes messages in one piece."""

    _sent = 0

    def _put(self, queue: Any, payload: Any, **_: Any) -> None:  # type: ignore[override]  # as kombu's
        Channel._sent += 1
        folder = Path(self.data_folder_out)
        # Messages are taken in the order of their names: time first, then who sent it and the how manieth it was.
        name = f"{time.monotonic() * 1e6:020.0f}_{os.getpid()}_{Channel._sent:06d}_{uuid.uuid4()}"
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(dumps(payload), "utf-8")  # type: ignore[no-untyped-call]
        unfinished.rename(folder / f"{name}.{queue}.msg")


class Transport(filesystem.Transport):
    """The transport of :class:`Channel`."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Wait for a message, no longer than a moment: between two waits a worker sees that it is to stop."""
        limit = None if timeout is None else min(timeout, MOMENT_S)
        super().drain_events(connection, timeout=limit)  # type: ignore[no-untyped-call]


def register() -> None:
    """Let kombu know the scheme ``rootcellar-demo://``."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
