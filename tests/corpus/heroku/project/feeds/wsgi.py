from flask import Flask, abort

from feeds.tasks import refresh

app = Flask(__name__)


@app.post("/refresh/<path:url>")
def start(url):
    return {"id": refresh.delay(url).id}


@app.get("/refresh/<task_id>")
def show(task_id):
    result = refresh.AsyncResult(task_id)
    if not result.ready():
        abort(404)
    return result.result
