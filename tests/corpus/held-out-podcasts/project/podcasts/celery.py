from celery import Celery

app = Celery("podcasts")
app.conf.worker_hijack_root_logger = False
app.conf.result_backend_always_retry = True
app.conf.result_expires = 7200
app.autodiscover_tasks(["podcasts.fetching"], related_name="jobs")
