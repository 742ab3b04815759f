"""Waiting for records."""

from rootcellar.waiting.hub import Hub, Wait

__all__ = ["Hub", "Wait"]
