from api.celery_app import app


@app.task
def resize(path, width):
    return {"path": path, "width": width}
