from celery import Celery

app = Celery("survey")
app.conf.broker_url = "amqp://guest:guest@localhost:5672//"
app.conf.result_backend = "redis://localhost:6379/0"
app.conf.result_expires = 30
app.conf.task_create_missing_queues = True
app.conf.imports = ["survey.flow"]
