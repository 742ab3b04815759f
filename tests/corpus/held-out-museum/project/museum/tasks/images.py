from celery import chord

from .app import app


@app.task
def tile(picture, x, y):
    return "%s/%d/%d.webp" % (picture, x, y)


@app.task
def index(tiles, picture=None):
    return {"picture": picture, "tiles": len(tiles)}


@app.task
def scan(picture, columns, rows):
    header = [tile.s(picture, x, y) for x in range(columns) for y in range(rows)]
    return chord(header)(index.s(picture=picture)).id
