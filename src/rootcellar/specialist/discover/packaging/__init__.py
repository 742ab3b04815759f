"""What a project requires, locks and has installed, and which Celery that is."""
