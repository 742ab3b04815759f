import requests

from labs.worker import app, config


@app.task
def sample(instrument):
    answer = requests.get(f"http://{instrument}.lab:8000/sample", timeout=5)
    return answer.json()["value"]


@app.task
def ping():
    return config.get("instruments")
