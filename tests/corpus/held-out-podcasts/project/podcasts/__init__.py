import os

os.environ.setdefault("CELERY_BROKER_URL", "redis://localhost:6379/0")
os.environ.setdefault("CELERY_RESULT_BACKEND", "redis://localhost:6379/1")

from podcasts.celery import app as celery  # noqa: E402

__all__ = ["celery"]
