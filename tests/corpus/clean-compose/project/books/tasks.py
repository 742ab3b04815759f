from books.celery import app


@app.task
def print_label(isbn, copies=1):
    return {"isbn": isbn, "copies": copies, "title": None}


@app.task(ignore_result=True, expires=300)
def warm_up(page):
    """Put a page into the cache."""
