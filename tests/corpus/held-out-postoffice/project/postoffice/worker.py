from celery import Celery

app = Celery('postoffice', include=['postoffice.sorting'])
app.config_from_object('postoffice.settings')
