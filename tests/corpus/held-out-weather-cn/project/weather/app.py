from celery import Celery

app = Celery('weather')
app.config_from_object('weather.配置')
app.autodiscover_tasks(['weather'])
