"""Celery apps and what they are configured with: by an evaluator that runs nothing of the project."""
