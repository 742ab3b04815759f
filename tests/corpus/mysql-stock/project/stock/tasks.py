from stock.celery_app import app


@app.task
def reserve(article, pieces):
    return {"article": article, "reserved": pieces}


@app.task(ignore_result=True)
def restock(article):
    """Order more of it."""
