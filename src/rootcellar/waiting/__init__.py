"""Waiting for records."""

from rootcellar.waiting.hub import Hub
from rootcellar.waiting.wait import Wait

__all__ = ["Hub", "Wait"]
