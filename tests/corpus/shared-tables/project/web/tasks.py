from web.celery import app


@app.task
def thumbnail(path):
    return f"{path}.thumb"
