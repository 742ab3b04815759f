import os

from celery import Celery

app = Celery("cad", broker=os.environ["CAD_BROKER"])
app.conf.update(
    result_backend="cellar+postgresql://cad:" + os.environ["PGPASSWORD"] + "@results:5432/cad",
    result_expires=3 * 24 * 3600,
    result_extended=True,
    imports=("cad.meshes",),
)
