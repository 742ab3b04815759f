"""Side by side with Celery's own result backends, in one run: ``python -m benchmarks``."""
