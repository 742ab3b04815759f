from celery import Celery

from tickets import settings

app = Celery("tickets")
app.config_from_object(settings)


@app.task
def close(number):
    return {"number": number, "state": "closed"}
