from parcels.celery import app


@app.task(bind=True, max_retries=3)
def track(self, number):
    return {"number": number, "attempts": self.request.retries}
