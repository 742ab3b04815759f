from flask import Flask, request

from parcels.tasks import track

web = Flask(__name__)


@web.get("/track")
def show():
    number = request.args.get("number", "")
    return track.delay(number).get(timeout=10)
