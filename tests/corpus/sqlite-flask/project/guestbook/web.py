from flask import Flask, request

from guestbook.tasks import check_spam

app = Flask(__name__)


@app.post("/entries")
def add():
    text = request.form.get("text", "")
    found = check_spam.delay(text).get(timeout=3)
    return {"accepted": not found}
