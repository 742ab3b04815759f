from celery import chord

from cad.work import app


@app.task
def slice_mesh(path, height):
    return {"path": path, "height": height}


@app.task
def join(slices):
    return sorted(slices, key=lambda one: one["height"])


def whole(path, layers):
    return chord(slice_mesh.s(path, layer / 5) for layer in range(layers))(join.s())


def queue_of(task_id):
    result = slice_mesh.AsyncResult(task_id)
    return result.queue if result.ready() else None
