from telemetry.celery import app


@app.task(queue="aggregates")
def aggregate(samples):
    return {"min": min(samples), "max": max(samples)}
