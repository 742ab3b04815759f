"""The adapter: the only package that imports Celery's backend API."""

from rootcellar.backend.adapter import CellarBackend

__all__ = ["CellarBackend"]
