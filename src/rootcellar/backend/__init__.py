"""The adapter: the only package that imports Celery's backend API."""

from rootcellar.backend import worker
from rootcellar.backend.adapter import CellarBackend

worker.connect()

__all__ = ["CellarBackend"]
