from celery import Celery

from rail.config import Production

app = Celery("rail")
app.config_from_object(Production)
app.conf.include = ["rail.delays"]
