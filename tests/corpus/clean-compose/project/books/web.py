from flask import Flask, request

from books.tasks import print_label, warm_up

app = Flask(__name__)


@app.post("/labels")
def labels():
    copies = request.form.get("copies", default=1, type=int)
    warm_up.delay("/labels")
    return {"job": print_label.delay(request.form.get("isbn"), copies).id}


@app.get("/labels/<job>")
def label(job):
    result = print_label.AsyncResult(job)
    return {"state": result.state, "label": result.result if result.successful() else None}
