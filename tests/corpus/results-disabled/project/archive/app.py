from celery import Celery

app = Celery("archive", broker="amqp://guest:guest@localhost:5672//", include=["archive.tasks"])
app.conf.task_acks_late = True
