"""Streams: standard output and error, made fit for whatever is to be printed."""

import os
import sys


def ready_streams() -> None:
    """See to it that printing raises nothing: a letter that a stream cannot show is escaped, a closed one is open."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open for as long as we run
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
