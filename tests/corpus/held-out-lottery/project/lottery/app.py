from celery import Celery

app = Celery("lottery", config_source="lottery.celeryconfig", include=["lottery.draw"])
