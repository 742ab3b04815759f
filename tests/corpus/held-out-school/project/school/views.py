from celery import chain, group
from flask import Blueprint, jsonify, request

from school.extensions import celery
from school.grading import certificate, grade

bp = Blueprint("school", __name__)


@bp.post("/grade/<pupil>")
def start(pupil):
    job = grade.delay(pupil, request.json.get("answers"))
    return jsonify(id=job.id)


@bp.get("/grade/<job_id>")
def look(job_id):
    job = celery.AsyncResult(job_id)
    if job.ready():
        return jsonify(job.get(timeout=1))
    return jsonify(state=job.state), 202


@bp.post("/now/<pupil>")
def now(pupil):
    job = grade.delay(pupil, request.json["answers"])
    points = job.get(timeout=5)["points"]
    again = grade.AsyncResult(job.id)
    return jsonify(points=points, state=again.state)


@bp.post("/class")
def whole_class():
    jobs = group(grade.s(pupil, answers) for pupil, answers in request.json.items()).apply_async()
    return jsonify(jobs.get())


@bp.post("/certificates/<int:points>")
def certificates(points):
    return jsonify(id=chain(certificate.s(points)).delay().id)
