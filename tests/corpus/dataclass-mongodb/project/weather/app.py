from celery import Celery

from weather.config import CeleryConfig

app = Celery("weather")
app.config_from_object(CeleryConfig())
