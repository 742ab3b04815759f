from celery import Celery

app = Celery("vault", include=["vault.tasks"])
app.config_from_object("vault.celeryconfig")
