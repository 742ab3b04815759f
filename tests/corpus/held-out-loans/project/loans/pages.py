from flask import Blueprint, abort, jsonify

from loans.background import app as celery
from loans.background import overdue, remind

pages = Blueprint("pages", __name__)


@pages.post("/readers/<int:reader>/reminder")
def reminder(reader):
    return jsonify(job=remind.delay(reader).task_id), 202


@pages.get("/jobs/<job>")
def job(job):
    result = celery.AsyncResult(job)
    if result.status == "FAILURE":
        abort(500)
    return jsonify(status=result.status)


@pages.get("/overdue")
def count():
    number = overdue.delay([1, 2, 3])
    return jsonify(overdue=number.get(timeout=4))
