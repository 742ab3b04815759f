import datetime

from emails.celery_app import app


@app.task(bind=True)
def send(self, address):
    """Return when it was sent."""
    if not address:
        raise self.retry(countdown=60)
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
