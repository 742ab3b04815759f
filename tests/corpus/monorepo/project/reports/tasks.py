from celery import chord

from reports.celery_app import app


@app.task
def page(number):
    return f"page {number}"


@app.task
def bind_pages(pages):
    return "\n".join(pages)


def report(pages):
    return chord([page.s(number) for number in range(pages)], bind_pages.s()).delay().id
