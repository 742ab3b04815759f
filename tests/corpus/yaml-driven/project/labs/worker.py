from celery import Celery

from labs import serializers, settings

config = settings.load()

app = Celery("labs", include=["labs.analysis"])
app.conf.update(**config["celery"])

serializers.allow_old_clients()
